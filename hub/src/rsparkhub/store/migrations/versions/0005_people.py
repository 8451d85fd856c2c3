"""People get an id that is never given twice, and accounts on services a state that a controller brings about.

Whoever there is keeps their name as their id, and with it home, database, history and bill. Whoever was removed before is written
down too, so that a new person of that name gets none of it; their account on PostgreSQL is closed.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "people",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("created", _MOMENT),
        sa.Column("removed", _MOMENT),
        sa.Column("home", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_people"),
    )
    op.create_index("ix_people_name", "people", ["name"])
    op.create_index("ix_people_home", "people", ["home"])
    op.add_column("users", sa.Column("id", sa.Text))
    op.add_column("users", sa.Column("disabled", _MOMENT))
    op.add_column("logins", sa.Column("session", sa.Text))
    op.execute("UPDATE users SET id = name")
    op.create_index("ix_users_id", "users", ["id"], unique=True)
    op.execute("INSERT INTO people (id, name, created) SELECT name, name, created FROM users")
    op.execute(
        "INSERT INTO people (id, name, created, removed) "
        "SELECT owner, owner, MIN(at), MAX(at) FROM events "
        "WHERE owner IS NOT NULL AND owner NOT IN (SELECT name FROM users) GROUP BY owner"
    )
    op.rename_table("service_accounts", "service_accounts_before")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE service_accounts_before RENAME CONSTRAINT pk_service_accounts TO pk_service_accounts_before")
    op.create_table(
        "service_accounts",
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("service", sa.Text, nullable=False),
        sa.Column("password", sa.Text, nullable=False),
        sa.Column("wanted", sa.Text, nullable=False),
        sa.Column("applied", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("owner", "service", name="pk_service_accounts"),
    )
    op.execute(
        "INSERT INTO service_accounts (owner, service, password, wanted, applied) "
        "SELECT user_name, service, password, 'open', 'open' FROM service_accounts_before"
    )
    op.execute(
        "INSERT INTO service_accounts (owner, service, password, wanted, applied) "
        "SELECT id, 'postgres', '', 'keep', 'open' FROM people WHERE removed IS NOT NULL"
    )
    op.drop_table("service_accounts_before")


def downgrade() -> None:
    op.rename_table("service_accounts", "service_accounts_after")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE service_accounts_after RENAME CONSTRAINT pk_service_accounts TO pk_service_accounts_after")
    op.create_table(
        "service_accounts",
        sa.Column("user_name", sa.Text, nullable=False),
        sa.Column("service", sa.Text, nullable=False),
        sa.Column("password", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("user_name", "service", name="pk_service_accounts"),
    )
    op.execute(
        "INSERT INTO service_accounts (user_name, service, password) "
        "SELECT owner, service, password FROM service_accounts_after WHERE wanted = 'open'"
    )
    op.drop_table("service_accounts_after")
    op.execute("ALTER TABLE logins DROP COLUMN session")
    op.drop_index("ix_users_id", "users")
    op.execute("ALTER TABLE users DROP COLUMN disabled")
    op.execute("ALTER TABLE users DROP COLUMN id")
    op.drop_table("people")
