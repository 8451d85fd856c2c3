"""Objects that could not be read after a sleep. They stay as they were saved, until what keeps them from being read is mended.

    from rspark_session.workspace import kept, restore_kept, forget_kept
    kept()               # {"model": "It can't be read again: ModuleNotFoundError: …"}
    restore_kept("model")  # once the module is there again; without names, all that can be read now

In a cell, `%rspark_kept` lists them and `%rspark_kept NAME …` restores them. Each sleep takes them along. So it is with what is
beside objects: functions that cells gave to IPython or to a module, and parts of the state, as the options of pandas.
"""

import gzip
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, cast

from rspark_session.files import write_whole
from rspark_session.workspace import beside, json_text, state, stream
from rspark_session.workspace.namespace import namespace, shell
from rspark_session.workspace.stream import Frame, FrameEntry
from rspark_session.workspace.unsaveable import described
from rspark_session.workspace.watchdog import Watchdog

OBJECTS = "objects"
_LIST, _NAMES, _STATE = "frames.json", "kept.json", "state"
_KEPT = "kept"


class _Source(NamedTuple):
    """A file of objects, and why some of its names could not be read, by name."""

    folder: Path
    unread: dict[str, str]


_sources: list[_Source] = []


def kept() -> dict[str, str]:
    """Return the names of what could not be read, and why."""
    return {_shown(name): why for source in _sources for name, why in source.unread.items() if _shown(name)}


def restore_kept(*names: str) -> dict[str, str]:
    """Read what could not be read before, now; return what still can't, and why. Without names, try all."""
    space, _ = namespace()
    for source in _sources:
        asked = {name for name in source.unread if not names or _shown(name) in names}
        for name in [name for name in asked if state.is_part(name)]:
            _note(source, name, state.apply_again((source.folder / _STATE).read_bytes(), name))
        for frame in frames_of(source.folder) if any(not state.is_part(name) for name in asked) else ():
            if frame.name not in asked:
                continue
            problem = None if frame.problem is None else reason_of(frame.problem)
            if problem is None and beside.is_beside(frame.name):
                problem = next((each.entry["why"] for each in beside.give_back({frame.name: frame.value})), None)
            elif problem is None:
                space[frame.name] = frame.value
            _note(source, frame.name, problem)
    _drop_empty()
    return kept()


def _note(source: _Source, name: str, problem: str | None) -> None:
    if problem is None:
        source.unread.pop(name, None)
    else:
        source.unread[name] = problem


def _shown(name: str) -> str:
    return state.shown_part(name) if state.is_part(name) else beside.shown(name)


def forget_kept(*names: str) -> None:
    """Take these along no more; without names, none of all."""
    for source in _sources:
        for name in [name for name in source.unread if not names or _shown(name) in names]:
            source.unread.pop(name, None)
    _drop_empty()


def entry_of(name: str, why: str) -> dict[str, Any]:
    """Return the entry of what could not be read."""
    failed = beside.is_data(name) or not beside.is_beside(name)
    return with_way_back({"name": beside.shown(name), "class": "", "why": why, "failed": failed})


def with_way_back(entry: dict[str, Any]) -> dict[str, Any]:
    """Return an entry whose reason says how to try again."""
    return entry | {"why": f"{entry['why']} {state.way_back(entry['name'])}"}


def reason_of(problem: BaseException, *, partly: bool = False) -> str:
    """Return a sentence that says why an object, or a part of it, can't be read."""
    return f"{'A part of it' if partly else 'It'} can't be read again: {described(problem)}."


def take_over(folder: Path, unread: dict[str, str]) -> None:
    """Remember what could not be read of a saved workspace, and what the sleeps before could not read."""
    _sources.clear()
    if unread:
        _sources.append(_Source(folder, dict(unread)))
    for place in sorted((folder / _KEPT).glob("*")):
        with suppress(OSError, ValueError):
            _sources.append(_Source(place, json_text.decode((place / _NAMES).read_text(encoding="utf-8"))))
    if _sources:
        shell().register_magic_function(_magic, magic_name="rspark_kept")


def carry_over(folder: Path) -> None:
    """Link what could not be read into the folder of a new workspace."""
    for number, source in enumerate(_sources):
        place = folder / _KEPT / str(number)
        place.mkdir(parents=True)
        for name in (OBJECTS, f"{OBJECTS}.gz", _LIST, _STATE):
            if (source.folder / name).exists():
                os.link(source.folder / name, place / name)
        write_whole(place / _NAMES, json_text.encode(source.unread))


def write_list(folder: Path, frames: list[FrameEntry]) -> None:
    """Write which frames a file of objects has."""
    write_whole(folder / _LIST, json_text.encode(frames))


def frames_of(folder: Path) -> Iterator[Frame]:
    """Yield the frames of a saved workspace, as this version wrote them or one before."""
    packed, listed = folder / f"{OBJECTS}.gz", folder / _LIST
    with _opened(packed) if packed.exists() else (folder / OBJECTS).open("rb") as file:
        if listed.exists():
            entries: list[Any] = json_text.decode(listed.read_text(encoding="utf-8"))
            with Watchdog() as watchdog:
                yield from stream.read(file, [FrameEntry(*entry) for entry in entries], watchdog)
        else:
            from rspark_session.workspace import dill_stream  # noqa: PLC0415  (dill takes long to load, and is seldom needed)

            yield from dill_stream.read(file)


def _opened(packed: Path) -> BinaryIO:
    return cast("BinaryIO", gzip.open(packed))


def _magic(line: str) -> None:
    """List what could not be read after a sleep; with a name, names, or `all`, read it now."""
    if line.strip():
        whole = " ".join(line.split())
        restore_kept(*(() if whole == "all" else (whole,) if whole in kept() else whole.split()))
    for name, why in kept().items():
        print(f"{name}: {why}")


def _drop_empty() -> None:
    _sources[:] = [source for source in _sources if source.unread]
