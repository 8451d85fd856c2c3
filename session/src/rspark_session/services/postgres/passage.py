"""The way to PostgreSQL's programs, for an account that is not us.

Programs are found by their path, all through the run of a server. Where a folder on the way is closed to the account (a
checkout in root's home), it alone gets the right to pass: an access control entry with nothing but search.
"""

import os
import struct
import subprocess
from contextlib import suppress
from pathlib import Path

from rspark_session.services.problem import ServiceProblem
from rspark_session.services.server_account import Account


def let_pass(path: Path, account: Account | None) -> None:
    """See to it that `account` can reach what lies at `path`.

    Raises
    ------
    ServiceProblem
        When it can't, and can't be let through.
    """
    if account is None or _may_pass(path, account):
        return
    for folder in [*reversed(path.parents), path]:
        if _may_pass(folder, account):
            continue
        with suppress(OSError):  # a file system without access control entries; the sentence below says what is left to do
            if folder.is_dir():
                _allow_search(folder, account.uid)
        if not _may_pass(folder, account):
            raise ServiceProblem(
                f"PostgreSQL runs as the account {account.name}, which may not pass {folder}. "
                f"Let it pass (chmod o+x {folder}), or put RSparkHub where it can."
            )
        print(f"The account {account.name} may now pass {folder}, and nothing else there.", flush=True)


def _may_pass(path: Path, account: Account) -> bool:
    # Asked as the account itself: groups, access control entries and mounts all have their say.
    command = ["test", "-x", str(path)]
    return subprocess.run(command, user=account.uid, group=account.gid, extra_groups=[], cwd="/", check=False).returncode == 0


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
