"""Tables and columns get the names that the field has for what they hold; no row changes."""

from alembic import op

revision = "0002"
down_revision = "0001"

TABLES = {
    "people": "users",
    "links": "sign_in_links",
    "attempts": "login_attempts",
    "accounts": "service_accounts",
}
#: By the table's new name.
COLUMNS = {
    "sessions": {
        "wish": "spec_revision",
        "claims": "lease_epoch",
        "look_at": "next_reconcile_at",
        "due": "claimable_at",
        "asked": "queued_at",
        "asked_to_end": "end_requested_at",
        "parts": "components",
    },
    "session_logs": {"part": "component"},
    **{table: {"person": "user_name"} for table in ("members", "sign_in_links", "logins", "tokens", "service_accounts")},
}
#: Name → (name before, table, columns).
INDEXES = {
    "ix_sessions_claimable_at": ("ix_sessions_due", "sessions", ["claimable_at"]),
    "ix_sign_in_links_user_name": ("ix_links_person", "sign_in_links", ["user_name"]),
    "ix_sign_in_links_expires": ("ix_links_expires", "sign_in_links", ["expires"]),
    "ix_logins_user_name": ("ix_logins_person", "logins", ["user_name"]),
    "ix_tokens_user_name": ("ix_tokens_person", "tokens", ["user_name"]),
    "ix_login_attempts_last": ("ix_attempts_last", "login_attempts", ["last"]),
}
#: On PostgreSQL constraints have names that may be changed: by the table's new name, before → after.
CONSTRAINTS = {
    "users": {"pk_people": "pk_users"},
    "members": {"fk_members_person": "fk_members_user_name"},
    "sign_in_links": {"pk_links": "pk_sign_in_links", "fk_links_person": "fk_sign_in_links_user_name"},
    "logins": {"fk_logins_person": "fk_logins_user_name"},
    "tokens": {"fk_tokens_person": "fk_tokens_user_name"},
    "login_attempts": {"pk_attempts": "pk_login_attempts"},
    "service_accounts": {"pk_accounts": "pk_service_accounts"},
}


def upgrade() -> None:
    for before, after in TABLES.items():
        op.rename_table(before, after)
    for table, renamed in COLUMNS.items():
        for was, now in renamed.items():
            op.execute(f"ALTER TABLE {table} RENAME COLUMN {was} TO {now}")
    for name, (before, table, columns) in INDEXES.items():
        op.drop_index(before, table)
        op.create_index(name, table, columns)
    if op.get_bind().dialect.name == "postgresql":
        for table, names in CONSTRAINTS.items():
            for before, after in names.items():
                op.execute(f"ALTER TABLE {table} RENAME CONSTRAINT {before} TO {after}")


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        for table, names in CONSTRAINTS.items():
            for before, after in names.items():
                op.execute(f"ALTER TABLE {table} RENAME CONSTRAINT {after} TO {before}")
    for table, renamed in COLUMNS.items():
        for was, now in renamed.items():
            op.execute(f"ALTER TABLE {table} RENAME COLUMN {now} TO {was}")
    old_tables = {after: before for before, after in TABLES.items()}
    for name, (before, table, columns) in INDEXES.items():
        old_columns = {after: was for was, after in COLUMNS.get(table, {}).items()}
        op.drop_index(name, table)
        op.create_index(before, table, [old_columns.get(column, column) for column in columns])
    for after, before in old_tables.items():
        op.rename_table(after, before)
