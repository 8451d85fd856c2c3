"""The files of one generation, and how each is read: what others write may be missing, half of it, or nonsense."""

import fcntl
import os
import shutil
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

from rspark_contract import reading
from rspark_contract.reading import Fields, Reader, Unreadable, decode
from rspark_contract.record import Record, read_record
from rsparkhub.backends.base import EnsembleRef
from rsparkhub.backends.process.proc import Process
from rsparkhub.files import write_whole

#: A report of an agent is some kilobytes; a session's person may write anything into its folder.
_MOST_BYTES = 2**20
_PID = reading.integer(1, 2**22)
_CODE = reading.integer(0, 255)

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Shim:
    """Who watches over the generation, and since which boot of the machine."""

    process: Process
    boot_id: str
    agent: Process | None


@dataclass(frozen=True, kw_only=True)
class Exit:
    code: int | None
    signal: int | None
    memory_ran_out: bool


class RunFolder:
    """`DATA/sessions/<id>/<generation>/`."""

    def __init__(self, sessions: Path, ref: EnsembleRef) -> None:
        self.ref = ref
        self.session = sessions / ref.id
        self.path = self.session / str(ref.generation)
        self.keep = self.session / "keep"
        self.log = self.path / "log"

    @property
    def ensemble(self) -> str:
        """What every process of the generation carries as `RSPARK_ENSEMBLE`."""
        return f"{self.ref.id}.{self.ref.generation}"

    def make(self) -> None:
        """Make the folders, for their owner's eyes."""
        for folder in (self.session, self.path, self.log, self.keep):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def write(self, name: str, content: str) -> None:
        """Write a file of mode 0600, as a whole or not at all.

        Raises
        ------
        ValueError
            When the name leads out of the run folder.
        """
        inside = PurePosixPath(name)
        if inside.is_absolute() or ".." in inside.parts or not inside.parts:
            raise ValueError(f"a file of an ensemble lies in its run folder, and {name!r} doesn't")
        target = self.path / inside
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_whole(target, content)

    def started_before(self) -> bool:
        """Return whether the generation was started at some time: then it is never started again."""
        return (self.path / "shim.json").exists() or (self.path / "exit.json").exists()

    def locked(self) -> bool:
        """Return whether a shim works on the generation. Takes the lock for an instant, for which a shim waits."""
        try:
            handle = os.open(self.path / "lock", os.O_RDWR | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(handle)
        return False

    def shim(self) -> Shim | None:
        """Return who watches over it; None where nobody has begun, or what the file says can't be read."""
        return _read(self.path / "shim.json", _parse_shim)

    def exit(self) -> Exit | None:
        """Return how its agent ended; None while it hasn't, or what the file says can't be read."""
        return _read(self.path / "exit.json", _parse_exit)

    def record(self) -> Record | None:
        """Return what the agent left of this generation; it is kept beside what was saved, in case the copy wasn't made."""
        for file in (self.path / "record.json", self.keep / "record.json"):
            record = read_record(read_bytes(file))
            if record is not None and record.generation == self.ref.generation:
                return record
        return None

    def secret(self) -> str | None:
        """Return the secret of the generation; None where nothing was started."""
        secret = (read_object(self.path / "ensemble.json") or {}).get("secret")
        return secret if isinstance(secret, str) else None

    def log_files(self) -> list[Path]:
        """Return the log file of each component, without those that were rotated away."""
        try:
            return sorted(path for path in self.log.iterdir() if path.suffix == ".log" and path.is_file())
        except OSError:
            return []


def read_bytes(path: Path) -> bytes:
    """Read a file; one byte more than a report may have at most, and nothing when there is no file, or it is no plain one.

    A pipe in its place would be waited for without end.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return b""
    with os.fdopen(descriptor, "rb") as file:
        return file.read(_MOST_BYTES + 1) if stat.S_ISREG(os.fstat(descriptor).st_mode) else b""


def read_object(path: Path) -> dict[str, Any] | None:
    """Read a JSON object; None when there is none."""
    return _read(path, lambda data: data if isinstance(data, dict) else None)


def _read(path: Path, parse: Reader[T]) -> T | None:
    """Return what a file holds; None when there is none, or it can't be read as that."""
    try:
        return parse(decode(read_bytes(path), most=_MOST_BYTES))
    except Unreadable:
        return None


def _parse_shim(value: object) -> Shim:
    fields = Fields(value)
    return Shim(
        process=_parse_process(value),
        boot_id=fields.required("boot_id", reading.text(64)),
        agent=fields.get("agent", _parse_process, None),
    )


def _parse_process(value: object) -> Process:
    fields = Fields(value)
    return Process(fields.required("pid", _PID), fields.required("started", reading.integer(0, 2**63 - 1)))


def _parse_exit(value: object) -> Exit:
    fields = Fields(value)
    return Exit(
        code=fields.get("code", _CODE, None),
        signal=fields.get("signal", reading.integer(1, 64), None),
        memory_ran_out=fields.get("memory_ran_out", reading.flag, False),
    )


def tail(path: Path, most: int) -> str:
    """Return the last `most` bytes of a file as text, from the begin of a line where it is cut."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - most))
            data = file.read(most)
    except OSError:
        return ""
    if size > most:
        data = data.partition(b"\n")[2] or data
    return data.decode("utf-8", "replace")


def last_line(path: Path) -> str | None:
    """Return the last line of a log that isn't empty; None where there is none."""
    lines = [line.strip() for line in tail(path, 8192).splitlines()]
    return next((line for line in reversed(lines) if line), None)


def throw_away(path: Path, trash: Path) -> None:
    """Move a folder out of sight at once, and then delete it; what a crash leaves in `trash` is deleted next time."""
    while path.exists():
        try:
            trash.mkdir(mode=0o700, parents=True, exist_ok=True)
            place = Path(tempfile.mkdtemp(dir=trash))
            path.rename(place / path.name)
        except (FileNotFoundError, FileExistsError):  # another controller emptied the trash just now, or threw it away before us
            continue
        shutil.rmtree(place, ignore_errors=True)  # what will not go, a later sweep tries again
        return


def empty(trash: Path) -> None:
    """Delete what earlier deletions left."""
    shutil.rmtree(trash, ignore_errors=True)
