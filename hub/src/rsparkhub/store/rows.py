"""Between a row of `sessions` and a `Session`."""

from datetime import datetime
from typing import Any

from rspark_contract.reading import Unreadable
from rspark_contract.saved import Restored, Saved
from rspark_contract.status import ComponentState
from rsparkhub.domain.session import Component, LastExit, Session, State, Wanted
from rsparkhub.store.database import AnyRow
from rsparkhub.store.tables import sessions

#: What a `Session` is read from.
SESSION_COLUMNS = tuple(
    sessions.c[name]
    for name in (
        "id", "kind", "owner", "name", "environment", "wanted", "state", "generation", "reason", "detail", "created",
        "queued_at", "started", "ready", "ended", "end_requested_at", "last_activity", "busy", "busy_with", "memory", "cpu",
        "upstream", "secret", "components", "endpoints", "restored", "last_exit", "project", "options",
    )
)  # fmt: skip

#: What changes at almost every look at a running session.
MEASURED = ("last_activity", "busy", "busy_with", "memory", "cpu")
#: What the controller writes and nobody else, but for `state`, `asked`, `reason` and `detail`, which a wish may set too.
OBSERVED = (
    "state", "generation", "reason", "detail", "queued_at", "started", "ready", "ended", "end_requested_at", *MEASURED,
    "upstream", "secret", "components", "endpoints", "restored", "last_exit",
)  # fmt: skip


def to_session(row: AnyRow) -> Session:
    """Read a `Session` from a row that begins with `SESSION_COLUMNS`."""
    return Session(
        id=row[0], kind=row[1], owner=row[2], name=row[3], environment=row[4], wanted=Wanted(row[5]), state=State(row[6]),
        generation=row[7], reason=row[8], detail=row[9], created=row[10], queued_at=row[11], started=row[12], ready=row[13],
        ended=row[14], end_requested_at=row[15], last_activity=row[16], busy=row[17], busy_with=tuple(row[18]), memory=row[19],
        cpu=row[20], upstream=row[21], secret=row[22], components=tuple(_part(part) for part in row[23]), endpoints=row[24],
        restored=_restored(row[25]), last_exit=_last_exit(row[26]), project=row[27], options=row[28],
    )  # fmt: skip


def observed_values(session: Session, names: tuple[str, ...] = OBSERVED) -> dict[str, Any]:
    """Give what the controller writes of a session, by column."""
    return {name: _write(getattr(session, name)) for name in names}


def _write(value: object) -> object:
    if isinstance(value, State):
        return value.value
    if isinstance(value, LastExit):
        return {"code": value.code, "saved": _write(value.saved), "at": value.at.isoformat()}
    if isinstance(value, Saved | Restored):
        return value.to_json()
    if isinstance(value, tuple):
        return [_write(item) for item in value]
    if isinstance(value, Component):
        return {"name": value.name, "title": value.title, "state": value.state.value, "reason": value.reason}
    return value


def _part(data: dict[str, Any]) -> Component:
    return Component(name=data["name"], title=data["title"], state=ComponentState(data["state"]), reason=data["reason"])


def _last_exit(data: dict[str, Any] | None) -> LastExit | None:
    return (
        None if data is None else LastExit(code=data["code"], saved=_saved(data["saved"]), at=datetime.fromisoformat(data["at"]))
    )


def _saved(data: object) -> Saved | None:
    """Read what was saved; a version before this one wrote whatever the agent said, and that something was saved counts."""
    try:
        return None if data is None else Saved.parse(data)
    except Unreadable:
        return Saved()


def _restored(data: object) -> Restored | None:
    try:
        return None if data is None else Restored.parse(data)
    except Unreadable:
        return None
