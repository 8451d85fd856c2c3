"""The tables. `migrations/` makes them; a test holds the two together."""

import sqlalchemy as sa

from rsparkhub.store.columns import Document, Flag, Moment, Words

metadata = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

sessions = sa.Table(
    "sessions",
    metadata,
    sa.Column("id", Words, primary_key=True),
    sa.Column("kind", Words, nullable=False),
    sa.Column("owner", Words),  # nobody owns a shared service
    sa.Column("name", Words, nullable=False),
    sa.Column("environment", Words, nullable=False),
    sa.Column("project", Words),
    sa.Column("options", Document, nullable=False),
    sa.Column("idempotency_key", Words),
    sa.Column("created", Moment, nullable=False),
    # What is wanted. `spec_revision` grows with each request, so that a controller sees that one came meanwhile.
    sa.Column("wanted", Words, nullable=False),
    sa.Column("spec_revision", sa.BigInteger, nullable=False),
    sa.Column("sleep", Words),  # what it may lose to be put to sleep; NULL is `kept`
    # What was last observed: written by the controller that holds the lease.
    sa.Column("state", Words, nullable=False),
    sa.Column("generation", sa.BigInteger, nullable=False),
    sa.Column("reason", Words),
    sa.Column("detail", Words),
    sa.Column("queued_at", Moment, nullable=False),
    sa.Column("started", Moment),
    sa.Column("ready", Moment),
    sa.Column("ended", Moment),
    sa.Column("end_requested_at", Moment),
    sa.Column("last_activity", Moment),
    sa.Column("busy", Flag, nullable=False),
    sa.Column("busy_with", Document, nullable=False),
    sa.Column("memory", sa.BigInteger),
    sa.Column("cpu", sa.Float),
    sa.Column("upstream", Words),
    sa.Column("secret", Words),
    sa.Column("components", Document, nullable=False),
    sa.Column("endpoints", Document, nullable=False),
    sa.Column("restored", Document),
    sa.Column("last_exit", Document),
    sa.Column("notices", Document),  # of what will put it to sleep; NULL is none
    sa.Column("refusal", Document),  # of the last sleep that was given up
    sa.Column("awake_until", Moment),  # a user put off its sleep; a new generation has none
    sa.Column("visits", Document),  # of instructors and administrators, the newest first; NULL is none
    # Who works on it. `lease_epoch` grows with each lease, so that an old one is never taken for a new one of the same holder.
    # `claimable_at` is when the next lease may be taken: `next_reconcile_at` while it is free, the lease's end while it is not.
    sa.Column("next_reconcile_at", Moment),
    sa.Column("claimable_at", Moment),
    sa.Column("lease_holder", Words),
    sa.Column("lease_epoch", sa.BigInteger, nullable=False),
    sa.Index("ix_sessions_claimable_at", "claimable_at"),
    sa.Index("ix_sessions_created", "kind", "created", "id"),
    sa.Index("ix_sessions_owner", "owner", "created", "id"),
    sa.Index("ix_sessions_state", "kind", "state", "queued_at", "id"),
    sa.Index("ix_sessions_idempotency_key", "owner", "idempotency_key", unique=True),
)

# Events outlive their session: the audit is made from them. That is why owner is here again. `session` is empty where it is
# about none: what people did to accounts and groups.
_SOMEBODY = sa.text('"by" IS NOT NULL')
_ABOUT = sa.text('"of" IS NOT NULL')
events = sa.Table(
    "events",
    metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("session", Words, nullable=False),
    sa.Column("owner", Words),
    sa.Column("at", Moment, nullable=False),
    sa.Column("kind", Words, nullable=False),
    sa.Column("by", Words),
    sa.Column("data", Document, nullable=False),
    sa.Index("ix_events_session", "session", "id"),
    sa.Index("ix_events_owner", "owner", "id"),
    sa.Index("ix_events_by", "by", "id", sqlite_where=_SOMEBODY, postgresql_where=_SOMEBODY),
    sqlite_autoincrement=True,  # an id is never given twice, so that "since" misses nothing
)

# A run of a session: from the start of starting until everything of it had ended; `seconds` is how long that was.
runs = sa.Table(
    "runs",
    metadata,
    sa.Column("session", Words, primary_key=True),
    sa.Column("generation", sa.BigInteger, primary_key=True),
    sa.Column("owner", Words),
    sa.Column("environment", Words, nullable=False),
    sa.Column("began", Moment, nullable=False),
    sa.Column("resumed", sa.Boolean),
    sa.Column("ready", Moment),
    sa.Column("ended", Moment),
    sa.Column("seconds", sa.Float),
    sa.Index("ix_runs_owner", "owner", "ended"),
    sa.Index("ix_runs_ended", "ended"),
    sa.Index("ix_runs_environment", "environment", "ready"),
)

# How many runs began, failed and ended, for Prometheus; `code` is the exit code of those that ended, or empty.
run_counts = sa.Table(
    "run_counts",
    metadata,
    sa.Column("what", Words, primary_key=True),
    sa.Column("code", Words, primary_key=True),
    sa.Column("count", sa.BigInteger, nullable=False),
)

# The controllers that are alive: each writes when it was last seen.
controllers = sa.Table(
    "controllers",
    metadata,
    sa.Column("holder", Words, primary_key=True),
    sa.Column("seen", Moment, nullable=False),
)

session_logs = sa.Table(
    "session_logs",
    metadata,
    sa.Column("session", sa.ForeignKey("sessions.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("component", Words, primary_key=True),
    sa.Column("generation", sa.BigInteger, nullable=False),
    sa.Column("tail", Words, nullable=False),
)

# Whoever may sign in, by their name; `id` is theirs in `people`, and what belongs to them is found by it. While `disabled` is set
# they may not.
users = sa.Table(
    "users",
    metadata,
    sa.Column("name", Words, primary_key=True),
    sa.Column("id", Words),
    sa.Column("disabled", Moment),
    sa.Column("admin", Flag, nullable=False),
    sa.Column("created", Moment, nullable=False),
    sa.Column("last_seen", Moment),
    sa.Column("password_hash", Words),
    sa.Column("full_name", Words),
    sa.Column("email", Words),
    sa.Index("ix_users_id", "id", unique=True),
)

# Everybody there ever was: an id is given once, so that what belonged to somebody is never another's of the same name. `home` is
# what is still to be done with the home of somebody who was removed: `archive` or `delete`; NULL is nothing.
people = sa.Table(
    "people",
    metadata,
    sa.Column("id", Words, primary_key=True),
    sa.Column("name", Words, nullable=False),
    sa.Column("created", Moment),
    sa.Column("removed", Moment),
    sa.Column("home", Words),  # of somebody who was removed: `archive`, `delete`, `gone`; null where it is kept
    sa.Index("ix_people_name", "name"),
    sa.Index("ix_people_home", "home"),
)

groups = sa.Table(
    "groups",
    metadata,
    sa.Column("name", Words, primary_key=True),
    sa.Column("created", Moment, nullable=False),
    sa.Column("instructors_view", Flag, nullable=False, server_default=sa.false()),
    sa.Column("announcement", Document),
    sa.Column("course_folder", Flag, nullable=False, server_default=sa.false()),
    sa.Column("due", Moment),
)

# Every group there ever was. Its id is never given again; `removed` is null of those that there are.
group_ids = sa.Table(
    "group_ids",
    metadata,
    sa.Column("id", Words, primary_key=True),
    sa.Column("name", Words, nullable=False),
    sa.Column("created", Moment),
    sa.Column("removed", Moment),
    sa.Index("ix_group_ids_name", "name"),
)

members = sa.Table(
    "members",
    metadata,
    sa.Column("user_name", sa.ForeignKey("users.name", ondelete="CASCADE"), primary_key=True),
    sa.Column("group", sa.ForeignKey("groups.name", ondelete="CASCADE"), primary_key=True),
    sa.Column("role", Words, nullable=False, server_default="member"),
    sa.Index("ix_members_group", "group"),
)

# Files of a course, by the id of its group, which outlives it; `domain.coursework` says what each column is. One that is not
# `whole` is being sent, and takes its room already.
course_files = sa.Table(
    "course_files",
    metadata,
    sa.Column("id", Words, primary_key=True),
    sa.Column("group", Words, nullable=False),
    sa.Column("kind", Words, nullable=False),
    sa.Column("person", Words),
    sa.Column("by", Words, nullable=False),
    sa.Column("name", Words, nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("digest", Words, nullable=False),
    sa.Column("created", Moment, nullable=False),
    sa.Column("due", Moment),
    sa.Column("of", Words),
    sa.Column("whole", Flag, nullable=False),
    sa.Column("assignment", Words),
    sa.Index("ix_course_files_group", "group", "kind", "person"),
    sa.Index("ix_course_files_person", "person"),
    sa.Index("ix_course_files_name", "group", "kind", "name", postgresql_ops={"name": "text_pattern_ops"}),
    sa.Index("ix_course_files_of", "of", sqlite_where=_ABOUT, postgresql_where=_ABOUT),
    sa.Index("ix_course_files_whole", "whole", "created"),
)

# Assignments of a course that have due times of their own; all other work has the time in `groups`.
course_assignments = sa.Table(
    "course_assignments",
    metadata,
    sa.Column("group", sa.ForeignKey("groups.name", ondelete="CASCADE"), primary_key=True),
    sa.Column("name", Words, primary_key=True),
    sa.Column("due", Moment, nullable=False),
)

# What is in them, in order.
course_pieces = sa.Table(
    "course_pieces",
    metadata,
    sa.Column("file", sa.ForeignKey("course_files.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("content", sa.LargeBinary, nullable=False),
)

# Who else is let into a session: a person, by their id, or everybody in a group. NULL in `expires` is until it is ended.
shares = sa.Table(
    "shares",
    metadata,
    sa.Column("id", Words, primary_key=True),
    sa.Column("session", sa.ForeignKey("sessions.id", ondelete="CASCADE"), nullable=False),
    sa.Column("person", Words),
    sa.Column("group", Words),
    sa.Column("role", Words, nullable=False),
    sa.Column("created", Moment, nullable=False),
    sa.Column("expires", Moment),
    sa.Index("ix_shares_session_person", "session", "person", unique=True),
    sa.Index("ix_shares_session_group", "session", "group", unique=True),
    sa.Index("ix_shares_person", "person"),
    sa.Index("ix_shares_group", "group"),
)

# One-time sign-in links, browser sign-ins and API tokens. Only digests are kept: what is read here opens nothing.
sign_in_links = sa.Table(
    "sign_in_links",
    metadata,
    sa.Column("digest", Words, primary_key=True),
    sa.Column("user_name", sa.ForeignKey("users.name", ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("created", Moment, nullable=False),
    sa.Column("expires", Moment, nullable=False, index=True),
)

logins = sa.Table(
    "logins",
    metadata,
    sa.Column("digest", Words, primary_key=True),
    sa.Column("user_name", sa.ForeignKey("users.name", ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("session", Words),  # at whose own host it is; NULL is the hub
    sa.Column("site", Words),  # where they signed in, `WAY:SITE`; NULL is here
    sa.Column("created", Moment, nullable=False),
    sa.Column("expires", Moment, nullable=False, index=True),
)

# Who somebody is in another system, which vouches for them: `subject` is what that calls them for ever. `groups` are those they
# are in because it said so last.
identities = sa.Table(
    "identities",
    metadata,
    sa.Column("source", Words, primary_key=True),
    sa.Column("subject", Words, primary_key=True),
    sa.Column("user_name", sa.ForeignKey("users.name", ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("groups", Document, nullable=False),
    sa.Column("created", Moment, nullable=False),
)

tokens = sa.Table(
    "tokens",
    metadata,
    sa.Column("id", Words, primary_key=True),
    sa.Column("digest", Words, nullable=False, unique=True),
    sa.Column("user_name", sa.ForeignKey("users.name", ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("name", Words, nullable=False),
    sa.Column("created", Moment, nullable=False),
    sa.Column("expires", Moment, nullable=False, index=True),
    sa.Column("last_used", Moment),
    sa.Column("scopes", Words, nullable=False, server_default="all"),  # with spaces between; `all` of those from before scopes
)

# Wrong passwords, by name and by address.
login_attempts = sa.Table(
    "login_attempts",
    metadata,
    sa.Column("key", Words, primary_key=True),
    sa.Column("count", sa.Integer, nullable=False),
    sa.Column("last", Moment, nullable=False, index=True),
)

# A person's account on a shared service, by their id: its password, made once, which the session gets in a passfile; what is
# wanted of it (`open`, `closed`, or gone: `keep`, `archive`, `delete`), and which of these a controller has brought about.
# `revision` grows when the person's groups change, and `applied_revision` is the one that the account has. A group that
# was removed has accounts too, by `group.` and its id: what it has there, which is kept, archived or deleted.
service_accounts = sa.Table(
    "service_accounts",
    metadata,
    sa.Column("owner", Words, primary_key=True),
    sa.Column("service", Words, primary_key=True),
    sa.Column("password", Words, nullable=False),
    sa.Column("wanted", Words, nullable=False),
    sa.Column("applied", Words, nullable=False),
    sa.Column("revision", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("applied_revision", sa.BigInteger, nullable=False, server_default="0"),
)

# What one generation of a session signs in with on a shared service, until it is revoked there: it outlives the session. `issued`
# is what the service made of `secret`, NULL before; `renewed` is when it last got a new life.
session_credentials = sa.Table(
    "session_credentials",
    metadata,
    sa.Column("session", Words, primary_key=True),
    sa.Column("generation", sa.BigInteger, primary_key=True),
    sa.Column("service", Words, primary_key=True),
    sa.Column("owner", Words, nullable=False),
    sa.Column("secret", Words, nullable=False),
    sa.Column("issued", Document),
    sa.Column("renewed", Moment),
)
