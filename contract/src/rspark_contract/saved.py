"""What a session had in memory when it went to sleep: what was kept of it, what came back, and what was lost."""

from dataclasses import dataclass, replace
from datetime import datetime

from rspark_contract import reading
from rspark_contract.reading import Fields, JsonObject

#: Kernels of one session, and lost objects that are named: of a kernel, and of all kernels together.
MOST_KERNELS = 100
MOST_LOST = 101  # a hundred, and the line that says how many more
MOST_LOST_IN_ALL = 1000

_COUNT = reading.integer(0, 2**53)
_WORD = reading.text(200)
_PATH = reading.text(4096)


@dataclass(frozen=True, kw_only=True)
class LostObject:
    """An object that could not be saved or brought back; `class_name` is what it was, `why` a sentence.

    `failed` says which of two it is. Not failed: its kind is never kept (a connection, a thread, an open file), and nothing that
    anybody does would keep it. Failed: it was data, and keeping it did not work (no space, no time, an error); a voluntary sleep
    then leaves the session awake, and a forced one does not end with the exit code 0.
    """

    name: str
    class_name: str
    why: str
    failed: bool = False

    def to_json(self) -> JsonObject:
        """Return its JSON."""
        failed: JsonObject = {"failed": True} if self.failed else {}
        return {"name": self.name, "class": self.class_name, "why": self.why, **failed}

    @classmethod
    def parse(cls, value: object) -> "LostObject":
        """Read it.

        Raises
        ------
        Unreadable
            When it has no name.
        """
        fields = Fields(value)
        return cls(
            name=fields.required("name", _WORD),
            class_name=fields.get("class", _WORD, ""),
            why=fields.get("why", reading.text(), ""),
            failed=fields.get("failed", reading.flag, False),
        )


#: A list of lost objects: what has an odd shape is left out.
_LOST = reading.readable_items(LostObject.parse, most=MOST_LOST)
#: Of what kept a session awake the first are named.
MOST_REFUSED = 20
_REFUSED = reading.readable_items(LostObject.parse, most=MOST_REFUSED)


def first_lost(lost: tuple[LostObject, ...], most: int) -> tuple[LostObject, ...]:
    """Return the first `most` of them, those that failed before the others, and one more that says how many are left out."""
    if len(lost) <= most:
        return lost
    ordered = sorted(lost, key=lambda each: not each.failed)
    rest = ordered[most:]
    return (*ordered[:most], LostObject(name="…", class_name="", why=f"And {len(rest)} more.", failed=rest[0].failed))


@dataclass(frozen=True, kw_only=True)
class SavedKernel:
    """One kernel of which something was saved; `path` is the notebook it belongs to."""

    id: str
    name: str
    language: str
    path: str | None = None
    objects: int = 0
    bytes: int = 0
    lost: tuple[LostObject, ...] = ()

    def to_json(self) -> JsonObject:
        """Return its JSON."""
        return {
            "id": self.id,
            "name": self.name,
            "language": self.language,
            "path": self.path,
            "objects": self.objects,
            "bytes": self.bytes,
            "lost": [lost.to_json() for lost in self.lost],
        }

    @classmethod
    def parse(cls, value: object) -> "SavedKernel":
        """Read it.

        Raises
        ------
        Unreadable
            When it is no kernel.
        """
        fields = Fields(value)
        return cls(
            id=fields.get("id", _WORD, ""),
            name=fields.get("name", _WORD, ""),
            language=fields.get("language", _WORD, ""),
            path=fields.get("path", _PATH, None),
            objects=fields.get("objects", _COUNT, 0),
            bytes=fields.get("bytes", _COUNT, 0),
            lost=fields.get("lost", _LOST, ()),
        )


@dataclass(frozen=True, kw_only=True)
class Saved:
    """What a sleep saved: one entry for each kernel, and how many terminals were open."""

    kernels: tuple[SavedKernel, ...] = ()
    terminals: int = 0

    @property
    def failures(self) -> tuple[LostObject, ...]:
        """What was data and could not be kept; without any, the save is complete."""
        return tuple(lost for kernel in self.kernels for lost in kernel.lost if lost.failed)

    def __add__(self, other: "Saved") -> "Saved":
        """Return what two interfaces of one session saved."""
        return Saved(kernels=(*self.kernels, *other.kernels), terminals=self.terminals + other.terminals)

    def to_json(self) -> JsonObject:
        """Return its JSON."""
        return {"kernels": [kernel.to_json() for kernel in self.kernels], "terminals": self.terminals}

    def shortened(self, most: int) -> "Saved":
        """Return it with at most `most` lost objects named for each kernel."""
        kernels = (replace(kernel, lost=first_lost(kernel.lost, most)) for kernel in self.kernels)
        return replace(self, kernels=tuple(kernels))

    @classmethod
    def parse(cls, value: object) -> "Saved":
        """Read it; kernels and lost objects of an odd shape, and those beyond the bounds, are left out.

        Raises
        ------
        Unreadable
            When it is no object, or its members are of another kind.
        """
        fields = Fields(value)
        kernels, left = [], MOST_LOST_IN_ALL
        for kernel in fields.get("kernels", reading.readable_items(SavedKernel.parse, most=MOST_KERNELS), ()):
            kernels.append(replace(kernel, lost=kernel.lost[:left]))
            left -= len(kernels[-1].lost)
        return cls(kernels=tuple(kernels), terminals=fields.get("terminals", _COUNT, 0))


@dataclass(frozen=True, kw_only=True)
class SleepRefusal:
    """A voluntary sleep that was begun and given up: the session is awake, with all that it had.

    `number` counts those of a generation, from 1, so that a new one is told from one that was seen before. `reason` is the rest
    of a sentence that begins with "Not put to sleep: ". `lost` is what could not be kept; nothing where something computed.
    """

    number: int
    at: datetime
    reason: str
    lost: tuple[LostObject, ...] = ()

    def to_json(self) -> JsonObject:
        """Return its JSON."""
        return {
            "number": self.number,
            "at": self.at.isoformat(),
            "reason": self.reason,
            "lost": [lost.to_json() for lost in self.lost],
        }

    @classmethod
    def parse(cls, value: object) -> "SleepRefusal":
        """Read it.

        Raises
        ------
        Unreadable
            When it has no number or no instant.
        """
        fields = Fields(value)
        return cls(
            number=fields.required("number", _COUNT),
            at=fields.required("at", reading.instant),
            reason=fields.get("reason", reading.text(), ""),
            lost=fields.get("lost", _REFUSED, ()),
        )


@dataclass(frozen=True, kw_only=True)
class RestoredKernel:
    """One kernel that was started again; `reason` says why it did not get back what was saved."""

    id: str
    name: str
    language: str
    path: str | None = None
    objects: int = 0
    lost: tuple[LostObject, ...] = ()
    reason: str | None = None

    def to_json(self) -> JsonObject:
        """Return its JSON."""
        return {
            "id": self.id,
            "name": self.name,
            "language": self.language,
            "path": self.path,
            "objects": self.objects,
            "lost": [lost.to_json() for lost in self.lost],
            "reason": self.reason,
        }

    @classmethod
    def parse(cls, value: object) -> "RestoredKernel":
        """Read it.

        Raises
        ------
        Unreadable
            When it is no kernel.
        """
        fields = Fields(value)
        return cls(
            id=fields.get("id", _WORD, ""),
            name=fields.get("name", _WORD, ""),
            language=fields.get("language", _WORD, ""),
            path=fields.get("path", _PATH, None),
            objects=fields.get("objects", _COUNT, 0),
            lost=fields.get("lost", _LOST, ()),
            reason=fields.get("reason", reading.text(), None),
        )


@dataclass(frozen=True, kw_only=True)
class Restored:
    """What a wake brought back; `reason` says why nothing came back, where that is so."""

    kernels: tuple[RestoredKernel, ...] = ()
    terminals: int = 0
    reason: str | None = None

    def __add__(self, other: "Restored") -> "Restored":
        """Return what two interfaces of one session brought back, within the bounds of `parse`.

        Of one that did so again it is the other. It is known by its kernels; without any it may be, and its terminals count once.
        """
        again = {kernel.id for kernel in other.kernels}
        kept = [kernel for kernel in self.kernels if kernel.id not in again]
        is_another = other.kernels and len(kept) == len(self.kernels)
        reasons = [other.reason] if other.reason and other.reason not in (self.reason or "") else []
        return Restored(
            kernels=_within_bounds((*kept, *other.kernels)),
            terminals=self.terminals + other.terminals if is_another else max(self.terminals, other.terminals),
            reason=reading.printable(" ".join([*filter(None, [self.reason]), *reasons])) or None,
        )

    def to_json(self) -> JsonObject:
        """Return its JSON."""
        return {
            "kernels": [kernel.to_json() for kernel in self.kernels],
            "terminals": self.terminals,
            "reason": self.reason,
        }

    @classmethod
    def parse(cls, value: object) -> "Restored":
        """Read it; kernels and lost objects of an odd shape, and those beyond the bounds, are left out.

        Raises
        ------
        Unreadable
            When it is no object, or its members are of another kind.
        """
        fields = Fields(value)
        return cls(
            kernels=_within_bounds(fields.get("kernels", reading.readable_items(RestoredKernel.parse, most=MOST_KERNELS), ())),
            terminals=fields.get("terminals", _COUNT, 0),
            reason=fields.get("reason", reading.text(), None),
        )


def _within_bounds(kernels: tuple[RestoredKernel, ...]) -> tuple[RestoredKernel, ...]:
    """Return the first of them, with the first of what they lost."""
    bounded, left = [], MOST_LOST_IN_ALL
    for kernel in kernels[:MOST_KERNELS]:
        bounded.append(replace(kernel, lost=kernel.lost[:left]))
        left -= len(bounded[-1].lost)
    return tuple(bounded)
