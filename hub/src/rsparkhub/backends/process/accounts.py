"""Unix accounts of people: each person's sessions run under one of their own where the hub is root.

An account is named after its person's id, behind a prefix, so that a person may be called `root` or as somebody who is there
already. It belongs to one installation: its comment names the data folder, and what was made is written down in
`DATA/accounts/`. So what others made is neither used nor removed.
"""

import fcntl
import grp
import hashlib
import json
import os
import pwd
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rspark_contract import reading
from rspark_contract.reading import NAME, Fields, Unreadable, decode
from rsparkhub.backends.process import proc
from rsparkhub.backends.process.ownership import give_tree
from rsparkhub.domain.errors import CannotStart
from rsparkhub.domain.user import PERSON_ID
from rsparkhub.files import write_whole

PREFIX = "rspark-"
_LONGEST = 32  # letters of a name, by useradd
#: The system's own numbers, from the top as useradd takes them; then, for a very large class, some that no tool gives by itself.
_NUMBERS: tuple[int, ...] = (*range(999, 199, -1), *range(59_999, 50_000, -1))
_MACHINE = Path("/run/rsparkhub")  # ours alone: /run/lock is open to everybody
_ID = reading.integer(1, 2**31)
_SERVICE = "@"


@dataclass(frozen=True, kw_only=True)
class Account:
    """A Unix account: its name on the machine, and its numbers."""

    name: str
    uid: int
    gid: int


def service_account(service: str) -> str:
    """Return the word for the account of a service, where a person's id stands for a person's; it is no person's id."""
    return f"{_SERVICE}{service}"


def are_possible() -> bool:
    """Return whether this process can give each person an account: it is root."""
    return os.geteuid() == 0


class Accounts:
    """The accounts of one installation."""

    def __init__(self, data: Path) -> None:
        self._data = data.absolute()
        self._folder = self._data / "accounts"
        self._homes = self._data / "homes"

    def ensure(self, user: str) -> Account:
        """Return the account of a person; make it where there is none.

        Raises
        ------
        CannotStart
            When the machine can't make one.
        OSError
            When it can't be written down.
        """
        if (known := self._of_machine(user)) is not None:
            return known
        with self._locked():
            if (known := self._of_machine(user)) is not None:
                return known
            account = self._adopt(user) or self._make(user)
            # Expired: sshd lets nobody in, whatever key lies in the home; sessions don't ask.
            _run("usermod", "--expiredate", "1970-01-02", account.name)
            record = {"account": account.name, "uid": account.uid, "gid": account.gid}
            write_whole(self._file(user), json.dumps(record))
            return account

    def users(self) -> list[str]:
        """Return the people who have an account."""
        try:
            names = sorted(path.name for path in self._folder.iterdir())
        except FileNotFoundError:
            return []
        return [name for name in names if PERSON_ID.fullmatch(name)]

    def remove(self, user: str) -> bool:
        """Remove the account of a person, if this installation made it; False while processes of it run.

        Their home stays, and belongs to root again. Its number is never given to another person.

        Raises
        ------
        OSError
            When the machine refuses.
        """
        with self._locked():
            recorded = self._recorded(user)
            if recorded is None:
                return True
            if any(proc.user_of(process.pid) == recorded.uid for process in proc.everyone()):
                return False
            home = self._homes / user
            if home.exists():
                give_tree(home, uid=0, gid=0)
            self._retire(recorded.uid)
            entry = _entry(recorded.name)
            if entry is not None and entry.pw_uid == recorded.uid and entry.pw_gecos == self._comment(user):
                _run("userdel", recorded.name)
            self._file(user).unlink(missing_ok=True)
            return True

    def _file(self, user: str) -> Path:
        if not (PERSON_ID.fullmatch(user) or (user.startswith(_SERVICE) and NAME.fullmatch(user.removeprefix(_SERVICE)))):
            raise ValueError(f"{user!r} is no person's id")
        return self._folder / user

    def _recorded(self, user: str) -> Account | None:
        """Return what was written down of a person's account."""
        try:
            fields = Fields(decode(self._file(user).read_bytes(), most=4096))
            name = fields.required("account", reading.name)
            return Account(name=name, uid=fields.required("uid", _ID), gid=fields.required("gid", _ID))
        except (FileNotFoundError, Unreadable):
            return None

    def _of_machine(self, user: str) -> Account | None:
        """Return the account that was written down, if the machine still has it: a data folder may have moved."""
        recorded = self._recorded(user)
        entry = _entry(recorded.name) if recorded else None
        same = recorded and entry and (entry.pw_uid, entry.pw_gid) == (recorded.uid, recorded.gid)
        return recorded if same else None

    def _adopt(self, user: str) -> Account | None:
        """Return an account that was made for this person just before a crash."""
        comment = self._comment(user)
        found = next((entry for entry in pwd.getpwall() if entry.pw_gecos == comment), None)
        return Account(name=found.pw_name, uid=found.pw_uid, gid=found.pw_gid) if found else None

    def _make(self, user: str) -> Account:
        name, number = self._free_name(user), self._free_number()
        words = ["--system", "--uid", str(number), "--user-group", "--no-create-home", "--home-dir", str(self._homes / user)]
        words += ["--no-log-init", "--shell", "/usr/sbin/nologin", "--comment", self._comment(user), name]
        _run("useradd", *words)
        entry = pwd.getpwnam(name)
        return Account(name=name, uid=entry.pw_uid, gid=entry.pw_gid)

    def _comment(self, user: str) -> str:
        """Return the comment that makes an account this installation's."""
        where = str(self._data)
        if ":" in where or not where.isprintable() or not where.isascii():
            where = hashlib.sha256(os.fsencode(where)).hexdigest()
        return f"RSparkHub {user} {where}"

    def _free_name(self, user: str) -> str:
        base = PREFIX + user.replace(".", "-").replace(_SERVICE, "service-")  # not every machine takes a dot
        if len(base) > _LONGEST - 4:  # room for a number
            base = f"{base[: _LONGEST - 11]}-{hashlib.sha256(user.encode()).hexdigest()[:6]}"
        names = (base, *(f"{base}-{number}" for number in range(2, 1000)))
        return next(name for name in names if _entry(name) is None and not _is_group(name))

    def _free_number(self) -> int:
        taken: set[int] = (
            {entry.pw_uid for entry in pwd.getpwall()} | {entry.gr_gid for entry in grp.getgrall()} | self._retired()
        )
        for number in _NUMBERS:
            if number not in taken:
                return number
        raise CannotStart(
            "This machine has no number left for another account. Ask your administrator to remove people who have left.",
            detail=f"All of {_NUMBERS[-1]} to {_NUMBERS[0]} are in use, or were in use for people of this installation.",
        )

    def _retired(self) -> set[int]:
        """Return numbers that people had who were removed: files of theirs may still lie somewhere."""
        try:
            return {int(line) for line in (self._folder / ".retired").read_text().split() if line.isdigit()}
        except FileNotFoundError:
            return set()

    def _retire(self, number: int) -> None:
        write_whole(self._folder / ".retired", "".join(f"{each}\n" for each in sorted({*self._retired(), number})))

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Let one process at a time make or remove accounts, of all installations on this machine."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _MACHINE.mkdir(mode=0o755, parents=True, exist_ok=True)
        lock = os.open(_MACHINE / "accounts.lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)


def _entry(name: str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


def _is_group(name: str) -> bool:
    try:
        grp.getgrnam(name)
    except KeyError:
        return False
    return True


def _run(*command: str) -> None:
    """Run a program of the machine that changes its accounts.

    Raises
    ------
    CannotStart
        When it is missing, or refuses.
    """
    environ = {"PATH": f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"}
    try:
        subprocess.run(command, env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True, timeout=60)
    except (OSError, subprocess.SubprocessError) as error:
        printed = error.stderr.strip() if isinstance(error, subprocess.CalledProcessError) else str(error)
        raise CannotStart(
            "This machine could not make an account for you. Ask your administrator to look at its log.",
            detail=f"{command[0]}: {printed}",
        ) from error
