"""Files of a course are found by their paths, by what they are about, and by not having come to their end."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    # Paths are asked for by what they begin with, letter by letter: PostgreSQL sorts by the rules of a language otherwise.
    op.create_index(
        "ix_course_files_name", "course_files", ["group", "kind", "name"], postgresql_ops={"name": "text_pattern_ops"}
    )
    about = sa.text('"of" IS NOT NULL')
    op.create_index("ix_course_files_of", "course_files", ["of"], sqlite_where=about, postgresql_where=about)
    op.create_index("ix_course_files_whole", "course_files", ["whole", "created"])


def downgrade() -> None:
    for name in ("ix_course_files_whole", "ix_course_files_of", "ix_course_files_name"):
        op.execute(f"DROP INDEX {name}")
