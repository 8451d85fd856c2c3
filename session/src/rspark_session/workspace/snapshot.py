"""Saves a kernel's workspace into a folder, and restores it.

    objects        the objects, or objects.gz where they are few enough to be compressed in no time
    state          folder, imports, random numbers
    manifest.json  {"objects", "bytes", "lost": [{"name", "class", "why"}], …}; last: what has it is whole
    restored.json  the same, of what was restored
    failed.json    {"why"} instead of either

Neither function raises or prints: they run in a person's kernel, behind their back.
"""

import errno
import gzip
import io
import json
import os
import pickle
import shutil
import warnings
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from typing import Any, BinaryIO, cast

from rspark_session.files import write_whole
from rspark_session.workspace import dill_stream, hooks, state
from rspark_session.workspace.namespace import namespace, own_names
from rspark_session.workspace.unsaveable import is_failure, why

#: Up to this many bytes are compressed, which takes a few seconds at most; there is little time before a sleep.
COMPRESSED = 256 * 2**20
_FILES = ("objects", "objects.gz", "state")
_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG}  # then no object can be saved


def save(folder: str | Path) -> None:
    """Save the person's names, and what belongs to them, into `folder`."""
    _quietly(Path(folder), _save)


def restore(folder: str | Path) -> None:
    """Restore what `save` wrote into `folder`."""
    _quietly(Path(folder), _restore)


def _quietly(folder: Path, work: Callable[[Path], None]) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "failed.json").unlink(missing_ok=True)
        silence = io.StringIO()  # for what a class of the person prints when it is pickled
        with redirect_stdout(silence), redirect_stderr(silence), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            work(folder)
    except Exception as problem:  # the server reads it; the kernel goes on
        with suppress(OSError):  # a full disk; then neither file is there, and that says it too
            write_whole(folder / "failed.json", json.dumps({"why": f"{type(problem).__name__}: {problem}"}))


def _save(folder: Path) -> None:
    for name in (*_FILES, "manifest.json"):  # of an earlier try
        (folder / name).unlink(missing_ok=True)
    space, hidden = namespace()
    names = own_names(space, hidden)
    captured = state.capture(names, space)
    (folder / "state").write_bytes(pickle.dumps(captured))
    lost = list(captured.lost) + hooks.lost()
    objects = 0
    plain = folder / "objects"
    with plain.open("wb+") as file:
        writer = dill_stream.Writer(file)
        for name in names:
            if name in captured.modules or any(entry["name"] == name for entry in captured.lost):
                continue
            try:
                writer.write(name, space[name])
            except Exception as problem:  # whatever its pickling raises
                if isinstance(problem, OSError) and problem.errno in _DISK:
                    raise
                lost.append(state.lost(name, space[name], why(space[name], problem), failed=is_failure(problem)))
            else:
                objects += 1
    if plain.stat().st_size <= COMPRESSED:
        _compress(plain)
    _manifest(folder, "manifest.json", objects, lost)


def _restore(folder: Path) -> None:
    space, _ = namespace()
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    captured: state.State = pickle.loads((folder / "state").read_bytes())  # noqa: S301  # we wrote it, in the person's own folder
    lost = manifest["lost"] + state.apply(captured, space)
    objects = 0
    with _open(folder) as file:
        for frame in dill_stream.read(file):
            if frame.problem is None:
                space[frame.name] = frame.value
                objects += 1
            else:
                reason = f"It can't be read again: {type(frame.problem).__name__}: {frame.problem}."
                lost.append({"name": frame.name, "class": "", "why": reason})
    state.apply_random(captured)
    _manifest(folder, "restored.json", objects, lost)


def _compress(plain: Path) -> None:
    with plain.open("rb") as source, gzip.open(plain.with_suffix(".gz"), "wb", compresslevel=1) as packed:
        shutil.copyfileobj(source, packed, 1 << 20)
    plain.unlink()


def _open(folder: Path) -> BinaryIO:
    packed = folder / "objects.gz"
    return cast("BinaryIO", gzip.open(packed)) if packed.exists() else (folder / "objects").open("rb")


def _manifest(folder: Path, name: str, objects: int, lost: list[dict[str, Any]]) -> None:
    """Write the file that makes the workspace count, after all else is on the disk."""
    size = 0
    for file in (folder / name for name in _FILES):
        if file.exists():
            size += file.stat().st_size
            with file.open("rb") as opened:
                os.fsync(opened.fileno())
    write_whole(folder / name, json.dumps({"language": "python", "objects": objects, "bytes": size, "lost": lost}))
