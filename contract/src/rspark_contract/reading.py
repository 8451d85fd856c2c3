"""Read JSON that somebody else wrote, within bounds.

A session belongs to its person, who may write anything into what its agent reports. So whatever comes from a session is read
by the functions here, once, where it arrives: afterwards it has a type, and is no longer than this module allows.

A *reader* is a function from any JSON value to a typed one; it raises `Unreadable` for a value that it does not accept.
"""

import json
import math
import re
from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from typing import NoReturn, TypeAlias, TypeVar

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
JsonObject: TypeAlias = dict[str, "Json"]

T = TypeVar("T")
D = TypeVar("D")
E = TypeVar("E", bound=StrEnum)
Reader: TypeAlias = Callable[[object], T]

#: Letters of a sentence or of a log line.
SENTENCE = 1000
#: Members of an object and letters of a member's name.
MOST_MEMBERS = 256
MOST_KEY = 200
#: A session, a component, a service and a port are named by such a word; it makes the name of a folder, a file or a log.
NAME = re.compile(r"[a-z][a-z0-9_-]{0,63}")

_YEARS = range(2000, 2101)
#: Half of a surrogate pair can't be written as UTF-8; PostgreSQL takes no NUL; a terminal obeys the other control characters, and
#: what turns the direction of writing, or ends a line unseen, makes a text look like another one.
UNPRINTABLE = re.compile("[\ud800-\udfff\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
_SURROGATE = re.compile("[\ud800-\udfff\x00]")
_SHOWN = 60


class Unreadable(ValueError):
    """A value isn't what it should be. The message says where it is, and what is wrong with it."""


class Fields:
    """The members of a JSON object, each read by a reader.

    Raises
    ------
    Unreadable
        When the value is no object, or has more than `MOST_MEMBERS` members.
    """

    def __init__(self, value: object) -> None:
        if not isinstance(value, dict):
            raise Unreadable(f"{_shown(value)} is no object")
        if len(value) > MOST_MEMBERS:
            raise Unreadable(f"an object has {len(value)} members, and may have {MOST_MEMBERS}")
        self._members = value

    def __contains__(self, name: str) -> bool:
        """Return whether there is such a member, null or not."""
        return name in self._members

    def has(self, name: str) -> bool:
        """Return whether there is such a member that isn't null."""
        return self._members.get(name) is not None

    def required(self, name: str, read: Reader[T]) -> T:
        """Return the member.

        Raises
        ------
        Unreadable
            When it is missing, or the reader does not accept it.
        """
        if name not in self._members:
            raise Unreadable(f"{name} is missing")
        try:
            return read(self._members[name])
        except Unreadable as problem:
            raise Unreadable(f"{name}: {problem}") from problem

    def get(self, name: str, read: Reader[T], default: D) -> T | D:
        """Return the member, and the default where it is missing or null.

        Raises
        ------
        Unreadable
            When it is there and the reader does not accept it.
        """
        return default if self._members.get(name) is None else self.required(name, read)


def decode(data: bytes | str, *, most: int) -> object:
    """Return the JSON value in a text of at most `most` bytes (of a `str`: letters). NaN and Infinity are not JSON.

    Raises
    ------
    Unreadable
        When the text is longer, or is not JSON, or is nested deeper than Python reads, or names a member of an object twice:
        then two readers may see two documents in it.
    """
    if len(data) > most:
        raise Unreadable(f"it is longer than {most} bytes")
    try:
        value: object = json.loads(data, parse_constant=_refuse_constant, object_pairs_hook=_object)
    except (ValueError, RecursionError) as problem:
        raise Unreadable(f"it isn't JSON: {problem}") from problem
    return value


def text(most: int = SENTENCE) -> Reader[str]:
    """Make a reader of text for people: `printable`, and cut to `most` letters."""

    def read(value: object) -> str:
        if not isinstance(value, str):
            raise Unreadable(f"{_shown(value)} is no text")
        return printable(value, most)

    return read


def printable(value: str, most: int = SENTENCE) -> str:
    """Return a text as it may be shown anywhere: cut to `most` letters; what can't be printed or stored becomes U+FFFD."""
    cut = value if len(value) <= most else value[: most - 1] + "…"
    return UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", cut)


def verbatim(most: int) -> Reader[str]:
    """Make a reader of text that means something as it is: of at most `most` letters, and never altered."""

    def read(value: object) -> str:
        if not isinstance(value, str):
            raise Unreadable(f"{_shown(value)} is no text")
        if len(value) > most:
            raise Unreadable(f"a text has {len(value)} letters, and may have {most}")
        if _SURROGATE.search(value):
            raise Unreadable(f"{_shown(value)} can't be stored")
        return value

    return read


def matching(pattern: re.Pattern[str]) -> Reader[str]:
    """Make a reader of text that matches the pattern as a whole."""

    def read(value: object) -> str:
        if not isinstance(value, str) or pattern.fullmatch(value) is None:
            raise Unreadable(f"{_shown(value)} doesn't match {pattern.pattern}")
        return value

    return read


#: Reads the name of a session, a component, a service or a port.
name = matching(NAME)


def member_of(words: type[E]) -> Reader[E]:
    """Make a reader of one of the words of an enumeration."""

    def read(value: object) -> E:
        if isinstance(value, str):
            for word in words:
                if word.value == value:
                    return word
        raise Unreadable(f"{_shown(value)} is none of {', '.join(words)}")

    return read


def integer(least: int, most: int) -> Reader[int]:
    """Make a reader of whole numbers within the bounds, both included. A truth value is no number."""

    def read(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise Unreadable(f"{_shown(value)} is no whole number")
        if not least <= value <= most:
            raise Unreadable(f"a number isn't within {least} and {most}")
        return value

    return read


def number(least: float, most: float) -> Reader[float]:
    """Make a reader of finite numbers within the bounds, both included. A truth value is no number."""

    def read(value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise Unreadable(f"{_shown(value)} is no number")
        if not least <= value <= most:  # neither is NaN, nor a whole number that is no float
            raise Unreadable(f"a number isn't within {least} and {most}")
        return float(value)

    return read


def flag(value: object) -> bool:
    """Read a truth value.

    Raises
    ------
    Unreadable
        When it is anything else.
    """
    if not isinstance(value, bool):
        raise Unreadable(f"{_shown(value)} is neither true nor false")
    return value


def instant(value: object) -> datetime:
    """Read an instant in ISO 8601 with its time zone, in the years 2000 to 2100; return it in UTC.

    Raises
    ------
    Unreadable
        When it is anything else.
    """
    if not isinstance(value, str):
        raise Unreadable(f"{_shown(value)} is no instant")
    try:
        at = datetime.fromisoformat(value[:64])
        in_utc = at.astimezone(UTC) if at.tzinfo is not None else None
    except (ValueError, OverflowError) as problem:
        raise Unreadable(f"{_shown(value)} is no instant") from problem
    if in_utc is None or in_utc.year not in _YEARS:
        raise Unreadable(f"{_shown(value)} has no time zone, or isn't within the years 2000 and 2100")
    return in_utc


def items(read: Reader[T], *, most: int) -> Reader[tuple[T, ...]]:
    """Make a reader of a list of at most `most` items, each of which must be readable."""

    def read_all(value: object) -> tuple[T, ...]:
        if not isinstance(value, list):
            raise Unreadable(f"{_shown(value)} is no list")
        if len(value) > most:
            raise Unreadable(f"a list has {len(value)} items, and may have {most}")
        found = []
        for place, item in enumerate(value):
            try:
                found.append(read(item))
            except Unreadable as problem:
                raise Unreadable(f"{place}: {problem}") from problem
        return tuple(found)

    return read_all


def readable_items(read: Reader[T], *, most: int) -> Reader[tuple[T, ...]]:
    """Make a reader of the first `most` items of a list that are readable: the others are left out, and void nothing."""

    def read_some(value: object) -> tuple[T, ...]:
        if not isinstance(value, list):
            raise Unreadable(f"{_shown(value)} is no list")
        found: list[T] = []
        for item in value:
            if len(found) == most:
                break
            try:
                found.append(read(item))
            except Unreadable:
                continue
        return tuple(found)

    return read_some


def mapping(read: Reader[T], *, most: int) -> Reader[dict[str, T]]:
    """Make a reader of an object with at most `most` members of one kind."""

    def read_all(value: object) -> dict[str, T]:
        if not isinstance(value, dict):
            raise Unreadable(f"{_shown(value)} is no object")
        if len(value) > most:
            raise Unreadable(f"an object has {len(value)} members, and may have {most}")
        fields = Fields(value)
        return {_key(key): fields.required(key, read) for key in value}

    return read_all


def json_object(*, depth: int = 4, values: int = 512, letters: int = 4096) -> Reader[JsonObject]:
    """Make a reader of any JSON object of a bounded size, unaltered.

    Parameters
    ----------
    depth
        How deep objects and lists may be nested; 1 is an object of texts and numbers.
    values
        How many values there may be in all.
    letters
        How many letters a text may have.
    """

    def read(value: object) -> JsonObject:
        if not isinstance(value, dict):
            raise Unreadable(f"{_shown(value)} is no object")
        left = [values]
        return {_key(key): _json(item, depth - 1, left, letters) for key, item in value.items()}

    return read


def _json(value: object, depth: int, left: list[int], letters: int) -> Json:
    left[0] -= 1
    if left[0] < 0:
        raise Unreadable("it has too many values")
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return verbatim(letters)(value)
    if isinstance(value, int):
        return integer(-(2**63), 2**63)(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise Unreadable("a number isn't finite")
        return value
    if depth <= 0:
        raise Unreadable("it is nested too deep")
    if isinstance(value, list):
        return [_json(item, depth - 1, left, letters) for item in value]
    if isinstance(value, dict):
        return {_key(key): _json(item, depth - 1, left, letters) for key, item in value.items()}
    raise Unreadable(f"{_shown(value)} is no JSON")


def _key(value: object) -> str:
    return verbatim(MOST_KEY)(value)


def _shown(value: object) -> str:
    """Return the value for an error's message, short; of a number its kind, since it may be of any length."""
    if isinstance(value, str):
        return ascii(value[:_SHOWN])
    return "null" if value is None else f"a value of the type {type(value).__name__}"


def _object(members: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(members)
    if len(found) < len(members):
        raise ValueError("a member of an object is there twice")
    return found


def _refuse_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is not JSON")
