"""Saves a kernel's workspace into a folder, and restores it.

    objects        the objects, or objects.gz where they are few enough to be compressed in no time
    frames.json    which objects these are
    state          folder, search path, modules, settings of Python, IPython and libraries, random numbers
    kept           objects that the sleeps before could not read (`workspace.unread`)
    manifest.json  {"objects", "bytes", "lost": [{"name", "class", "why", "failed"}], …}; last: what has it is whole
    restored.json  the same, of what was restored
    failed.json    {"why"} instead of either

Neither function raises or prints: they run in a person's kernel, behind their back. Small objects are saved before large ones, so
that a disk that gets full, or a time that is over, takes as few as can be.
"""

import errno
import gzip
import io
import json
import math
import os
import pickle
import shutil
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import redirect_stderr, redirect_stdout, suppress
from functools import partial
from itertools import islice
from operator import itemgetter
from pathlib import Path
from types import MethodType
from typing import Any, cast

from rspark_session.files import write_whole
from rspark_session.workspace import (
    arrays,
    callbacks,
    figures,
    given,
    hooks,
    module_state,
    objects,
    running,
    set_by_cells,
    state,
    stream,
    unread,
    warning_filters,
)
from rspark_session.workspace.namespace import namespace, own_names, shell
from rspark_session.workspace.unsaveable import described, is_failure, why
from rspark_session.workspace.watchdog import OutOfTime, Watchdog

#: Up to this many bytes are compressed, which takes no time; what is larger stays as fast as pickle itself.
COMPRESSED = 4 * 2**20
_FILES = ("objects", "objects.gz", "frames.json", "state")
_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG}
_FULL = "There is no space for it on the disk. Delete files that you don't need."
_TIME_TO_FINISH = 2.0  # seconds that are left for what comes after the last object
#: Objects that share a frame: bytes and number of them, the size of each, the types, and how many members are looked at.
_BATCH, _MOST_IN_BATCH, _SMALL = 2**20, 500, 2**16
_SCALARS, _CONTAINERS = frozenset({bool, int, float, str, bytes, type(None)}), frozenset({list, tuple, dict})
_LOOKED_AT = 8
_PACKED = frozenset({list, tuple, set, frozenset, dict})
_PACKED_MOST = 1000  # members of a container that are looked at to guess its size
#: What is saved among the objects without a name: what a cell showed, what somebody made of IPython, figures, modules.
_OUT, _MAGIC, _FIGURE, _CALLBACK, _MODULE, _SET = "\0Out:", "\0magic:", "\0figure:", "\0callback:", "\0module:", "\0set:"


def save(folder: str | Path, within: float = math.inf) -> None:
    """Save the person's names, and what belongs to them, into `folder`, within a time in seconds."""
    began = time.monotonic()
    _quietly(Path(folder), lambda place, filters: _save(place, filters, began, within))


def restore(folder: str | Path) -> None:
    """Restore what `save` wrote into `folder`."""
    _quietly(Path(folder), _restore)


def _quietly(folder: Path, work: Callable[[Path, list[Any]], None]) -> None:
    filters = list(warnings.filters)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "failed.json").unlink(missing_ok=True)
        objects.streams |= {"stdout": sys.stdout, "stderr": sys.stderr}
        silence = io.StringIO()  # for what a class of the person prints when it is pickled
        with redirect_stdout(silence), redirect_stderr(silence):
            warnings.simplefilter("ignore")  # `catch_warnings` would take back what is restored of `warnings`
            work(folder, filters)
    except BaseException as problem:  # the server reads it; the kernel goes on
        reason = _FULL if _is_full(problem) else described(problem)
        with suppress(OSError):  # a full disk; then neither file is there, and that says it too
            write_whole(folder / "failed.json", json.dumps({"why": reason}))
    cast("list[Any]", warnings.filters)[:] = filters
    warnings._filters_mutated()  # type: ignore[attr-defined]  # as `warnings` itself does


def _save(folder: Path, filters: list[Any], began: float, within: float) -> None:
    for name in (*_FILES, "manifest.json"):  # of an earlier try
        (folder / name).unlink(missing_ok=True)
    shutil.rmtree(folder / "kept", ignore_errors=True)
    space, hidden = namespace()
    names = own_names(space, hidden)
    captured = state.capture(names, space)
    captured.parts["warnings"], lost_filters = warning_filters.dump(filters)
    captured.lost.extend(state.failed("filters of warnings", why) for why in lost_filters)
    captured.parts["order"] = pickle.dumps(names)
    (folder / "state").write_bytes(captured.dump())
    unread.carry_over(folder)
    all_given = given.find(space)
    lost = [*captured.lost, *running.lost(space, all_given), *hooks.lost()]
    values = {name: space[name] for name in names if not state.is_module(space[name])}
    named = [*values.items(), *_beside(all_given, lost)]
    everything = sorted(((_size(value), name, value) for name, value in named), key=itemgetter(0))
    plain = folder / unread.OBJECTS
    seconds = within - (time.monotonic() - began)
    with plain.open("wb+") as file, Watchdog(max(seconds - _TIME_TO_FINISH, seconds / 2)) as watchdog:
        writer = stream.Writer(file, watchdog, shared=arrays.shared_roots(values.values()))
        for batch in _batches(everything):
            lost += _write(batch, writer, watchdog)
        file.flush()
    unread.write_list(folder, writer.frames)
    if plain.stat().st_size <= COMPRESSED:
        _compress(plain)
    written = (name for frame in writer.frames for name in frame.names or [frame.name])
    objects = sum(not name.startswith("\0") for name in written)
    _manifest(folder, "manifest.json", objects, lost)


def _batches(everything: list[tuple[int, str, Any]]) -> Iterator[list[tuple[str, Any]]]:
    """Yield what is written one after the other: small plain objects many at once, since what is alike for each takes longer."""
    batch: list[tuple[str, Any]] = []
    room = _BATCH
    for size, name, value in everything:
        if size > _SMALL or not _is_plain(value):
            if size > _SMALL and batch:  # nothing small comes after it
                yield batch
                batch = []
            yield [(name, value)]
            continue
        if size > room or len(batch) == _MOST_IN_BATCH:
            yield batch
            batch, room = [], _BATCH
        batch.append((name, value))
        room -= size
    if batch:
        yield batch


def _is_plain(value: Any, depth: int = 2) -> bool:
    """Return whether an object seems to be of nothing but what pickle asks nobody about; its first members are looked at."""
    kind = type(value)
    if kind in _SCALARS:
        return True
    if kind not in _CONTAINERS:
        return False
    if depth == 0:
        return True
    for member in islice(value.values() if kind is dict else value, _LOOKED_AT):  # no generator: it is called very often
        if type(member) not in _SCALARS and not _is_plain(member, depth - 1):
            return False
    return True


def _write(batch: list[tuple[str, Any]], writer: stream.Writer, watchdog: Watchdog) -> list[dict[str, Any]]:
    """Write what can be written of a few objects; return what is lost."""
    if len(batch) > 1 and not writer.is_full and not watchdog.is_over and writer.write_plain(dict(batch)):
        return []
    lost = []
    for name, value in batch:
        try:
            if writer.is_full:
                raise OSError(errno.ENOSPC, "full")
            if watchdog.is_over:
                raise OutOfTime
            parts = writer.write(name, value)
        except BaseException as problem:  # whatever its pickling raises
            writer.is_full = writer.is_full or _is_full(problem)
            reason = _FULL if writer.is_full else why(value, problem)
            if shown := _shown(name):
                lost.append(state.lost(shown, value, reason, failed=writer.is_full or is_failure(problem)))
        else:
            reasons = list(dict.fromkeys(part.why for part in parts))
            if reasons and (shown := _shown(name)):
                failed = any(part.failed for part in parts)
                lost.append(state.lost(shown, value, " ".join(reasons[:3]), failed=failed))
    return lost


def _shown(name: str) -> str:
    """Return a name as a person knows it; nothing of what a cell showed, which has a name as well or can be run again."""
    if name.startswith((_FIGURE, _CALLBACK, _MAGIC, _MODULE)):
        return name[1:].replace(":", " ")
    if name.startswith(_SET):
        return name.removeprefix(_SET)
    return "" if name.startswith("\0") else name


def _restore(folder: Path, filters: list[Any]) -> None:
    space, _ = namespace()
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    captured = state.load((folder / "state").read_bytes())
    lost = manifest["lost"] + state.apply(captured, space)
    read: dict[str, Any] = {}
    failed: dict[str, str] = {}
    beside: dict[str, str] = {}
    for frame in unread.frames_of(folder):
        if frame.problem is None or frame.value is not None:
            read[frame.name] = frame.value
            if not frame.name.startswith("\0"):
                space[frame.name] = frame.value  # what is read later may ask for it
        unreadable = beside if frame.name.startswith("\0") else failed
        if frame.problem is None:
            unreadable.pop(frame.name, None)
        else:
            unreadable[frame.name] = unread.reason_of(frame.problem, partly=frame.name in read)
    for name, reason in failed.items():
        again = f"{reason} It is still kept: `%rspark_kept {name}` tries again."
        lost.append({"name": name, "class": "", "why": again, "failed": True})
    for name, reason in beside.items():
        if shown := _shown(name):
            lost.append({"name": shown, "class": "", "why": reason, "failed": name.startswith(_MODULE)})
    unread.take_over(folder, failed)
    figures.show_none()
    lost += _into_modules({name.removeprefix(_MODULE): read.pop(name) for name in list(read) if name.startswith(_MODULE)})
    lost += _into_ipython({name: read.pop(name) for name in list(read) if name.startswith("\0")})
    order = pickle.loads(captured.parts["order"]) if "order" in captured.parts else ()  # noqa: S301
    for name in order:
        if name in space and (name in read or name in captured.modules):
            space[name] = space.pop(name)
    if "warnings" in captured.parts:
        lost += _set_filters(filters, captured.parts["warnings"])
    lost += state.apply_random(captured)
    _manifest(folder, "restored.json", len(read), lost)


def _beside(all_given: given.AllGiven, lost: list[dict[str, Any]]) -> Iterator[tuple[str, Any]]:
    """Yield what is saved beside a person's objects; what can't be asked for it is added to `lost` and takes nothing along."""
    sources: dict[str, tuple[str, Callable[[], Mapping[Any, Any]]]] = {
        "results of cells": (_OUT, lambda: shell().user_ns.get("Out", {})),
        "magics": (_MAGIC, _magics),
        "figures": (_FIGURE, figures.open_figures),
        "functions given to IPython": (_CALLBACK, callbacks.of_ipython),
        "functions given to modules": (_CALLBACK, partial(callbacks.of_modules, all_given)),
        "functions given to Python": (_CALLBACK, callbacks.of_python),
        "variables that cells set in modules": (_SET, partial(set_by_cells.captured, shell().user_ns)),
        "variables of modules": (_MODULE, partial(module_state.captured, lost)),
    }
    for title, (prefix, read) in sources.items():
        try:
            yield from [(f"{prefix}{name}", value) for name, value in read().items()]
        except Exception as problem:  # whatever an object of a person or a library says to being asked
            why = f"It could not be read: {described(problem)}. Give it again."
            lost.append({"name": title, "class": "", "why": why, "failed": False})


def _magics() -> dict[str, Any]:
    own = shell().user_ns
    return {
        f"{kind}:{name}": function
        for kind, magics in shell().magics_manager.magics.items()
        for name, function in magics.items()
        if getattr(function, "__globals__", None) is own and not isinstance(function, MethodType)
    }


def _into_modules(read: dict[str, module_state.ModuleState]) -> Iterator[dict[str, Any]]:
    """Set what the person's modules held; yield what is lost of it."""
    for name, saved in read.items():
        try:
            if entry := module_state.restore(name, saved):
                yield entry
        except Exception as problem:  # whatever the module says to being given something
            why = f"Its variables can't be set: {described(problem)}. Set them again."
            yield {"name": f"module {name}", "class": "module", "why": why, "failed": True}


def _set_filters(filters: list[Any], saved: bytes) -> list[dict[str, Any]]:
    """Set the filters of warnings in place; return which of them are lost."""
    try:
        filters[:], problems = warning_filters.load(saved)
    except Exception as problem:  # a version before this one saved all in one, and a class of them is gone
        problems = [f"They can't be restored: {described(problem)}. Set them again."]
    return [state.failed("filters of warnings", why) for why in problems]


def _into_ipython(read: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Give back what is saved beside objects, variables first, since a table may be one; yield what can't be."""
    for name, value in sorted(read.items(), key=lambda each: not each[0].startswith(_SET)):
        try:
            if name.startswith(_OUT):
                number = int(name.removeprefix(_OUT))
                shell().user_ns["Out"][number] = value
                shell().user_ns[f"_{number}"] = value
            elif name.startswith(_MAGIC):
                kind, _, magic = name.removeprefix(_MAGIC).partition(":")
                shell().register_magic_function(value, magic_kind=kind, magic_name=magic)
            elif name.startswith(_CALLBACK):
                callbacks.register(name.removeprefix(_CALLBACK), value)
            elif name.startswith(_SET):
                set_by_cells.restore(value)
        except Exception as problem:  # a library of another version, for one
            why = f"It could not be given back: {described(problem)}. Give it again."
            yield {"name": _shown(name) or name[1:], "class": "", "why": why, "failed": False}


def _is_full(problem: BaseException) -> bool:
    return isinstance(problem, OSError) and problem.errno in _DISK and problem.filename is None


def _size(value: Any) -> int:
    """Guess how much memory an object uses: arrays and frames say it, containers are looked into a little way."""
    kind = type(value)
    if kind in _SCALARS:
        return sys.getsizeof(value)
    try:
        if kind.__module__.partition(".")[0] in ("numpy", "pyarrow"):
            return int(value.nbytes)
        size = sys.getsizeof(value)
        if kind in _PACKED and value:
            some = islice(value.values() if kind is dict else value, _PACKED_MOST)
            size += len(value) * sum(map(sys.getsizeof, some)) // min(len(value), _PACKED_MOST)
    except Exception:  # whatever an object says to that question
        return 0
    return size


def _compress(plain: Path) -> None:
    try:
        with plain.open("rb") as source, gzip.open(plain.with_suffix(".gz"), "wb", compresslevel=1) as packed:
            shutil.copyfileobj(source, packed, 1 << 20)
    except OSError:  # there is no space for both
        plain.with_suffix(".gz").unlink(missing_ok=True)
        return
    plain.unlink()


def _manifest(folder: Path, name: str, objects: int, lost: list[dict[str, Any]]) -> None:
    """Write the file that makes the workspace count, after all else is on the disk."""
    size = 0
    for file in (folder / name for name in _FILES):
        if file.exists():
            size += file.stat().st_size
            with file.open("rb") as opened:
                os.fsync(opened.fileno())
    write_whole(folder / name, json.dumps({"language": "python", "objects": objects, "bytes": size, "lost": lost}))
