"""The files of one generation, and how each is read: what others write may be missing, half of it, or nonsense.

Where people have accounts of their own, a run folder is the hub's (root's), and its person's account may write into it. So
nothing there is reached through a symbolic link, what only the hub writes counts only where it is the hub's, and of the rest
nothing that has another name somewhere else: it might be a file that the person may not read.
"""

import fcntl
import os
import re
import shutil
import stat
import subprocess
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TypeVar

from rspark_contract import reading
from rspark_contract.reading import NAME, Fields, Reader, Unreadable, decode
from rspark_contract.record import Record, read_record
from rspark_contract.status import AgentStatus
from rsparkhub.backends.base import EnsembleRef
from rsparkhub.backends.process import proc, session_file
from rsparkhub.backends.process.accounts import Account
from rsparkhub.backends.process.ownership import give_tree
from rsparkhub.backends.process.proc import Process
from rsparkhub.files import write_whole

#: A report of an agent is some kilobytes; a session's person may write anything into its folder.
_MOST_BYTES = 2**20
#: Components of one generation whose logs are kept.
_MOST_LOGS = 64
#: Where agents listen. A person may write anything into their session's files, and the edge goes where they say.
_OWN_ADDRESS = re.compile(r"127\.0\.0\.1:[0-9]{1,5}")
_SECRET = re.compile(r"[\x21-\x7e]{1,200}")
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
    has_limit: bool


class RunFolder:
    """`DATA/sessions/<id>/<generation>/`.

    Raises
    ------
    ValueError
        When the id is no name of a session, and its folder would lie elsewhere.
    """

    def __init__(self, sessions: Path, ref: EnsembleRef) -> None:
        if NAME.fullmatch(ref.id) is None:
            raise ValueError(f"{ref.id!r} is no name of a session")
        self.ref = ref
        self._sessions = sessions
        self.session = sessions / ref.id
        self.path = self.session / str(ref.generation)
        self.keep = self.session / "keep"
        self.log = self.path / "log"

    @property
    def ensemble(self) -> str:
        """What every process of the generation carries as `RSPARK_ENSEMBLE`."""
        return f"{self.ref.id}.{self.ref.generation}"

    def uid(self) -> int | None:
        """Return the number of the account that it runs as; None where that can't be told any more."""
        try:
            return self.keep.lstat().st_uid
        except OSError:
            return None

    def make(self, account: Account | None = None) -> bool:
        """Make the folders, for their owner's eyes; those that the agent writes into are the account's, if it has one.

        Returns
        -------
        bool
            Whether an earlier generation ran as this process does, from before people had accounts. It may have written into the
            home until a moment ago.
        """
        was_there = self.keep.exists()
        for folder in (self.session, self.path, self.log, self.keep):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if account is None:
            return False
        was_ours = was_there and self.keep.stat().st_uid == os.geteuid()
        self.session.chmod(0o711)
        for folder in (self.log, self.keep):
            if folder.stat().st_uid != account.uid:  # what was kept may be from before people had accounts
                give_tree(folder, uid=account.uid, gid=account.gid)
        return was_ours

    def write(self, name: str, content: str, *, account: Account | None = None) -> None:
        """Write a file of mode 0600, as a whole or not at all; for the account where one is given, before that may write here.

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
        if account is not None:
            os.chown(target, account.uid, account.gid, follow_symlinks=False)

    def started_before(self) -> bool:
        """Return whether the generation was started at some time: then it is never started again."""
        return (self.path / "shim.json").exists() or (self.path / "exit.json").exists()

    def locked(self) -> bool:
        """Return whether a shim works on the generation. Takes the lock for an instant, for which a shim waits."""
        try:
            handle = os.open(self.path / "lock", os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
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
        return self._parsed("shim.json", _parse_shim, ours=True)

    def groups(self) -> list[str]:
        """Return the control groups that were made for it."""
        return list(self._parsed("groups.json", reading.items(reading.verbatim(4096), most=8), ours=True) or ())

    def exit(self) -> Exit | None:
        """Return how its agent ended; None while it hasn't, or what the file says can't be read."""
        return self._parsed("exit.json", _parse_exit, ours=True)

    def runs(self, process: Process) -> bool:
        """Return whether a process belongs to this generation, as the kernel has it.

        Who owns the run folder may write into it any pid, also the hub's own; so nothing gets a signal for standing there.
        """
        if proc.names_ensemble(process.pid, self.ensemble):
            return True
        return proc.is_called_with(process.pid, str(self.path), self.ensemble)  # the shim, which does not carry the name

    def record(self) -> Record | None:
        """Return what the agent left of this generation; it is kept beside what was saved, in case the copy wasn't made."""
        for file in (self.path / "record.json", self.keep / "record.json"):
            record = read_record(session_file.read_bytes(file, below=self._sessions, most=_MOST_BYTES + 1))
            if record is not None and record.generation == self.ref.generation:
                return record
        return None

    def secret(self) -> str | None:
        """Return the secret of the generation; None where nothing was started."""
        return self._parsed("ensemble.json", lambda value: Fields(value).required("secret", reading.matching(_SECRET)))

    def status(self) -> AgentStatus | None:
        """Return what the agent reports; None where that can't be read. An address that is not on this machine is left out."""
        return self._parsed("status.json", _parse_status)

    def log_tails(self, most: int) -> dict[str, str]:
        """Return the last `most` bytes of the log of each component, without those that were rotated away."""
        names = (Path(name) for name in session_file.names_in(self.log, below=self._sessions) if name.endswith(".log"))
        components = [path.stem for path in names if NAME.fullmatch(path.stem)]
        return {component: self._log_tail(component, most) for component in components[:_MOST_LOGS]}

    def last_line(self, component: str) -> str | None:
        """Return the last line of a component's log that isn't empty, as it may be shown; None where there is none."""
        lines = [line.strip() for line in self._log_tail(component, 8192).splitlines()]
        last = next((line for line in reversed(lines) if line), None)
        return None if last is None else reading.printable(last)

    def _log_tail(self, component: str, most: int) -> str:
        return session_file.read_tail(self.log / f"{component}.log", below=self._sessions, most=most)

    def _parsed(self, name: str, parse: Reader[T], *, ours: bool = False) -> T | None:
        """Return what a file of the run folder holds; None when there is none, or it can't be read as that.

        With `ours`, one that another account than this process's wrote is none.
        """
        try:
            owner = os.geteuid() if ours else None
            data = session_file.read_bytes(self.path / name, below=self._sessions, most=_MOST_BYTES + 1, owner=owner)
            return parse(decode(data, most=_MOST_BYTES))
        except Unreadable:
            return None


def _parse_status(value: object) -> AgentStatus:
    if isinstance(value, dict) and not _OWN_ADDRESS.fullmatch(str(value.get("address"))):
        value = {**value, "address": None}
    return AgentStatus.parse(value)


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
        has_limit=fields.get("has_limit", reading.flag, False),
    )


def throw_away(path: Path, trash: Path) -> None:
    """Move a folder out of sight at once, and then delete it; what a crash leaves in `trash` is deleted next time."""
    while path.exists():
        try:
            trash.mkdir(mode=0o700, parents=True, exist_ok=True)
            place = Path(tempfile.mkdtemp(dir=trash))
            path.rename(place / path.name)
        except (FileNotFoundError, FileExistsError):  # another controller emptied the trash just now, or threw it away before us
            continue
        empty(place)  # what will not go, a later sweep tries again
        return


def empty(trash: Path) -> None:
    """Delete a folder of what was thrown away, as far as it goes; never what a link in it leads to."""
    try:
        shutil.rmtree(trash, ignore_errors=True)
        if os.path.lexists(trash):
            _open_folders(trash)
            shutil.rmtree(trash, ignore_errors=True)
    except RecursionError:  # somebody made a thousand folders inside each other
        subprocess.run(["rm", "-rf", "--", str(trash)], check=False, stdin=subprocess.DEVNULL, capture_output=True)


def _open_folders(top: Path) -> None:
    """Let the owner of folders change what is in them: of one that is closed to them, nothing is deleted by who isn't root."""
    for folder, names, _ in os.walk(top):  # each is opened before it is looked into
        for path in (Path(folder, name) for name in names):
            with suppress(OSError):  # it is gone by now, or another's
                mode = path.lstat().st_mode
                if stat.S_ISDIR(mode) and mode & stat.S_IRWXU != stat.S_IRWXU:
                    path.chmod(stat.S_IMODE(mode) | stat.S_IRWXU)
