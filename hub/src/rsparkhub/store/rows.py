"""Reads a `Session` from a row of `sessions`, and writes one into it.

What a column holds is parsed here and nowhere else. A value that can't be parsed, which no version writes, never takes a list or
a loop with it: what only adds to a session is left out, and a session whose state can't be read is shown as failed.
"""

import logging
import re
from collections.abc import Callable
from typing import Any, TypeVar

from rspark_contract import reading
from rspark_contract.reading import Fields, JsonObject, Reader, Unreadable
from rspark_contract.saved import Restored, Saved, SleepRefusal
from rspark_contract.status import ComponentState
from rsparkhub.domain.notice import Notice
from rsparkhub.domain.session import Component, LastExit, RowKind, Session, SessionVisit, Sleep, State, Wanted
from rsparkhub.log_context import log_once
from rsparkhub.store.columns import UNREADABLE_TIME
from rsparkhub.store.database import AnyRow
from rsparkhub.store.tables import sessions

log = logging.getLogger(__name__)

T = TypeVar("T")

#: An integer of a column, which on SQLite may hold anything.
_GENERATION = reading.integer(0, 2**62)
_MEMORY = reading.integer(0, 2**62)
_CPU = reading.number(0, 1e6)

_KINDS: tuple[RowKind, ...] = ("session", "service")

DAMAGED = (
    "What RSparkHub stored of this session can't be read. Your files are kept. Stop or delete it, or tell your administrator."
)

#: What a `Session` is read from.
SESSION_COLUMNS = tuple(
    sessions.c[name]
    for name in (
        "id", "kind", "owner", "name", "environment", "wanted", "state", "generation", "reason", "detail", "created",
        "queued_at", "started", "ready", "ended", "end_requested_at", "last_activity", "busy", "busy_with", "memory", "cpu",
        "upstream", "secret", "components", "endpoints", "restored", "last_exit", "project", "options", "notices",
        "sleep", "refusal", "awake_until", "visits",
    )
)  # fmt: skip

#: What changes at almost every observation of a running session.
MEASURED = ("last_activity", "busy", "busy_with", "memory", "cpu")
#: What the controller writes and nobody else, but for `state`, `queued_at`, `reason`, `detail` and `awake_until`, which a
#: request may set too.
OBSERVED = (
    "state", "generation", "reason", "detail", "queued_at", "started", "ready", "ended", "end_requested_at", *MEASURED,
    "upstream", "secret", "components", "endpoints", "restored", "last_exit", "notices", "refusal",
    "awake_until",
)  # fmt: skip


def to_session(row: AnyRow) -> Session:
    """Return the `Session` of a row that begins with `SESSION_COLUMNS`; a failed one where its state can't be read."""
    try:
        kind, wanted, state = _kind(row[1]), Wanted(row[5]), State(row[6])
    except ValueError as error:
        log_once(log, f"{row[0]} {error}", "The row of session %s can't be read: %s", row[0], error)
        return Session(
            id=row[0], owner=row[2], name=row[3], environment=row[4], generation=_parsed(row, 7, _GENERATION, 0),
            created=row[10], queued_at=row[11],
            wanted=next((each for each in Wanted if each.value == row[5]), Wanted.RUNNING), state=State.FAILED, damaged=True,
            reason=DAMAGED, detail=str(error),
        )  # fmt: skip
    ended = None if row[14] == UNREADABLE_TIME else row[14]  # else it would have slept for too long
    lost_exit: LastExit | None = LastExit(code=None, saved=Saved(), at=ended or row[10])
    return Session(
        id=row[0], kind=kind, owner=row[2], name=row[3], environment=row[4], wanted=wanted, state=state,
        generation=_parsed(row, 7, _GENERATION, 0),
        reason=row[8], detail=row[9], created=row[10], queued_at=row[11], started=row[12], ready=row[13],
        ended=ended, end_requested_at=row[15], last_activity=row[16], busy=row[17],
        busy_with=_parsed(row, 18, _TEXTS, ()), memory=_parsed(row, 19, _optional(_MEMORY), None),
        cpu=_parsed(row, 20, _optional(_CPU), None), upstream=row[21], secret=row[22],
        components=_parsed(row, 23, _COMPONENTS, ()), endpoints=_parsed(row, 24, _endpoints, {}),
        restored=_parsed(row, 25, _restored, None),
        last_exit=_parsed(row, 26, _last_exit, lost_exit),
        project=row[27], options=_parsed(row, 28, _object, {}), notices=_parsed(row, 29, _notices, ()),
        sleep=_parsed(row, 30, _sleep, Sleep.KEPT), refusal=_parsed(row, 31, _refusal, None),
        awake_until=row[32], visits=_parsed(row, 33, _visits, ()),
    )  # fmt: skip


def _parsed(row: AnyRow, column: int, parse: Callable[[Any], T], otherwise: T) -> T:
    try:
        return parse(row[column])
    except Unreadable as error:
        name = SESSION_COLUMNS[column].name
        log_once(log, f"{row[0]} {name} {error}", "The column %s of session %s can't be read: %s", name, row[0], error)
        return otherwise


def _optional(read: Reader[T]) -> Reader[T | None]:
    return lambda value: None if value is None else read(value)


def observed_values(session: Session, names: tuple[str, ...] = OBSERVED) -> dict[str, Any]:
    """Return what the controller writes of a session, by column."""
    return {name: written(getattr(session, name)) for name in names}


def named_values(values: dict[str, Any]) -> dict[str, Any]:
    """Return values by the names of the parameters that `under_lease.written_columns` makes."""
    return {f"v_{name}": value for name, value in values.items()}


def written(value: object) -> object:  # noqa: PLR0911  # a line a type
    """Return the value of a field of a `Session` as its column has it."""
    match value:
        case State():
            return value.value
        case LastExit():
            at, ended = value.at.isoformat(), list(value.ended)
            return {"code": value.code, "saved": written(value.saved), "at": at, "ended": ended}
        case Saved() | Restored() | SleepRefusal():
            return value.to_json()
        case Component():
            return {"name": value.name, "title": value.title, "state": value.state.value, "reason": value.reason}
        case SessionVisit():
            return {"person": value.person, "to": value.to, "group": value.group, "at": value.at.isoformat()}
        case Notice():
            times = {"given": value.given.isoformat(), "at": value.at.isoformat()}
            return {"kind": value.kind, "generation": value.generation, "text": value.text, **times}
        case tuple():
            return [written(item) for item in value]
    return value


def _kind(value: object) -> RowKind:
    for kind in _KINDS:
        if value == kind:
            return kind
    raise ValueError(f"{value!r} is not a kind of session")


def _object(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Unreadable("it is no object")
    return value


def _stored_text(value: object) -> str:
    """Read a text as it was stored: what the agent reports is made printable when it is read."""
    if not isinstance(value, str):
        raise Unreadable("it is no text")
    return value[: reading.SENTENCE]


def _component(value: object) -> Component:
    fields = Fields(value)
    return Component(
        name=fields.required("name", reading.text(64)),
        title=fields.required("title", reading.text(200)),
        state=fields.required("state", reading.member_of(ComponentState)),
        reason=fields.get("reason", reading.text(), None),
    )


def _notice(value: object) -> Notice:
    fields = Fields(value)
    return Notice(
        kind="idle" if fields.required("kind", reading.matching(_NOTICE_KIND)) == "idle" else "longest",
        generation=fields.required("generation", _GENERATION),
        given=fields.required("given", reading.instant),
        at=fields.required("at", reading.instant),
        text=fields.required("text", reading.text()),
    )


def _visit(value: object) -> SessionVisit:
    fields = Fields(value)
    return SessionVisit(
        person=fields.required("person", reading.text(64)),
        to=fields.required("to", reading.text(32)),
        group=fields.get("group", reading.text(64), None),
        at=fields.required("at", reading.instant),
    )


_NOTICE_KIND = re.compile("idle|longest")
_TEXTS = reading.items(_stored_text, most=100)
_COMPONENTS = reading.items(_component, most=256)
_ALL_NOTICES = reading.items(_notice, most=16)
_ALL_VISITS = reading.items(_visit, most=100)
_ENDPOINT = reading.json_object(depth=8, values=4096)


def _notices(value: object) -> tuple[Notice, ...]:
    return () if value is None else _ALL_NOTICES(value)


def _visits(value: object) -> tuple[SessionVisit, ...]:
    return () if value is None else _ALL_VISITS(value)


def _endpoints(value: object) -> dict[str, JsonObject]:
    return reading.mapping(_ENDPOINT, most=256)(value)


def _last_exit(value: object) -> LastExit | None:
    if value is None:
        return None
    fields = Fields(value)
    return LastExit(
        code=fields.get("code", reading.integer(-(2**31), 2**31), None),
        saved=fields.required("saved", _saved),
        at=fields.required("at", reading.instant),
        ended=fields.get("ended", _TEXTS, ()),
    )


def _saved(data: object) -> Saved | None:
    """Return what was saved; a version before this one wrote whatever the agent reported, and that something was saved counts."""
    try:
        return None if data is None else Saved.parse(data)
    except Unreadable:
        return Saved()


def _sleep(data: object) -> Sleep:
    return Sleep.KEPT if data is None else reading.member_of(Sleep)(data)


def _refusal(data: object) -> SleepRefusal | None:
    return None if data is None else SleepRefusal.parse(data)


def _restored(data: object) -> Restored | None:
    return None if data is None else Restored.parse(data)
