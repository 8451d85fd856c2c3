"""A person's place in the file system: a home that is theirs alone, with a quota, and the folders of their groups.

People have no Unix accounts that the NameNode could ask for their groups. It asks a program called `id`, and finds ours first: a
script that reads what is written here, a file for each person.
"""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rspark_session.files import write_whole
from rspark_session.services.hdfs.kerberos import SUPERUSER
from rspark_session.services.hdfs.namenode import NameNode, Refused

_HOMES, _GROUPS = "/user", "/group"
#: Whatever its member's umask is, what is made in a group's folder is all members'.
_ACL = "user::rwx,group::rwx,other::---,default:user::rwx,default:group::rwx,default:mask::rwx,default:other::---"


@dataclass(kw_only=True)
class Homes:
    """The homes of one file system, in which `replication` DataNodes have each block. Each step may be done again, and by two."""

    namenode: NameNode
    members: Path  # the folder in which a person's groups are
    replication: int = 1
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def ensure(self, user: str, *, groups: Sequence[str]) -> None:
        """Make a home and the folders of a person's groups, or mend what is there; they are in these groups and no others.

        Raises
        ------
        Refused, Away
            When the NameNode does not do it.
        """
        path = home_of(user)
        self._ask("PUT", path, "MKDIRS", permission="700")
        self._ask("PUT", path, "SETOWNER", owner=user, group=user)
        self._ask("PUT", path, "SETPERMISSION", permission="700")
        for group in groups:
            self._ensure_group(group)
        with self._lock:
            write_whole(self.members / user, " ".join([user, *(group_of(group) for group in groups)]))

    def set_quota(self, user: str, quota: int) -> None:
        """Limit what a home takes to so many bytes.

        Raises
        ------
        Refused, Away
            When the NameNode does not do it.
        """
        # 2**63-1 leaves the number of files as it is. Each copy of a block counts.
        space = quota * self.replication
        self._ask("PUT", home_of(user), "SETQUOTA", namespacequota=str(2**63 - 1), storagespacequota=str(space))

    def _ensure_group(self, group: str) -> None:
        path = folder_of(group)
        self._ask("PUT", path, "MKDIRS", permission="770")
        self._ask("PUT", path, "SETOWNER", owner=SUPERUSER, group=group_of(group))
        self._ask("PUT", path, "SETACL", aclspec=_ACL)

    def remove(self, user: str) -> None:
        """Delete a home with all that is in it. There may be none.

        Raises
        ------
        Refused, Away
            When the NameNode does not do it.
        """
        self._ask("DELETE", home_of(user), "DELETE", recursive="true")
        (self.members / user).unlink(missing_ok=True)

    def remove_group(self, group: str) -> None:
        """Delete a group's folder with all that is in it. There may be none.

        Raises
        ------
        Refused, Away
            When the NameNode does not do it.
        """
        self._ask("DELETE", folder_of(group), "DELETE", recursive="true")

    def exists(self, path: str) -> bool:
        """Return whether there is a folder."""
        try:
            self._ask("GET", path, "GETFILESTATUS")
        except Refused as problem:
            if problem.kind == "FileNotFoundException":
                return False
            raise
        return True

    def _ask(self, method: str, path: str, operation: str, **parameters: str) -> Mapping[str, Any]:
        return self.namenode.ask(method, path, operation, principal=SUPERUSER, **parameters)


def group_of(group: str) -> str:
    """Return a group as the file system has it: no person's own group, which has their id, is called so."""
    return f"@{group}"


def folder_of(group: str) -> str:
    """Return the path of a group's folder."""
    return f"{_GROUPS}/{group}"


def home_of(user: str) -> str:
    """Return the path of a person's home."""
    return f"{_HOMES}/{user}"
