"""People sign in with accounts of other systems."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.create_table(
        "identities",
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("user_name", sa.Text, nullable=False),
        sa.Column("groups", sa.JSON, nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("source", "subject", name="pk_identities"),
        sa.ForeignKeyConstraint(["user_name"], ["users.name"], name="fk_identities_user_name", ondelete="CASCADE"),
    )
    op.create_index("ix_identities_user_name", "identities", ["user_name"])
    op.add_column("logins", sa.Column("site", sa.Text))


def downgrade() -> None:
    op.execute("ALTER TABLE logins DROP COLUMN site")
    op.drop_table("identities")
