"""Users put off the sleep of idle sessions."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.add_column("sessions", sa.Column("awake_until", sa.DateTime(timezone=True)))


def downgrade() -> None:
    op.execute("ALTER TABLE sessions DROP COLUMN awake_until")
