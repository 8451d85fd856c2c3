"""What a session signs in with on shared services, and whether an account there has the person's groups of now."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "session_credentials",
        sa.Column("session", sa.Text, nullable=False),
        sa.Column("generation", sa.BigInteger, nullable=False),
        sa.Column("service", sa.Text, nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("secret", sa.Text, nullable=False),
        sa.Column("issued", sa.JSON),
        sa.Column("renewed", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("session", "generation", "service", name="pk_session_credentials"),
    )
    op.add_column("service_accounts", sa.Column("revision", sa.BigInteger, nullable=False, server_default="0"))
    op.add_column("service_accounts", sa.Column("applied_revision", sa.BigInteger, nullable=False, server_default="0"))


def downgrade() -> None:
    op.drop_table("session_credentials")
    op.execute("ALTER TABLE service_accounts DROP COLUMN revision")
    op.execute("ALTER TABLE service_accounts DROP COLUMN applied_revision")
