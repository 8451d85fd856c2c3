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
import math
import os
import pickle
import shutil
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout, suppress
from itertools import islice
from operator import itemgetter
from pathlib import Path
from typing import Any, cast

from rspark_session.files import write_whole
from rspark_session.workspace import (
    arrays,
    beside,
    figures,
    given,
    holders,
    hooks,
    json_text,
    objects,
    running,
    state,
    stream,
    unread,
    warning_filters,
)
from rspark_session.workspace.namespace import namespace, own_names
from rspark_session.workspace.placeholder import NotKept
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
_MOST_REASONS = 20  # for which the names that hold what could not be read are looked for
_PACKED = frozenset({list, tuple, set, frozenset, dict})
_PACKED_MOST = 1000  # members of a container that are looked at to guess its size


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
            write_whole(folder / "failed.json", json_text.encode({"why": reason}))
    cast("list[Any]", warnings.filters)[:] = filters
    warnings._filters_mutated()  # type: ignore[attr-defined]  # as `warnings` itself does


def _save(folder: Path, filters: list[Any], began: float, within: float) -> None:
    for name in (*_FILES, "manifest.json"):  # of an earlier try
        (folder / name).unlink(missing_ok=True)
    shutil.rmtree(folder / "kept", ignore_errors=True)
    space, hidden = namespace()
    names = own_names(space, hidden)
    seconds = within - (time.monotonic() - began)
    with Watchdog(seconds / 2) as watchdog:  # the other half is for the objects
        captured = state.capture(names, space, watchdog)
        _dump_filters(filters, captured, watchdog)
        captured.parts["order"] = pickle.dumps(names)
        (folder / "state").write_bytes(captured.dump())
        unread.carry_over(folder)
        all_given = given.find(space, watchdog)
        lost = [*captured.lost, *running.lost(space, all_given, watchdog)]
    lost += hooks.lost(min(hooks.PATIENCE, seconds / 4))
    values = {name: space[name] for name in names if not state.is_module(space[name])}
    plain = folder / unread.OBJECTS
    seconds = within - (time.monotonic() - began)
    with plain.open("wb+") as file, Watchdog(max(seconds - _TIME_TO_FINISH, seconds / 2)) as watchdog:
        named = [*values.items(), *beside.collect(all_given, lost, watchdog)]
        writer = stream.Writer(file, watchdog, shared=arrays.shared_roots(values.values()))
        everything = _by_size(named, watchdog)
        for batch in _batches(everything):
            lost += _write(batch, writer, watchdog)
        file.flush()
        lost += _others_that_hold(writer.left_out, values, {entry["name"] for entry in lost}, watchdog)
    unread.write_list(folder, writer.frames)
    if plain.stat().st_size <= COMPRESSED:
        _compress(plain)
    written = (name for frame in writer.frames for name in frame.names or [frame.name])
    objects = sum(not name.startswith("\0") for name in written)
    _manifest(folder, "manifest.json", objects, lost)


def _dump_filters(filters: list[Any], captured: state.Captured, watchdog: Watchdog) -> None:
    """Add the filters of warnings to what is saved; one of a class of the person's may say anything."""

    def not_saved(problem: BaseException) -> None:
        captured.lost.append(state.failed("filters of warnings", f"They can't be saved: {described(problem)}. Set them again."))

    with watchdog.guarding(not_saved):
        captured.parts["warnings"], lost = warning_filters.dump(filters)
        captured.lost.extend(state.failed("filters of warnings", why) for why in lost)


def _by_size(named: list[tuple[str, Any]], watchdog: Watchdog) -> list[tuple[int, str, Any]]:
    """Return objects with their sizes, small ones first. One whose class takes no end to say its size counts as small."""
    sized: list[tuple[int, str, Any]] = []
    with suppress(OutOfTime), watchdog.watching(lambda: len(sized)):
        for name, value in named:
            sized.append((_size(value), name, value))
    sized += [(0, name, value) for name, value in named[len(sized) :]]
    return sorted(sized, key=itemgetter(0))


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
            if shown := beside.shown(name):
                lost.append(state.lost(shown, value, reason, failed=writer.is_full or is_failure(problem)))
        else:
            reasons = list(dict.fromkeys(part.why for part in parts))
            if reasons and (shown := beside.shown(name)):
                failed = any(part.failed for part in parts)
                lost.append(state.lost(shown, value, " ".join(reasons[:3]), failed=failed))
    return lost


def _others_that_hold(left_out: list[Any], values: dict[str, Any], named: set[str], watchdog: Watchdog) -> list[dict[str, Any]]:
    """Return an entry for each name that holds what another one was the first to hold, and to be named for."""
    lost: list[dict[str, Any]] = []
    others: list[str] = []
    with watchdog.guarding(lambda problem: None):  # all that it adds is names
        others = holders.holding(left_out, [name for name in values if name not in named], values) if left_out else []
    for name in others:
        if watchdog.is_over:
            break
        with suppress(BaseException):  # it was written
            if parts := stream.left_out_of(values[name], watchdog):
                reasons = list(dict.fromkeys(part.why for part in parts))
                lost.append(state.lost(name, values[name], " ".join(reasons[:3]), failed=any(part.failed for part in parts)))
    return lost


def _restore(folder: Path, filters: list[Any]) -> None:
    space, _ = namespace()
    manifest = json_text.decode((folder / "manifest.json").read_text(encoding="utf-8"))
    captured = state.load((folder / "state").read_bytes())
    lost, parts = state.apply(captured, space)
    lost = manifest["lost"] + lost
    read: dict[str, Any] = {}
    failed: dict[str, str] = {}
    stands: dict[str, list[NotKept]] = {}
    for frame in unread.frames_of(folder):
        if frame.problem is None or frame.value is not None:
            read[frame.name] = frame.value
            if not beside.is_beside(frame.name):
                space[frame.name] = frame.value  # what is read later may ask for it
        if frame.problem is None:
            failed.pop(frame.name, None)
        else:
            failed[frame.name] = unread.reason_of(frame.problem, partly=frame.name in read)
            stands.setdefault(unread.reason_of(frame.problem, partly=True), []).extend(frame.stands)
    names = [name for name in read if not beside.is_beside(name)]
    for reason, objs in list(stands.items())[:_MOST_REASONS]:  # what frames after it hold of one is asked for nothing
        failed |= dict.fromkeys(holders.holding(objs, [name for name in names if name not in failed], space), reason)
    figures.show_none()
    ungiven = list(beside.give_back({name: read.pop(name) for name in list(read) if beside.is_beside(name)}))
    lost += [unread.entry_of(name, reason) for name, reason in failed.items() if beside.shown(name)]
    lost += [unread.with_way_back(each.entry) if each.again else each.entry for each in ungiven if each.name not in failed]
    unread.take_over(folder, {each.name: each.entry["why"] for each in ungiven if each.again} | failed | parts)
    order = pickle.loads(captured.parts["order"]) if "order" in captured.parts else ()  # noqa: S301
    for name in order:
        if name in space and (name in read or name in captured.modules):
            space[name] = space.pop(name)
    if "warnings" in captured.parts:
        lost += _set_filters(filters, captured.parts["warnings"])
    lost += state.apply_random(captured)
    _manifest(folder, "restored.json", len(read), lost)


def _set_filters(filters: list[Any], saved: bytes) -> list[dict[str, Any]]:
    """Set the filters of warnings in place; return which of them are lost."""
    try:
        filters[:], problems = warning_filters.load(saved)
    except Exception as problem:  # a version before this one saved all in one, and a class of them is gone
        problems = [f"They can't be restored: {described(problem)}. Set them again."]
    return [state.failed("filters of warnings", why) for why in problems]


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
    except OutOfTime:
        raise
    except BaseException:  # whatever an object says to that question, or that it takes no end
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
    write_whole(folder / name, json_text.encode({"language": "python", "objects": objects, "bytes": size, "lost": lost}))
