"""An event of the audit as a sentence, for the page and for the command line: "ada asks Homework 3 to sleep."

Pure. What an event says of itself may be of another version, or damaged: what can't be read is left out.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from rspark_contract.reading import JsonObject
from rsparkhub.api.sentences import Sentences
from rsparkhub.domain.event import EventKind
from rsparkhub.domain.share import role_called

_MOST_LETTERS = 500
_MOST_NAMES = 5

_REQUESTS = {
    "running": "{actor} asks {session} to run.",
    "suspended": "{actor} asks {session} to sleep.",
    "stopped": "{actor} asks {session} to stop.",
    "deleted": "{actor} deletes {session}.",
}
_STATES = {
    "queued": "{session} waits in the queue.",
    "starting": "{session} starts.",
    "running": "{session} is ready.",
    "suspending": "{session} is saved, to sleep.",
    "suspended": "{session} sleeps.",
    "resuming": "{session} wakes.",
    "stopping": "{session} is asked to end.",
    "stopped": "{session} is stopped.",
    "failed": "{session} has failed.",
}
_COMPONENT_STATES = {
    "waiting": "{title} of {session} waits.",
    "starting": "{title} of {session} starts.",
    "ready": "{title} of {session} is ready.",
    "failed": "{title} of {session} has failed.",
    "ended": "{title} of {session} has ended.",
}
_WAYS = {
    "password": "{actor} signs in by password.",
    "link": "{actor} signs in by a one-time link.",
    "pam": "{actor} signs in with an account of the machine.",
}
_THEIR_DATA = {"keep": "Their data are kept.", "archive": "Their data are archived.", "delete": "Their data are deleted."}
_ITS_DATA = {"keep": "Its data are kept.", "archive": "Its data are archived.", "delete": "Its data are deleted."}
_OF_A_FILE = {
    "handed-in": "{actor} hands in {file} to the group {group}.",
    "returned": "{actor} gives {file} back to {owner}, in the group {group}.",
    "read": "{actor} reads {file}, which {owner} handed in to the group {group}.",
    "gave": "{actor} gives {file} to the group {group}.",
    "took-away": "{actor} takes {file} away from the group {group}.",
    "removed-hand-in": "{actor} removes {file}, which {owner} handed in to the group {group}.",
}


class Subjects(NamedTuple):
    """Who and what an event is about, by what people call them; None where there is none."""

    by: str | None
    owner: str | None
    session: str | None

    @property
    def is_own(self) -> bool:
        return self.by is not None and self.by == self.owner


def event_text(kind: EventKind, data: JsonObject, subjects: Subjects, sentences: Sentences) -> str:
    """Return the sentence of an event, in the language of these sentences."""
    return _TEXTS[kind](_Event(data, subjects, sentences))[:_MOST_LETTERS]


class _Event:
    """What an event says, and whom and what it is about."""

    def __init__(self, data: JsonObject, subjects: Subjects, sentences: Sentences) -> None:
        self.data = data
        self.is_own = subjects.is_own
        self.sentences = sentences
        self.session = subjects.session or sentences.phrase("a session")
        self._actor = subjects.by or sentences.phrase("The hub")
        self._owner = subjects.owner or sentences.phrase("somebody")

    def say(self, phrase: str, **values: str) -> str:
        """Return a phrase with these values, and who and what it is about, in it."""
        return self.sentences.phrase(phrase, actor=self._actor, owner=self._owner, session=self.session, **values)

    def text(self, name: str) -> str:
        """Return a text of what the event says, empty where it says none."""
        value = self.data.get(name)
        return value if isinstance(value, str) else ""

    def moment(self, name: str) -> str:
        """Return a time in UTC, whatever zone it was written in; nothing where there is none."""
        try:
            at = datetime.fromisoformat(self.text(name))
            return f"{(at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC):%Y-%m-%d %H:%M} UTC"
        except (ValueError, OverflowError):
            return ""

    def names(self, name: str) -> str:
        """Return `a, b and 3 more` of a list of names."""
        value = self.data.get(name)
        names: Sequence[str] = [each for each in value if isinstance(each, str)] if isinstance(value, list) else []
        first = ", ".join(names[:_MOST_NAMES])
        more = len(names) - _MOST_NAMES
        return self.say("{names} and {more} more", names=first, more=str(more)) if more > 0 else first

    def with_reason(self, sentence: str) -> str:
        """Return a sentence with the reason that the event gives."""
        reason = self.text("reason")
        return f"{sentence.removesuffix('.')}: {self.sentences.say(reason)}" if reason else sentence


def _created(event: _Event) -> str:
    environment = event.text("environment")
    if environment:
        return event.say("{actor} makes {session} from {environment}.", environment=environment)
    return event.say("{actor} makes {session}.")


def _wanted(event: _Event) -> str:
    return event.with_reason(event.say(_REQUESTS.get(event.text("wanted"), "{actor} asks something of {session}.")))


def _extended(event: _Event) -> str:
    until = event.moment("until")
    if until:
        return event.say("{actor} puts off the sleep of {session} until {until}.", until=until)
    return event.say("{actor} puts off the sleep of {session}.")


def _renamed(event: _Event) -> str:
    was, name = event.text("was") or event.session, event.text("name") or event.say("something else")
    return event.say("{actor} renames {was} to {name}.", was=was, name=name)


def _state(event: _Event) -> str:
    state = event.text("state")
    return event.with_reason(event.say(_STATES.get(state, "{session} is {state}."), state=state))


def _part(event: _Event) -> str:
    state, title = event.text("state"), event.text("title") or event.text("part")
    sentence = _COMPONENT_STATES.get(state, "{title} of {session} is {state}.")
    return event.with_reason(event.say(sentence, title=title, state=state))


def _warning(event: _Event) -> str:
    text = event.sentences.say(event.text("text")) or event.say("a warning.")
    return event.say("{session}: {text}", text=text)


def _sign_in(event: _Event) -> str:
    way, _, site = event.text("way").partition(":")
    if site:
        return event.say("{actor} signs in at {site}.", site=site)
    return event.say(_WAYS.get(way, "{actor} signs in by {way}."), way=way)


def _visit(event: _Event) -> str:
    group, reads = event.text("group"), event.data.get("to") == "log"
    if group and reads:
        return event.say("{actor}, an instructor of {group}, reads a log of {session}, a session of {owner}.", group=group)
    if group:
        return event.say("{actor}, an instructor of {group}, opens {session}, a session of {owner}.", group=group)
    if reads:
        return event.say("{actor} reads a log of {session}, a session of {owner}.")
    return event.say("{actor} opens {session}, a session of {owner}.")


def _share(event: _Event) -> str:
    group = event.text("group")
    whom = event.say("the group {group}", group=group) if group else event.text("person") or event.say("somebody")
    if event.data.get("change") == "ended":
        return event.say("{actor} no longer shares {session} with {whom}.", whom=whom)
    until, role = event.moment("expires"), event.sentences.say(role_called(event.data.get("role")).in_words)
    if until:
        return event.say("{actor} shares {session} with {whom} as {role}, until {until}.", whom=whom, role=role, until=until)
    return event.say("{actor} shares {session} with {whom} as {role}.", whom=whom, role=role)


def _person(event: _Event) -> str:  # noqa: PLR0911  # a line a change
    own = event.is_own
    match event.data.get("change"):
        case "added" if own:
            return event.say("{actor} signs in for the first time, and is added.")
        case "added" if event.data.get("admin") is True:
            return event.say("{actor} adds {owner}, as an administrator.")
        case "added":
            return event.say("{actor} adds {owner}.")
        case "removed":
            return _with_data(event, "{actor} removes {owner}.", _THEIR_DATA)
        case "discarded":
            archives = event.data.get("data") == "archive"
            kept = "{actor} archives what was kept of {owner}." if archives else "{actor} deletes what was kept of {owner}."
            return event.say(kept)
        case "disabled":
            return event.say("{actor} disables {owner}: nobody signs in as them.")
        case "enabled":
            return event.say("{actor} enables {owner}: they may sign in again.")
        case "password":
            return event.say("{actor} sets a new password." if own else "{actor} sets a new password for {owner}.")
        case "link":
            return event.say("{actor} makes a one-time sign-in link for {owner}.")
        case "browser":
            return event.say("{actor} signs out one of their browsers." if own else "{actor} signs out a browser of {owner}.")
        case _:
            return event.say("{actor} changes something of {owner}.")


def _with_data(event: _Event, sentence: str, data: Mapping[str, str], **values: str) -> str:
    becomes = data.get(event.text("data"))
    return " ".join([event.say(sentence, **values), *([event.say(becomes)] if becomes else [])])


def _group(event: _Event) -> str:  # noqa: PLR0911, PLR0912  # a line a change
    group = event.text("group") or "?"
    lets, due = event.data.get("view") is True, event.moment("text")

    def say(phrase: str, **values: str) -> str:
        return event.say(phrase, group=group, **values)

    match event.data.get("change"):
        case "instructors":
            changes = _who_comes_and_goes(event, "now: {people}", "no longer: {people}")
            return say("{actor} sets who the instructors of the group {group} are; {changes}.", changes=changes)
        case "rule" if lets:
            return say("{actor} lets instructors of the group {group} look into its sessions.")
        case "rule":
            return say("{actor} no longer lets instructors of the group {group} look into its sessions.")
        case "announced" if event.text("text"):
            return say("{actor} tells the group {group}: {text}", text=event.text("text"))
        case "announced":
            return say("{actor} takes back what the group {group} was told.")
        case "course" if lets and due:
            return say("{actor} opens the course folder of the group {group}, with work due {due}.", due=due)
        case "course" if lets:
            return say("{actor} opens the course folder of the group {group}.")
        case "course":
            return say("{actor} closes the course folder of the group {group}.")
        case "due" if due:
            return say("{actor} sets {assignment} of the group {group} due {due}.", assignment=event.text("assignment"), due=due)
        case "due":
            return say(
                "{actor} takes the due time of {assignment} away, in the group {group}.", assignment=event.text("assignment")
            )
        case "read" if not event.text("text"):
            return say("{actor} collects all that was handed in to the group {group}.")
        case "handed-in" | "returned" | "read" | "gave" | "took-away" | "removed-hand-in":
            return say(_OF_A_FILE[event.text("change")], file=event.text("text"))
        case "added" if event.names("joined"):
            return say("{actor} adds the group {group}, with {people}.", people=event.names("joined"))
        case "added":
            return say("{actor} adds the group {group}.")
        case "removed" if event.names("left"):
            removed = "{actor} removes the group {group}, of {people}."
            return _with_data(event, removed, _ITS_DATA, group=group, people=event.names("left"))
        case "removed":
            return _with_data(event, "{actor} removes the group {group}.", _ITS_DATA, group=group)
        case "discarded" if event.data.get("data") == "archive":
            return say("{actor} archives what was kept of the group {group}.")
        case "discarded":
            return say("{actor} deletes what was kept of the group {group}.")
        case _:
            changes = _who_comes_and_goes(event, "in: {people}", "out: {people}")
            return say("{actor} sets who is in the group {group}; {changes}.", changes=changes)


def _who_comes_and_goes(event: _Event, comes: str, goes: str) -> str:
    told = [event.say(word, people=people) for word, name in ((comes, "joined"), (goes, "left")) if (people := event.names(name))]
    return "; ".join(told) or event.say("nobody comes or goes")


def _token(event: _Event) -> str:
    ends, name = event.data.get("change") == "ended", event.text("name")
    if event.is_own:
        sentence = event.say("{actor} ends the token “{name}”." if ends else "{actor} makes the token “{name}”.", name=name)
    else:
        of_another = "{actor} ends the token “{name}” of {owner}." if ends else "{actor} makes the token “{name}” of {owner}."
        sentence = event.say(of_another, name=name)
    scopes = event.data.get("scopes")
    if not isinstance(scopes, list) or scopes in ([], ["all"]):
        return sentence
    return f"{sentence.removesuffix('.')} ({', '.join(map(str, scopes))})."


_TEXTS: Mapping[EventKind, Callable[[_Event], str]] = {
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
