"""A session is shared with people and groups."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.create_table(
        "shares",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("session", sa.Text, nullable=False),
        sa.Column("person", sa.Text),
        sa.Column("group", sa.Text),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name="pk_shares"),
        sa.ForeignKeyConstraint(["session"], ["sessions.id"], name="fk_shares_session", ondelete="CASCADE"),
    )
    op.create_index("ix_shares_session_person", "shares", ["session", "person"], unique=True)
    op.create_index("ix_shares_session_group", "shares", ["session", "group"], unique=True)
    op.create_index("ix_shares_person", "shares", ["person"])
    op.create_index("ix_shares_group", "shares", ["group"])


def downgrade() -> None:
    op.drop_table("shares")
