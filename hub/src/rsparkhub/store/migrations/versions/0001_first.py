"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "sessions",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("owner", sa.Text),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("environment", sa.Text, nullable=False),
        sa.Column("project", sa.Text),
        sa.Column("options", sa.JSON, nullable=False),
        sa.Column("idempotency_key", sa.Text),
        sa.Column("created", moment, nullable=False),
        sa.Column("wanted", sa.Text, nullable=False),
        sa.Column("wish", sa.BigInteger, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("generation", sa.BigInteger, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("detail", sa.Text),
        sa.Column("asked", moment, nullable=False),
        sa.Column("admitted", moment),
        sa.Column("started", moment),
        sa.Column("ready", moment),
        sa.Column("ended", moment),
        sa.Column("asked_to_end", moment),
        sa.Column("last_activity", moment),
        sa.Column("busy", sa.Boolean, nullable=False),
        sa.Column("busy_with", sa.JSON, nullable=False),
        sa.Column("memory", sa.BigInteger),
        sa.Column("cpu", sa.Float),
        sa.Column("upstream", sa.Text),
        sa.Column("secret", sa.Text),
        sa.Column("parts", sa.JSON, nullable=False),
        sa.Column("endpoints", sa.JSON, nullable=False),
        sa.Column("restored", sa.JSON),
        sa.Column("last_exit", sa.JSON),
        sa.Column("look_at", moment),
        sa.Column("due", moment),
        sa.Column("lease_holder", sa.Text),
        sa.Column("claims", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_sessions"),
    )
    op.create_index("ix_sessions_due", "sessions", ["due"])
    op.create_index("ix_sessions_created", "sessions", ["kind", "created", "id"])
    op.create_index("ix_sessions_owner", "sessions", ["owner", "created", "id"])
    op.create_index("ix_sessions_state", "sessions", ["kind", "state", "asked", "id"])
    op.create_index("ix_sessions_idempotency_key", "sessions", ["owner", "idempotency_key"], unique=True)
    op.create_table(
        "events",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), autoincrement=True, nullable=False),
        sa.Column("session", sa.Text, nullable=False),
        sa.Column("owner", sa.Text),
        sa.Column("at", moment, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("by", sa.Text),
        sa.Column("data", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_events"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_events_session", "events", ["session", "id"])
    op.create_index("ix_events_owner", "events", ["owner", "id"])
    op.create_table(
        "session_logs",
        sa.Column("session", sa.Text, nullable=False),
        sa.Column("part", sa.Text, nullable=False),
        sa.Column("generation", sa.BigInteger, nullable=False),
        sa.Column("tail", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("session", "part", name="pk_session_logs"),
        sa.ForeignKeyConstraint(
            ["session"], ["sessions.id"], name="fk_session_logs_session", ondelete="CASCADE"
        ),
    )
    op.create_table(
        "people",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("admin", sa.Boolean, nullable=False),
        sa.Column("created", moment, nullable=False),
        sa.Column("last_seen", moment),
        sa.Column("password_hash", sa.Text),
        sa.PrimaryKeyConstraint("name", name="pk_people"),
    )
    op.create_table(
        "groups",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("created", moment, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_groups"),
    )
    op.create_table(
        "members",
        sa.Column("person", sa.Text, nullable=False),
        sa.Column("group", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("person", "group", name="pk_members"),
        sa.ForeignKeyConstraint(["person"], ["people.name"], name="fk_members_person", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["group"], ["groups.name"], name="fk_members_group", ondelete="CASCADE"),
    )
    op.create_index("ix_members_group", "members", ["group"])
    for table in ("links", "logins"):
        op.create_table(
            table,
            sa.Column("digest", sa.Text, nullable=False),
            sa.Column("person", sa.Text, nullable=False),
            sa.Column("created", moment, nullable=False),
            sa.Column("expires", moment, nullable=False),
            sa.PrimaryKeyConstraint("digest", name=f"pk_{table}"),
            sa.ForeignKeyConstraint(["person"], ["people.name"], name=f"fk_{table}_person", ondelete="CASCADE"),
        )
        op.create_index(f"ix_{table}_person", table, ["person"])
        op.create_index(f"ix_{table}_expires", table, ["expires"])
    op.create_table(
        "tokens",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("person", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("created", moment, nullable=False),
        sa.Column("expires", moment, nullable=False),
        sa.Column("last_used", moment),
        sa.PrimaryKeyConstraint("id", name="pk_tokens"),
        sa.UniqueConstraint("digest", name="uq_tokens_digest"),
        sa.ForeignKeyConstraint(["person"], ["people.name"], name="fk_tokens_person", ondelete="CASCADE"),
    )
    op.create_index("ix_tokens_person", "tokens", ["person"])
    op.create_index("ix_tokens_expires", "tokens", ["expires"])
    op.create_table(
        "attempts",
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("count", sa.Integer, nullable=False),
        sa.Column("last", moment, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_attempts"),
    )
    op.create_index("ix_attempts_last", "attempts", ["last"])
    op.create_table(
        "accounts",
        sa.Column("person", sa.Text, nullable=False),
        sa.Column("service", sa.Text, nullable=False),
        sa.Column("password", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("person", "service", name="pk_accounts"),
    )


def downgrade() -> None:
    for table in (
        "accounts", "attempts", "tokens", "logins", "links", "members", "groups", "people", "session_logs", "events", "sessions",
    ):
        op.drop_table(table)
