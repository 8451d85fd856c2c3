"""Whom PostgreSQL runs as. It refuses to run as root, so that root gives it to an account without rights.

That account must be able to enter the folders on the way to the programs and the data. Where it can't, it alone is
given the right to pass (an access control entry with nothing but search), so that a checkout in root's home and a private
data folder work as they are.
"""

import ctypes
import os
import pwd
import signal
import struct
import subprocess
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rspark_session.services.problem import ServiceProblem

_CANDIDATES = ("postgres", "nobody")
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, kw_only=True)
class Account:
    name: str
    uid: int
    gid: int


def unprivileged() -> Account | None:
    """Give the account to run as, or None when we are not root and simply stay who we are.

    Raises
    ------
    ServiceProblem
        When we are root and there is no such account.
    """
    if os.geteuid() != 0:
        return None
    for name in _CANDIDATES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name=name, uid=entry.pw_uid, gid=entry.pw_gid)
    raise ServiceProblem("PostgreSQL does not run as root, and there is no account for it. Make one: adduser --system postgres.")


def start(command: list[str], *, account: Account | None, cwd: Path, death_signal: int, **more: Any) -> "subprocess.Popen[str]":
    """Start a program as `account`, which gets `death_signal` when we die, however we die."""
    identity: dict[str, Any] = {}
    if account is not None:
        identity = {"user": account.uid, "group": account.gid, "extra_groups": []}
    return subprocess.Popen(
        command,
        cwd=cwd,
        env=_without_client_settings(os.environ),
        text=True,
        stdin=subprocess.DEVNULL,
        # Runs after the change of account, which would take the death signal away. We have no threads.
        preexec_fn=_die_with_us(death_signal),  # noqa: PLW1509
        **identity,
        **more,
    )


def give(path: Path, account: Account | None) -> None:
    """Make `account` the owner of a file or a folder."""
    if account is not None:
        os.chown(path, account.uid, account.gid)


def let_pass(path: Path, account: Account | None) -> None:
    """See to it that `account` can reach what lies at `path`.

    Raises
    ------
    ServiceProblem
        When it can't, and can't be let through.
    """
    if account is None or _may_pass(account, path):
        return
    for folder in [*reversed(path.parents), path]:
        if _may_pass(account, folder):
            continue
        with suppress(OSError):  # a file system without access control entries; the sentence below says what is left to do
            if folder.is_dir():
                _allow_search(folder, account.uid)
        if not _may_pass(account, folder):
            raise ServiceProblem(
                f"PostgreSQL runs as the account {account.name}, which may not pass {folder}. "
                f"Let it pass (chmod o+x {folder}), or put RSparkHub and its data where it can."
            )
        print(f"The account {account.name} may now pass {folder}, and nothing else there.", flush=True)


def _may_pass(account: Account, path: Path) -> bool:
    # Asked as the account itself: groups, access control entries and mounts all have their say.
    command = ["test", "-x", str(path)]
    return subprocess.run(command, user=account.uid, group=account.gid, extra_groups=[], cwd="/", check=False).returncode == 0


def _without_client_settings(environ: Mapping[str, str]) -> dict[str, str]:
    """Leave out PGDATA, PGPORT and their like, which mean another server."""
    return {name: value for name, value in environ.items() if not name.startswith("PG")}


def _die_with_us(death_signal: int) -> Callable[[], None]:
    parent = os.getpid()

    def prepare() -> None:
        _libc.prctl(_PR_SET_PDEATHSIG, death_signal)
        if os.getppid() != parent:  # we died before the line above
            os.kill(os.getpid(), signal.SIGKILL)

    return prepare


# The kernel's form of an access control list (linux/posix_acl_xattr.h): a version, then entries of tag, permission, id.
_ACL, _ACL_VERSION, _NO_ID = "system.posix_acl_access", 2, 0xFFFFFFFF
_USER_OBJ, _USER, _GROUP_OBJ, _MASK, _OTHER = 0x01, 0x02, 0x04, 0x10, 0x20
_HEAD, _ENTRY = struct.Struct("<I"), struct.Struct("<HHI")
_SEARCH = 1


def _allow_search(folder: Path, uid: int) -> None:
    entries = _entries(folder)
    entries[_USER, uid] = entries.get((_USER, uid), 0) | _SEARCH
    entries[_MASK, _NO_ID] = entries.get((_MASK, _NO_ID), entries[_GROUP_OBJ, _NO_ID]) | _SEARCH
    packed = b"".join(_ENTRY.pack(tag, permission, who) for (tag, who), permission in sorted(entries.items()))
    os.setxattr(folder, _ACL, _HEAD.pack(_ACL_VERSION) + packed)


def _entries(folder: Path) -> dict[tuple[int, int], int]:
    """Read who may do what with a folder: (tag, id) → permission bits."""
    try:
        raw = os.getxattr(folder, _ACL)
    except OSError:  # none beyond the mode; a file system without them says so when we write
        mode = folder.stat().st_mode
        return {(_USER_OBJ, _NO_ID): mode >> 6 & 7, (_GROUP_OBJ, _NO_ID): mode >> 3 & 7, (_OTHER, _NO_ID): mode & 7}
    return {(tag, who): permission for tag, permission, who in _ENTRY.iter_unpack(raw[_HEAD.size :])}
