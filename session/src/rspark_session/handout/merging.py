"""What becomes of each file: three versions of it are compared, that of the last time, the person's, and the new one.

- What only the source changed is brought. What only the person changed stays.
- What both changed stays as the person has it, and the new one comes beside it, under a name that says so.
- What the person deleted stays deleted, until the source changes it.
- What the source deleted goes, unless the person changed it. It goes first, since a folder may come in the place of a file.
- What can't come, since something is in its place or its folder can't be written, is tried again the next time.
- Of what Git LFS keeps the repository has only a word that says where it is: that is no file of the lesson, and is not brought.
"""

import errno
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from rspark_session.handout.files import Contents, Entry, Kind, Source, is_lfs_pointer
from rspark_session.handout.home_folder import HomeFolder, InTheWay

#: What is wrong with one file or its folder alone; the others come.
_OF_ONE_FILE = {errno.EACCES, errno.EPERM, errno.ENAMETOOLONG}
_LONGEST_NAME = 255  # bytes


@dataclass(kw_only=True)
class Outcome:
    """What was done: how many files were brought, which could not be, and what the person should know."""

    brought: int = 0
    missed: set[str] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)


def merge(
    source: Source,
    contents: Contents,
    *,
    last: Mapping[str, Entry],
    folder: HomeFolder,
    on_file: Callable[[int, int], None],
) -> Outcome:
    """Bring what is new into the folder; `last` is what was brought the last time.

    `on_file` is called with how many files have been looked at, of how many.

    Raises
    ------
    OSError, HandoutProblem
        When a file can't be read or written. What was done until then is whole, and the next time goes on from there.
    """
    outcome = Outcome(notes=[*contents.left_out])
    merger = _Merger(source=source, version=contents.version, folder=folder, outcome=outcome)
    for path in sorted(set(last) - set(contents.entries)):
        try:
            if _same(folder.entry(path), last[path]):
                folder.remove(path)
        except InTheWay:
            continue  # it is the person's own
        except OSError as problem:
            if problem.errno not in _OF_ONE_FILE:
                raise
    with source.open():
        for at, (path, new) in enumerate(contents.entries.items()):
            on_file(at, len(contents.entries))
            try:
                merger.bring(path, new, last.get(path))
            except InTheWay as problem:
                outcome.missed.add(path)
                outcome.notes.append(f"{path} is not brought, since you have something else called {problem}.")
            except OSError as problem:
                if problem.errno not in _OF_ONE_FILE:
                    raise
                outcome.missed.add(path)
                outcome.notes.append(f"{path} is not brought, since it can't be written: {problem.strerror}.")
    return outcome


@dataclass(frozen=True, kw_only=True)
class _Merger:
    source: Source
    version: str
    folder: HomeFolder
    outcome: Outcome

    def bring(self, path: str, new: Entry, last: Entry | None) -> None:
        mine = self.folder.entry(path)
        if _same(mine, new) or _same(last, new):
            return  # it is there; or the source left it as it was, and the person may have changed or deleted it
        content = self.source.read(path, new)
        if is_lfs_pointer(content):
            self.outcome.missed.add(path)
            self.outcome.notes.append(f"{path} is not brought: its content is in Git LFS. Ask who sent you the link for it.")
            return
        if mine is None:
            if self.folder.add(path, new.kind, content):
                self.outcome.brought += 1
                return
        elif _same(mine, last) and _same(self.folder.entry(path), last):
            self.folder.replace(path, new.kind, content)
            self.outcome.brought += 1
            return
        beside = beside_name(path, self.version)
        if new.kind is not Kind.LINK and self.folder.add(beside, new.kind, content):
            self.outcome.brought += 1
        self.outcome.notes.append(f"You changed {path}, and so did who made it. Yours is as it was; the new one is {beside}.")


def beside_name(path: str, version: str) -> str:
    """Return the name under which a new version comes beside a person's own: `lab1.new-1a2b3c4.Rmd`; of a long one, a shorter."""
    name = PurePosixPath(path)
    end = f".new-{version}{name.suffix}"
    stem = os.fsencode(name.stem)[: max(_LONGEST_NAME - len(os.fsencode(end)), 1)].decode(errors="ignore")
    return str(name.with_name(f"{stem}{end}"))


def _same(one: Entry | None, other: Entry | None) -> bool:
    """Return whether both have the same content; whether it may be run is the person's to change."""
    if one is None or other is None:
        return False
    return one.hash == other.hash and (one.kind is Kind.LINK) == (other.kind is Kind.LINK)
