"""An event of the audit as a sentence, for the page and for the command line: "ada asks Homework 3 to sleep."

Pure. What an event says of itself may be of another version, or damaged: what can't be read is left out.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from rspark_contract.reading import JsonObject
from rsparkhub.domain.event import EventKind
from rsparkhub.domain.share import role_called

_MOST_LETTERS = 500
_MOST_NAMES = 5
_HUB = "The hub"

_REQUESTS = {"running": "asks {} to run", "suspended": "asks {} to sleep", "stopped": "asks {} to stop", "deleted": "deletes {}"}
_STATES = {
    "queued": "waits in the queue",
    "starting": "starts",
    "running": "is ready",
    "suspending": "is saved, to sleep",
    "suspended": "sleeps",
    "resuming": "wakes",
    "stopping": "is asked to end",
    "stopped": "is stopped",
    "failed": "has failed",
}
_COMPONENT_STATES = {
    "waiting": "waits",
    "starting": "starts",
    "ready": "is ready",
    "failed": "has failed",
    "ended": "has ended",
}
_WAYS = {"password": "by password", "link": "by a one-time link", "pam": "with an account of the machine"}
_DATA = {"keep": "data are kept.", "archive": "data are archived.", "delete": "data are deleted."}


class Subjects(NamedTuple):
    """Who and what an event is about, by what people call them; None where there is none."""

    by: str | None
    owner: str | None
    session: str | None

    @property
    def actor(self) -> str:
        return self.by or _HUB

    @property
    def is_own(self) -> bool:
        return self.by is not None and self.by == self.owner


def event_text(kind: EventKind, data: JsonObject, subjects: Subjects) -> str:
    """Return the sentence of an event."""
    return _TEXTS[kind](data, subjects)[:_MOST_LETTERS]


def _created(data: JsonObject, subjects: Subjects) -> str:
    environment = _text(data, "environment")
    return f"{subjects.actor} makes {_session(subjects)}{f' from {environment}' if environment else ''}."


def _wanted(data: JsonObject, subjects: Subjects) -> str:
    asks = _REQUESTS.get(_text(data, "wanted"), "asks something of {}")
    return _with_reason(f"{subjects.actor} {asks.format(_session(subjects))}", data)


def _extended(data: JsonObject, subjects: Subjects) -> str:
    until = _moment(data, "until")
    return f"{subjects.actor} puts off the sleep of {_session(subjects)}{f' until {until}' if until else ''}."


def _renamed(data: JsonObject, subjects: Subjects) -> str:
    was, name = _text(data, "was") or _session(subjects), _text(data, "name") or "something else"
    return f"{subjects.actor} renames {was} to {name}."


def _state(data: JsonObject, subjects: Subjects) -> str:
    state = _text(data, "state")
    return _with_reason(f"{_session(subjects)} {_STATES.get(state, f'is {state}')}", data)


def _part(data: JsonObject, subjects: Subjects) -> str:
    state, title = _text(data, "state"), _text(data, "title") or _text(data, "part")
    return _with_reason(f"{title} of {_session(subjects)} {_COMPONENT_STATES.get(state, f'is {state}')}", data)


def _warning(data: JsonObject, subjects: Subjects) -> str:
    return f"{_session(subjects)}: {_text(data, 'text') or 'a warning.'}"


def _sign_in(data: JsonObject, subjects: Subjects) -> str:
    way, _, site = _text(data, "way").partition(":")
    return f"{subjects.actor} signs in {f'at {site}' if site else _WAYS.get(way, f'by {way}')}."


def _visit(data: JsonObject, subjects: Subjects) -> str:
    opened = "reads a log of" if data.get("to") == "log" else "opens"
    group = _text(data, "group")
    role = f", an instructor of {group}," if group else ""
    return f"{subjects.actor}{role} {opened} {_session(subjects)}, a session of {subjects.owner or 'nobody'}."


def _share(data: JsonObject, subjects: Subjects) -> str:
    group = _text(data, "group")
    whom = f"the group {group}" if group else _text(data, "person") or "somebody"
    if data.get("change") == "ended":
        return f"{subjects.actor} no longer shares {_session(subjects)} with {whom}."
    until = _moment(data, "expires")
    role = role_called(data.get("role")).in_words
    return f"{subjects.actor} shares {_session(subjects)} with {whom} as {role}{f', until {until}' if until else ''}."


def _person(data: JsonObject, subjects: Subjects) -> str:
    whom, own = subjects.owner or "somebody", subjects.is_own
    as_admin = ", as an administrator" if data.get("admin") is True else ""
    changes = {
        "added": "signs in for the first time, and is added." if own else f"adds {whom}{as_admin}.",
        "removed": f"removes {whom}.{_what_becomes('Their', data)}",
        "discarded": f"{'archives' if data.get('data') == 'archive' else 'deletes'} what was kept of {whom}.",
        "disabled": f"disables {whom}: nobody signs in as them.",
        "enabled": f"enables {whom}: they may sign in again.",
        "password": f"sets a new password{'' if own else f' for {whom}'}.",
        "link": f"makes a one-time sign-in link for {whom}.",
        "browser": f"signs out {'one of their browsers' if own else f'a browser of {whom}'}.",
    }
    return f"{subjects.actor} {changes.get(_text(data, 'change'), f'changes something of {whom}.')}"


def _what_becomes(whose: str, data: JsonObject) -> str:
    becomes = _DATA.get(_text(data, "data"))
    return f" {whose} {becomes}" if becomes else ""


def _group(data: JsonObject, subjects: Subjects) -> str:  # noqa: PLR0911  # a line a change
    actor, group = subjects.actor, f"the group {_text(data, 'group')}".strip()
    joined, left = _names(data.get("joined")), _names(data.get("left"))
    match data.get("change"):
        case "instructors":
            changes = [f"now: {joined}"] * bool(joined) + [f"no longer: {left}"] * bool(left)
            return f"{actor} sets who the instructors of {group} are; {'; '.join(changes) or 'nobody comes or goes'}."
        case "rule":
            lets = "lets" if data.get("view") is True else "no longer lets"
            return f"{actor} {lets} instructors of {group} look into its sessions."
        case "announced":
            text = _text(data, "text")
            return f"{actor} tells {group}: {text}" if text else f"{actor} takes back what {group} was told."
        case "course":
            folder = "opens the course folder" if data.get("view") is True else "closes the course folder"
            due = _moment(data, "text")
            return f"{actor} {folder} of {group}{f', with work due {due}' if due else ''}."
        case "due":
            assignment, due = _text(data, "assignment"), _moment(data, "text")
            if not due:
                return f"{actor} takes the due time of {assignment} away, in {group}."
            return f"{actor} sets {assignment} of {group} due {due}."
        case "handed-in" | "returned" | "read" | "gave" | "took-away" | "removed-hand-in":
            return f"{actor} {_with_file(data, subjects, group)}."
        case "added":
            return f"{actor} adds {group}{f', with {joined}' if joined else ''}."
        case "removed":
            return f"{actor} removes {group}{f', of {left}' if left else ''}.{_what_becomes('Its', data)}"
        case "discarded":
            return f"{actor} {'archives' if data.get('data') == 'archive' else 'deletes'} what was kept of {group}."
        case _:
            changes = [f"in: {joined}"] * bool(joined) + [f"out: {left}"] * bool(left)
            return f"{actor} sets who is in {group}; {'; '.join(changes) or 'nobody comes or goes'}."


def _with_file(data: JsonObject, subjects: Subjects, group: str) -> str:
    file, owner = _text(data, "text"), subjects.owner or "somebody"
    done = {
        "handed-in": f"hands in {file} to {group}",
        "returned": f"gives {file} back to {owner}, in {group}",
        "read": f"reads {file}, which {owner} handed in to {group}" if file else f"collects all that was handed in to {group}",
        "gave": f"gives {file} to {group}",
        "took-away": f"takes {file} away from {group}",
        "removed-hand-in": f"removes {file}, which {owner} handed in to {group}",
    }
    return done[_text(data, "change")]


def _token(data: JsonObject, subjects: Subjects) -> str:
    verb = "ends" if data.get("change") == "ended" else "makes"
    whose = "" if subjects.is_own else f" of {subjects.owner or 'somebody'}"
    scopes = data.get("scopes")
    limits = f" ({', '.join(map(str, scopes))})" if isinstance(scopes, list) and scopes != ["all"] else ""
    return f"{subjects.actor} {verb} the token “{_text(data, 'name')}”{whose}{limits}."


_TEXTS: Mapping[EventKind, Callable[[JsonObject, Subjects], str]] = {
    "created": _created,
    "wanted": _wanted,
    "extended": _extended,
    "renamed": _renamed,
    "state": _state,
    "part": _part,
    "warning": _warning,
    "sign-in": _sign_in,
    "visit": _visit,
    "share": _share,
    "person": _person,
    "group": _group,
    "token": _token,
}


def _session(subjects: Subjects) -> str:
    return subjects.session or "a session"


def _with_reason(sentence: str, data: JsonObject) -> str:
    reason = _text(data, "reason")
    return f"{sentence}: {reason}" if reason else f"{sentence}."


def _text(data: JsonObject, name: str) -> str:
    value = data.get(name)
    return value if isinstance(value, str) else ""


def _moment(data: JsonObject, name: str) -> str:
    """Return a time in UTC, whatever zone it was written in; nothing where there is none."""
    try:
        at = datetime.fromisoformat(_text(data, name))
        return f"{(at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    except (ValueError, OverflowError):
        return ""


def _names(value: object) -> str:
    """Return `a, b and 3 more` of a list of names."""
    names: Sequence[str] = [each for each in value if isinstance(each, str)] if isinstance(value, list) else []
    more = len(names) - _MOST_NAMES
    return ", ".join(names[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "")
