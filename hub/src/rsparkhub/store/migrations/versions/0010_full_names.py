"""People have full names and e-mail addresses."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.add_column("users", sa.Column("full_name", sa.Text))
    op.add_column("users", sa.Column("email", sa.Text))


def downgrade() -> None:
    op.execute("ALTER TABLE users DROP COLUMN full_name")
    op.execute("ALTER TABLE users DROP COLUMN email")
