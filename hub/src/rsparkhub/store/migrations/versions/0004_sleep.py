"""What a session may lose to be put to sleep, and why the last sleep was given up."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("sessions", sa.Column("sleep", sa.Text))
    op.add_column("sessions", sa.Column("refusal", sa.JSON))


def downgrade() -> None:
    op.execute("ALTER TABLE sessions DROP COLUMN refusal")
    op.execute("ALTER TABLE sessions DROP COLUMN sleep")
