"""The file system, or a home of it, as a tar file, and back: with owners, groups, modes, and access lists."""

import io
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, Any

from rspark_session.services.hdfs.kerberos import SUPERUSER
from rspark_session.services.hdfs.namenode import Away, NameNode, Refused

#: What people have; the rest is made at each start.
TREES = ("/user", "/group")
_MOST_DEPTH = 100
_ACL = "RSPARK.acl"


class ArchiveInvalid(ValueError):
    """What should be a backup of HDFS is none."""


@dataclass(frozen=True, kw_only=True)
class Archive:
    """Writes and reads tar files of the file system."""

    namenode: NameNode

    def write(self, trees: Mapping[str, str], to: IO[bytes]) -> None:
        """Write folders, each below a name in the tar file, with all that is in them.

        Raises
        ------
        Refused, Away
            When a file could not be read to its end.
        """
        with tarfile.open(fileobj=to, mode="w|", format=tarfile.PAX_FORMAT) as archive:
            for name, path in trees.items():
                for inside, status in self._walk(path, ""):
                    self._add(archive, f"{name}/{inside}", f"{path}/{inside}", status)

    def read(self, source: IO[bytes]) -> None:
        """Make the file system hold what a tar file has, in place of what it holds of `TREES`.

        Raises
        ------
        ArchiveInvalid
            When it is no tar file of a file system; what was there before may be gone by then.
        Refused, Away
            When the NameNode does not do it.
        """
        try:
            with tarfile.open(fileobj=source, mode="r|") as archive:
                for tree in TREES:
                    for status in self._list(tree):
                        self._ask("DELETE", f"{tree}/{status['pathSuffix']}", "DELETE", recursive="true")
                for entry in archive:
                    self._restore(archive, entry)
        except tarfile.TarError as problem:
            raise ArchiveInvalid(f"The backup of HDFS can't be read: {problem}.") from problem

    def _restore(self, archive: tarfile.TarFile, entry: tarfile.TarInfo) -> None:
        path = f"/{entry.name}"
        if ".." in path.split("/") or not path.startswith(tuple(f"{tree}/" for tree in TREES)):
            raise ArchiveInvalid(f"The backup of HDFS has something at {path}, where people have nothing.")
        if entry.isdir():
            self._ask("PUT", path, "MKDIRS")
        elif (content := archive.extractfile(entry)) is not None:
            self.namenode.write(path, content, principal=SUPERUSER)
        self._ask("PUT", path, "SETOWNER", owner=entry.uname, group=entry.gname)
        self._ask("PUT", path, "SETPERMISSION", permission=f"{entry.mode:o}")
        if acl := entry.pax_headers.get(_ACL):
            self._ask("PUT", path, "SETACL", aclspec=acl)

    def _add(self, archive: tarfile.TarFile, name: str, path: str, status: Mapping[str, Any]) -> None:
        entry = tarfile.TarInfo(name.rstrip("/"))
        entry.mtime = int(status["modificationTime"]) // 1000
        entry.mode = int(status["permission"], 8)
        entry.uname, entry.gname = str(status["owner"]), str(status["group"])
        if status.get("aclBit"):
            entry.pax_headers = {_ACL: self._acl(path, entry.mode)}
        if status["type"] == "DIRECTORY":
            entry.type = tarfile.DIRTYPE
            archive.addfile(entry)
            return
        entry.size = int(status["length"])
        if entry.size == 0:
            archive.addfile(entry, io.BytesIO())
            return
        process = self.namenode.stream(path, principal=SUPERUSER)
        assert process.stdout is not None
        try:
            archive.addfile(entry, process.stdout)
        except OSError as problem:  # shorter than it was said to be
            raise Away(f"{path} could not be read to its end.") from problem
        finally:
            process.stdout.close()
            with suppress(ProcessLookupError):
                process.terminate()
            process.wait()

    def _acl(self, path: str, mode: int) -> str:
        """Return the access list of a file as it is set: with its owner and the others, of whom the mode says."""
        entries = self._ask("GET", path, "GETACLSTATUS")["AclStatus"]["entries"]
        # With entries beyond the three, the group's is among them, and the mode has the mask in its place.
        group = "mask" if any(entry.startswith("group::") for entry in entries) else "group"
        return ",".join([f"user::{_bits(mode >> 6)}", *entries, f"{group}::{_bits(mode >> 3)}", f"other::{_bits(mode)}"])

    def _walk(self, top: str, inside: str, depth: int = 0) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Yield what is in a folder, each folder before what is in it."""
        for status in self._list(f"{top}/{inside}".rstrip("/")):
            name = f"{inside}/{status['pathSuffix']}".lstrip("/")
            yield name, status
            if status["type"] == "DIRECTORY" and depth < _MOST_DEPTH:
                yield from self._walk(top, name, depth + 1)

    def _list(self, path: str) -> list[Mapping[str, Any]]:
        found: list[Mapping[str, Any]] = self._ask("GET", path, "LISTSTATUS")["FileStatuses"]["FileStatus"]
        return found

    def _ask(self, method: str, path: str, operation: str, **parameters: str) -> Mapping[str, Any]:
        try:
            return self.namenode.ask(method, path, operation, principal=SUPERUSER, **parameters)
        except Refused as problem:
            if operation == "LISTSTATUS" and problem.kind == "FileNotFoundException":  # deleted meanwhile
                return {"FileStatuses": {"FileStatus": []}}
            raise


def _bits(mode: int) -> str:
    return "".join(letter if mode & bit else "-" for letter, bit in (("r", 4), ("w", 2), ("x", 1)))
