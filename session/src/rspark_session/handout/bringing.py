"""One handout from its source into the home: which folder it gets, and what is remembered of it."""

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rspark_contract import reading
from rspark_contract.handout import Handout, is_inside
from rspark_contract.reading import Fields, Unreadable
from rspark_session.files import write_whole
from rspark_session.handout.files import Contents, Entry, HandoutProblem, Kind, Limits, Source
from rspark_session.handout.home_folder import HomeFolder
from rspark_session.handout.merging import merge
from rspark_session.handout.repository import Repository
from rspark_session.handout.template import Template
from rspark_session.project_template import was_laid

#: Where it is remembered what was brought, below the home.
_MEMORY = Path(".local/share/rspark/handouts")
_ODD = re.compile(r"[^A-Za-z0-9._-]+")
_MOST_NAMES = 100
_FULL = {errno.ENOSPC, errno.EDQUOT}
_HASH = re.compile("[0-9a-f]{40}")


@dataclass(frozen=True, kw_only=True)
class Brought:
    """What was brought: into which folder of the home, the document there if it is there, and what the person should know."""

    folder: str
    document: str | None
    notes: tuple[str, ...]


def bring(
    handout: Handout,
    *,
    home: Path,
    templates: Path,
    environ: Mapping[str, str],
    limits: Limits,
    on_step: Callable[[str], None],
) -> Brought:
    """Bring a handout into the home. To do so again brings what is new.

    Raises
    ------
    HandoutProblem
        When it can't be brought; what the person has is as it was, but for what had come until then.
    """
    memory = home / _MEMORY / _key(handout)
    try:
        memory.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _alone(memory / "lock"):
            source: Source = (
                Template(handout.source, handout.folder, templates=templates)
                if handout.is_template
                else Repository(handout, memory / "repository", limits=limits, environ=environ)
            )
            on_step("Getting the files")
            contents = source.contents()
            return _place(handout, source, contents, home=home, memory=memory, on_step=on_step)
    except OSError as problem:
        if problem.errno in _FULL:
            raise HandoutProblem("Your home is full. Delete files that you don't need, then open the link again.") from problem
        raise HandoutProblem(f"The files can't be written: {problem.strerror or problem}. Tell your administrator.") from problem


def _place(
    handout: Handout, source: Source, contents: Contents, *, home: Path, memory: Path, on_step: Callable[[str], None]
) -> Brought:
    record = memory / "brought.json"
    name, last = _read(record)
    if name is None:
        name = _new_folder(handout, home)
        _write(record, name, {})
    elif not os.path.lexists(home / name):  # deleted as a whole: it comes anew
        (home / name).mkdir()
        last = {}
    try:
        folder = HomeFolder(home / name, growing=memory / "growing")
    except OSError as problem:
        if problem.errno not in (errno.ENOTDIR, errno.ELOOP):
            raise
        raise HandoutProblem(f"{name} in your home is no folder any more. Rename it, then open the link again.") from problem
    with contextlib.closing(folder):
        steps = _Steps(on_step)
        outcome = merge(source, contents, last=last, folder=folder, on_file=steps.count)
        brought = {path: entry for path, entry in contents.entries.items() if path not in outcome.missed}
        _write(record, name, brought | {path: last[path] for path in outcome.missed & last.keys()})
        document, notes = None, outcome.notes
        if handout.document is not None:
            if os.path.lexists(home / name / handout.document):
                document = f"{name}/{handout.document}"
            else:
                notes.append(f"There is no {handout.document} in {name}. Choose what to open there.")
    return Brought(folder=name, document=document, notes=tuple(notes))


class _Steps:
    """Tells how many files are done, a hundred times at most."""

    def __init__(self, on_step: Callable[[str], None]) -> None:
        self._on_step = on_step
        self._told = -1

    def count(self, done: int, of: int) -> None:
        share = done * 100 // of
        if share != self._told:
            self._told = share
            self._on_step(f"Bringing {done + 1:,} of {of:,} files")


def _key(handout: Handout) -> str:
    """Return the name under which a handout is remembered: the same for the same files, whichever document is opened."""
    words = json.dumps([handout.source, handout.branch, handout.folder])
    return hashlib.sha256(words.encode()).hexdigest()[:16]


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Wait until nobody else brings the same; the kernel releases it from whoever is killed."""
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def folder_name(handout: Handout) -> str:
    """Return what the folder of a handout is called, if nothing else is: as its source, with the branch where one is named."""
    name = (handout.folder or handout.source).rstrip("/").rpartition("/")[2].removesuffix(".git")
    words = [name, *([handout.branch] if handout.branch else [])]
    return "-".join(_ODD.sub("-", word).strip("-.") for word in words)[:80].strip("-.") or "handout"


def _new_folder(handout: Handout, home: Path) -> str:
    """Make a folder that nobody has, and return its name; an empty one counts, and a template's own is gone on with.

    Raises
    ------
    HandoutProblem
        When all names are taken.
    """
    name = folder_name(handout)
    if handout.is_template and handout.folder is None and was_laid(handout.source, home):
        return name
    for number in range(1, _MOST_NAMES):
        chosen = name if number == 1 else f"{name}-{number}"
        place = home / chosen
        with contextlib.suppress(FileExistsError):
            place.mkdir()
            return chosen
        if place.is_dir() and not place.is_symlink() and not any(place.iterdir()):
            return chosen
    raise HandoutProblem(f"Your home has {_MOST_NAMES - 1} folders called {name} already. Delete one, then open the link again.")


def _write(record: Path, folder: str, entries: Mapping[str, Entry]) -> None:
    kept = {path: [entry.kind.value, entry.hash, entry.size] for path, entry in entries.items()}
    write_whole(record, json.dumps({"folder": folder, "entries": kept}))


def _read(record: Path) -> tuple[str | None, dict[str, Entry]]:
    """Return the folder and what was brought the last time; a record that can't be read is as none: nothing is replaced then."""
    try:
        fields = Fields(json.loads(record.read_bytes()))
        folder = fields.required("folder", reading.verbatim(200))
        entries = fields.required("entries", _entries)
    except (OSError, ValueError):
        return None, {}
    return (folder, entries) if "/" not in folder and folder not in ("", ".", "..") else (None, {})


def _entries(value: object) -> dict[str, Entry]:
    if not isinstance(value, dict):
        raise Unreadable("these are no entries")
    return {path: _entry(entry) for path, entry in value.items() if is_inside(path)}


def _entry(value: object) -> Entry:
    if not isinstance(value, list) or len(value) != 3:
        raise Unreadable("it is no entry")
    kind, digest, size = value
    return Entry(kind=reading.member_of(Kind)(kind), hash=reading.matching(_HASH)(digest), size=reading.integer(0, 2**53)(size))
