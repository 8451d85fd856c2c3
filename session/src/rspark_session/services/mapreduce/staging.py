"""The files of a job: input brought here from HDFS, output brought there when all of it is made.

Hadoop itself works on files of this machine alone, with a plain configuration: its reduces don't run in secure mode without
native code that Maven Central hasn't, and so nothing of a job has to know the session's token.
"""

import fnmatch
import glob
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

from rspark_session.services.mapreduce.hdfs_client import Entry, HdfsClient

#: What is called with a text and two numbers of bytes: what is done, how much of it is, and how much there is.
Progress = Callable[[str, int, int], None]
_HIDDEN = ("_", ".")
_SPARE = 64 * 2**20  # bytes that stay free on the disk


class StagingProblem(Exception):
    """A file can't be used. The message says which, and what to do."""


class Staging:
    """Brings files of HDFS into a job's folder and back. Without HDFS, files of the session are used where they are."""

    def __init__(self, hdfs: HdfsClient | None, folder: Path, progress: Progress) -> None:
        self._hdfs = hdfs
        self._folder = folder
        self._progress = progress

    def bring_in(self, inputs: Sequence[str]) -> list[Path]:
        """Return what Hadoop reads for each input: a folder that has its files, or the files themselves.

        Raises
        ------
        StagingProblem
            When there is no such input.
        HdfsRefused
            When HDFS does not give it.
        """
        wanted: list[tuple[Path, Entry]] = []
        found: list[Path] = []
        for number, name in enumerate(inputs):
            if local := self._local(name):
                found += _local_files(name, local)
                continue
            assert self._hdfs is not None
            place = self._folder / "input" / str(number)
            place.mkdir(parents=True)
            wanted += [(place / entry.path.rpartition("/")[2], entry) for entry in self._files(self._hdfs, name)]
            found.append(place)
        self._fetch(wanted)
        return found

    def check_output(self, output: str) -> None:
        """Raise `StagingProblem` when the output is there already, or can't be made."""
        local = self._local(output)
        if local is None:
            assert self._hdfs is not None
            there = self._hdfs.status(self._hdfs.path(output)) is not None
        else:
            there = local.exists()
        if there:
            raise StagingProblem(f'The output "{output}" is there already. Choose another, or delete it before.')
        if local is not None and not os.access(_existing(local.parent), os.W_OK):
            raise StagingProblem(f'The output "{output}" can\'t be made: you may not write there.')

    def fetch_file(self, name: str) -> tuple[str, Path]:
        """Return a file that tasks have, by the name they know it by: one of the session, or one of HDFS that is brought here."""
        path, _, link = name.partition("#")
        if not path.startswith("hdfs:"):
            local = _session_path(path)
            if not local.exists():
                raise StagingProblem(f'There is no file "{path}" in this session, which -file names.')
            return link or local.name, local
        if self._hdfs is None:
            raise StagingProblem(f'"{path}" is in HDFS, which this session does not have.')
        target = self._folder / "fetched" / path.rpartition("/")[2]
        target.parent.mkdir(exist_ok=True)
        with target.open("wb") as file:
            self._hdfs.read(self._hdfs.path(path), file)
        return link or target.name, target

    def bring_out(self, made: Path, output: str, *, job: str) -> tuple[str, int]:
        """Put what a job made where its output shall be, all of it at once; return the path and the size in bytes."""
        size = sum(file.stat().st_size for file in _made(made))
        local = self._local(output)
        if local is not None:
            for checksum in made.rglob(".*.crc"):
                checksum.unlink()
            local.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(made, local)
            return str(local), size
        assert self._hdfs is not None
        path = self._hdfs.path(output)
        partial = self.partial(path, job)
        self._hdfs.make_folder(partial)
        done = 0
        for file in _made(made):
            self._progress("Writing to HDFS", done, size)
            with file.open("rb") as content:
                self._hdfs.write(f"{partial}/{file.relative_to(made)}", content, file.stat().st_size)
            done += file.stat().st_size
        self._hdfs.rename(partial, path)
        return path, size

    def partial(self, path: str, job: str) -> str:
        """Return where output is while not all of it is there: beside its place, hidden."""
        parent, _, name = path.rpartition("/")
        return f"{parent}/.{name}.{job}"

    def partial_in_hdfs(self, output: str, job: str) -> str | None:
        """Return the same for an output in HDFS; None for one of the session."""
        if self._hdfs is None or self._local(output) is not None:
            return None
        return self.partial(self._hdfs.path(output), job)

    def _local(self, name: str) -> Path | None:
        """Return a path of the session; None where HDFS is meant."""
        if name.startswith("file:"):
            return _session_path(name)
        if self._hdfs is not None:
            return None
        if name.startswith("hdfs:"):
            raise StagingProblem(f'"{name}" is in HDFS, which this session does not have.')
        return _session_path(name)

    def _files(self, hdfs: HdfsClient, name: str) -> list[Entry]:
        """Return the files of an input in HDFS: one, those of a folder, or those that a pattern means."""
        found: list[Entry] = []
        for entry in _matching(hdfs, hdfs.path(name)):
            below = [each for each in hdfs.list(entry.path) if _is_shown(each)] if entry.is_folder else [entry]
            if any(each.is_folder for each in below):
                raise StagingProblem(f'The input "{name}" has folders in it. Name those that are meant, such as "{name}/*".')
            found += below
        if not found:
            raise StagingProblem(f'There is no input "{name}" in HDFS. `hdfs dfs -ls` names what is in your home.')
        return found

    def _fetch(self, wanted: Sequence[tuple[Path, Entry]]) -> None:
        size, done = sum(entry.size for _, entry in wanted), 0
        free = shutil.disk_usage(self._folder).free - _SPARE
        if size > free:
            raise StagingProblem(
                f"The input has {size >> 20} MB, and there is room for {max(free, 0) >> 20} MB in this session. "
                'In R, mapreduce(…, where = "spark") reads it where it is.'
            )
        assert self._hdfs is not None or not wanted
        for target, entry in wanted:
            self._progress("Reading from HDFS", done, size)
            if target.exists():  # of another folder that a pattern means
                target = target.with_name(f"{len(os.listdir(target.parent))}-{target.name}")  # noqa: PLW2901, PTH208
            with target.open("wb") as file:
                self._hdfs.read(entry.path, file)  # type: ignore[union-attr]  # asserted above
            done += entry.size


def _matching(hdfs: HdfsClient, path: str) -> list[Entry]:
    """Return what a path means, which may have the signs of a pattern in its parts."""
    found = [Entry(path="", is_folder=True, size=0)]
    for part in path.split("/")[1:]:
        if any(sign in part for sign in "*?["):
            listed = [each for entry in found if entry.is_folder for each in hdfs.list(entry.path or "/")]
            found = [each for each in listed if _is_shown(each) and fnmatch.fnmatchcase(each.path.rpartition("/")[2], part)]
        else:
            found = [Entry(path=f"{entry.path}/{part}", is_folder=True, size=0) for entry in found]
    if any(sign in path.rpartition("/")[2] for sign in "*?["):
        return found
    statuses = [hdfs.status(entry.path) for entry in found]
    return [status for status in statuses if status is not None]


def _is_shown(entry: Entry) -> bool:
    return not entry.path.rpartition("/")[2].startswith(_HIDDEN)


def _session_path(name: str) -> Path:
    path = unquote(urlsplit(name).path) if name.startswith("file:") else name
    return Path(path).expanduser().absolute()


def _local_files(name: str, path: Path) -> list[Path]:
    found = [Path(each) for each in sorted(glob.glob(str(path)))] if any(sign in str(path) for sign in "*?[") else [path]  # noqa: PTH207
    if not found or not all(each.exists() for each in found):
        raise StagingProblem(f'There is no input "{name}" in this session.')
    return found


def _made(folder: Path) -> list[Path]:
    """Return what Hadoop made: without the checksums that it writes beside files of this machine."""
    return sorted(file for file in folder.rglob("*") if file.is_file() and not file.name.endswith(".crc"))


def _existing(path: Path) -> Path:
    while not path.exists():
        path = path.parent
    return path
