"""Groups have instructors, a rule on what these see, and an announcement; whom they and administrators visited is told."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    op.add_column("members", sa.Column("role", sa.Text(), nullable=False, server_default="member"))
    op.add_column("groups", sa.Column("instructors_view", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("groups", sa.Column("announcement", sa.JSON))
    op.add_column("sessions", sa.Column("visits", sa.JSON))


def downgrade() -> None:
    op.execute("ALTER TABLE sessions DROP COLUMN visits")
    op.execute("ALTER TABLE groups DROP COLUMN announcement")
    op.execute("ALTER TABLE groups DROP COLUMN instructors_view")
    op.execute("ALTER TABLE members DROP COLUMN role")
