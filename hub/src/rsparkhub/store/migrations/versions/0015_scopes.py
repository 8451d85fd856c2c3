"""API tokens have scopes; those that there are keep all that they could."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.add_column("tokens", sa.Column("scopes", sa.Text(), nullable=False, server_default="all"))


def downgrade() -> None:
    op.execute("DELETE FROM tokens WHERE scopes <> 'all'")  # else they could do everything
    op.execute("ALTER TABLE tokens DROP COLUMN scopes")
