"""Groups get an id that is never given twice, as people have: a later group of a name gets nothing of the earlier one.

Whichever group there is keeps its name as its id, and with it its database, folder and bucket. Those that were removed before are
found in the audit, and are written down too.
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0011"

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "group_ids",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("created", _MOMENT),
        sa.Column("removed", _MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_group_ids"),
    )
    op.create_index("ix_group_ids_name", "group_ids", ["name"])
    op.execute("INSERT INTO group_ids (id, name, created) SELECT name, name, created FROM groups")
    name = "data->>'group'" if op.get_bind().dialect.name == "postgresql" else "json_extract(data, '$.group')"
    change = name.replace("group", "change")
    op.execute(
        "INSERT INTO group_ids (id, name, removed) "
        f"SELECT {name}, {name}, MAX(at) FROM events WHERE kind = 'group' AND {change} = 'removed' "
        f"AND {name} NOT IN (SELECT name FROM groups) GROUP BY {name}"
    )
    op.execute(
        "INSERT INTO service_accounts (owner, service, password, wanted, applied) "
        "SELECT 'group.' || id, service, '', 'keep', 'keep' FROM group_ids, (SELECT DISTINCT service FROM service_accounts) used "
        "WHERE removed IS NOT NULL"
    )


def downgrade() -> None:
    op.execute("DELETE FROM service_accounts WHERE owner LIKE 'group.%' AND owner NOT IN (SELECT id FROM people)")
    op.drop_table("group_ids")
