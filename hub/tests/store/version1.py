"""A database as the version before wrote it: the tables of revision 0001, and rows and events in raw SQL, in all states."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)

SAVED = {
    "kernels": [
        {"id": "k1", "name": "ir", "language": "R", "path": "a.ipynb", "objects": 3, "bytes": 900,
         "lost": [{"name": "con", "class": "connection", "why": "It can't be saved."}]},
    ],
    "terminals": 1,
}  # fmt: skip
EXIT = {"code": 0, "saved": SAVED, "at": "2026-11-24T11:00:00+00:00"}
PARTS = [{"name": "interface", "title": "JupyterLab", "state": "ready", "reason": None}]

#: Of each session: what its row says that is unlike the usual, and the states it went through, by minutes after noon.
SESSIONS: dict[str, tuple[dict[str, Any], list[tuple[int, str, int]]]] = {
    "running": (
        {"state": "running", "generation": 1, "upstream": "127.0.0.1:4001", "secret": "s1", "parts": PARTS, "started": 1,
         "ready": 2, "busy": True, "busy_with": ["R"], "memory": 5 * 2**30, "cpu": 1.5, "last_activity": 30,
         "due": 122, "look_at": 122,
         "endpoints": {"postgres": {"host": "127.0.0.1", "port": 5432}}},
        [(1, "starting", 1), (2, "running", 1)],
    ),
    "held": (  # a controller of that version works on it, or died doing so
        {"state": "running", "generation": 2, "upstream": "127.0.0.1:4002", "secret": "s2", "parts": PARTS, "started": 61,
         "ready": 62, "due": 120, "look_at": 110, "lease_holder": "old", "claims": 40, "last_exit": EXIT, "restored": SAVED},
        [(1, "starting", 1), (2, "running", 1), (40, "suspending", 1), (41, "suspended", 1), (60, "queued", 1),
         (61, "resuming", 2), (62, "running", 2)],
    ),
    "asleep": (
        {"wanted": "suspended", "state": "suspended", "generation": 1, "last_exit": EXIT, "started": 1, "ready": 2, "ended": 50},
        [(1, "starting", 1), (2, "running", 1), (49, "suspending", 1), (50, "suspended", 1)],
    ),
    "queued": ({"state": "queued", "asked": 100, "due": 100, "look_at": 100}, []),
    "admitted": ({"state": "queued", "asked": 90, "admitted": 91, "due": 92, "look_at": 92}, []),
    "starting": (
        {"state": "starting", "generation": 1, "secret": "s3", "started": 119, "due": 121, "look_at": 121},
        [(119, "starting", 1)],
    ),
    "failed": (
        {"state": "failed", "generation": 1, "reason": "Your session ended unexpectedly.", "started": 1, "ready": 2, "ended": 3,
         "last_exit": {"code": 1, "saved": None, "at": "2026-11-24T12:03:00+00:00"}},
        [(1, "starting", 1), (2, "running", 1), (3, "failed", 1)],
    ),
    "stopping": (
        {"wanted": "deleted", "state": "stopping", "generation": 1, "secret": "s4", "upstream": "127.0.0.1:4003", "started": 1,
         "ready": 2, "asked_to_end": 118, "due": 121, "look_at": 121},
        [(1, "starting", 1), (2, "running", 1), (118, "stopping", 1)],
    ),
}  # fmt: skip

_JSON = {"options", "busy_with", "parts", "endpoints", "restored", "last_exit", "data"}
_TIMES = {"asked", "admitted", "started", "ready", "ended", "asked_to_end", "last_activity", "look_at", "due"}
_USUAL: dict[str, Any] = {
    "kind": "session", "owner": "ada", "name": "mine", "environment": "rspark", "options": {}, "wanted": "running", "wish": 3,
    "generation": 0, "asked": 0, "busy": False, "busy_with": [], "parts": [], "endpoints": {}, "claims": 7,
}  # fmt: skip


def at(minute: float) -> datetime:
    """Return a time, by minutes after noon."""
    return NOON + timedelta(minutes=minute)


def fill(connection: sa.Connection) -> None:
    """Write the rows; the tables are those of revision 0001."""
    sqlite = connection.dialect.name == "sqlite"

    def insert(table: str, row: dict[str, Any]) -> None:
        names, values = ", ".join(f'"{name}"' for name in row), ", ".join(f":{name}" for name in row)
        written = {name: json.dumps(value) if name in _JSON and value is not None else value for name, value in row.items()}
        if sqlite:  # as SQLAlchemy writes a time there
            written = {
                name: f"{value:%Y-%m-%d %H:%M:%S}.000000" if isinstance(value, datetime) else value
                for name, value in written.items()
            }
        connection.execute(sa.text(f"INSERT INTO {table} ({names}) VALUES ({values})"), written)

    insert("people", {"name": "ada", "admin": True, "created": NOON, "password_hash": "hash"})
    insert("people", {"name": "bob", "admin": False, "created": NOON})
    insert("groups", {"name": "class", "created": NOON})
    insert("members", {"person": "bob", "group": "class"})
    insert("links", {"digest": "l", "person": "bob", "created": NOON, "expires": at(9999)})
    insert("logins", {"digest": "d", "person": "ada", "created": NOON, "expires": at(9999)})
    insert("tokens", {"id": "t", "digest": "td", "person": "ada", "name": "laptop", "created": NOON, "expires": at(9999)})
    insert("attempts", {"key": "name:bob", "count": 2, "last": NOON})
    insert("accounts", {"person": "ada", "service": "postgres", "password": "secret"})
    for name, (unlike, states) in SESSIONS.items():
        row = _USUAL | unlike
        insert("sessions", {"id": name, "created": NOON} | {k: at(v) if k in _TIMES else v for k, v in row.items()})
        event = {"session": name, "owner": "ada"}
        created = {"environment": "rspark", "name": "mine", "kind": "session"}
        insert("events", event | {"at": NOON, "kind": "created", "by": "ada", "data": created})
        was = "queued"
        for minute, state, generation in states:
            data: dict[str, Any] = {"state": state, "was": was, "generation": generation, "reason": None}
            if state in ("suspended", "failed"):
                data["code"] = int(state == "failed")
            insert("events", event | {"at": at(minute), "kind": "state", "data": data})
            was = state
    data = {"kind": "idle", "generation": 1, "at": at(121).isoformat(), "text": "Soon."}
    insert("events", {"session": "running", "owner": "ada", "at": at(109), "kind": "warning", "data": data})
    insert("session_logs", {"session": "failed", "part": "agent", "generation": 1, "tail": "The last lines."})
