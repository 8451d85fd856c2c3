"""Groups have a course folder: data, what students hand in, and what comes back to them."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    op.add_column("groups", sa.Column("course_folder", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("groups", sa.Column("due", sa.DateTime(timezone=True)))
    op.create_table(
        "course_files",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("group", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("person", sa.Text()),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due", sa.DateTime(timezone=True)),
        sa.Column("of", sa.Text()),
        sa.Column("whole", sa.Boolean(), nullable=False),
    )
    op.create_index("ix_course_files_group", "course_files", ["group", "kind", "person"])
    op.create_index("ix_course_files_person", "course_files", ["person"])
    op.create_table(
        "course_pieces",
        sa.Column("file", sa.Text(), sa.ForeignKey("course_files.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("number", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("course_pieces")
    op.drop_table("course_files")
    op.execute("ALTER TABLE groups DROP COLUMN due")
    op.execute("ALTER TABLE groups DROP COLUMN course_folder")
