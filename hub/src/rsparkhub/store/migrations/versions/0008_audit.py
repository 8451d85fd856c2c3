"""The audit is read by who did something."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    # Most events are the hub's own and by nobody.
    someone = sa.text('"by" IS NOT NULL')
    op.create_index("ix_events_by", "events", ["by", "id"], sqlite_where=someone, postgresql_where=someone)


def downgrade() -> None:
    op.execute("DROP INDEX ix_events_by")
