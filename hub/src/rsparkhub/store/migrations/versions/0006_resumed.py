"""Whether a run resumed what an earlier one had saved: that takes another time than a start."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    # Of the runs before this it isn't known: they count as starts, until twenty newer ones count in their place.
    op.add_column("runs", sa.Column("resumed", sa.Boolean))


def downgrade() -> None:
    op.execute("ALTER TABLE runs DROP COLUMN resumed")
