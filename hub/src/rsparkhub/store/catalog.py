"""The catalog: which environments there are, read from folders of YAML files."""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from rsparkhub.domain.environment import Environment
from rsparkhub.domain.errors import EnvironmentInvalid, NotFound
from rsparkhub.store.environment_file import read_environment

log = logging.getLogger(__name__)
_SUFFIXES = {".yaml", ".yml"}


@dataclass(frozen=True)
class _Stamp:
    """What a file's status says; another one means another content."""

    inode: int
    size: int
    changed: int


@dataclass(frozen=True)
class _Entry:
    stamp: _Stamp
    environment: Environment | None
    problem: str | None


class Catalog:
    """Environments by name, as the files say now.

    Each question looks at the files' status, and reads again only what changed: an edit shows at once, and costs nothing
    while there is none. A file that an edit broke keeps its last good environment, and `problems` says what is wrong. In
    a later folder an environment may replace one of an earlier folder; two of one name in one folder are a problem.
    """

    def __init__(self, folders: Iterable[Path]) -> None:
        self._folders = tuple(folders)
        self._entries: dict[Path, _Entry] = {}

    def check(self) -> None:
        """Read all files.

        Raises
        ------
        EnvironmentInvalid
            With every problem of every file.
        """
        problems = self.problems()
        if problems:
            raise EnvironmentInvalid("\n".join(problems))

    def get(self, name: str) -> Environment:
        """Give the environment of this name; NotFound when there is none."""
        try:
            return self._read()[name]
        except KeyError:
            raise NotFound(f"There is no environment {name}. Choose one of the catalog.") from None

    def problems(self) -> list[str]:
        """Say what is wrong with the files, one text a file."""
        self._read()
        return [*(entry.problem for entry in self._entries.values() if entry.problem), *self._doubles()]

    def _read(self) -> dict[str, Environment]:
        found = dict(self._files())
        self._entries = {path: self._entry(path, stamp) for path, stamp in found.items()}
        return {entry.environment.name: entry.environment for entry in self._entries.values() if entry.environment is not None}

    def _entry(self, path: Path, stamp: _Stamp) -> _Entry:
        known = self._entries.get(path)
        if known is not None and known.stamp == stamp:
            return known
        try:
            return _Entry(stamp, read_environment(path), None)
        except EnvironmentInvalid as error:
            log.error("%s", error)
            return _Entry(stamp, known.environment if known else None, str(error))

    def _files(self) -> Iterator[tuple[Path, _Stamp]]:
        for folder in self._folders:
            try:
                paths = sorted(path for path in folder.iterdir() if path.suffix in _SUFFIXES)
            except OSError as error:
                raise EnvironmentInvalid(
                    f"The folder of environments {folder} can't be read: {error.strerror}. Check the setting environments."
                ) from error
            for path in paths:
                try:
                    status = path.stat()
                except FileNotFoundError:  # taken away since the folder was read
                    continue
                yield path, _Stamp(status.st_ino, status.st_size, status.st_mtime_ns)

    def _doubles(self) -> Iterator[str]:
        first: dict[tuple[Path, str], Path] = {}
        for path, entry in self._entries.items():
            if entry.environment is None:
                continue
            other = first.setdefault((path.parent, entry.environment.name), path)
            if other != path:
                yield f"{path} and {other} both describe the environment {entry.environment.name}. Rename one of them."

    def list(self) -> list[Environment]:
        """Give all environments, by title."""
        return sorted(self._read().values(), key=lambda environment: (environment.metadata.title, environment.name))
