"""Single assignments of a course have due times of their own, and a hand-in says for which it came."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    op.create_table(
        "course_assignments",
        sa.Column("group", sa.Text(), sa.ForeignKey("groups.name", ondelete="CASCADE"), primary_key=True),
        sa.Column("name", sa.Text(), primary_key=True),
        sa.Column("due", sa.DateTime(timezone=True), nullable=False),
    )
    op.add_column("course_files", sa.Column("assignment", sa.Text()))


def downgrade() -> None:
    op.execute("ALTER TABLE course_files DROP COLUMN assignment")
    op.drop_table("course_assignments")
