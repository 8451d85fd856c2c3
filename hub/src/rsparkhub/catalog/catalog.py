"""The catalog: which environments there are, read from folders of YAML files."""

import logging
import os
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from rspark_contract.ensemble import INTERFACE
from rsparkhub.catalog.environment_file import read_environment
from rsparkhub.catalog.schema import Schema
from rsparkhub.domain.environment import Environment, EnvironmentSpec
from rsparkhub.domain.errors import EnvironmentInvalid, NotFound
from rsparkhub.domain.session import Session

log = logging.getLogger(__name__)
_SUFFIXES = (".yaml", ".yml")

#: What a file's status says (inode, size, time of change); another one means another content.
Stamp = tuple[int, int, int]


@dataclass(frozen=True, kw_only=True)
class FileProblem:
    """What is wrong with a file of the catalog; `kept` is the environment that is still there as the file was before."""

    path: str
    text: str
    kept: str | None


@dataclass(frozen=True)
class _Entry:
    stamp: Stamp
    environment: Environment | None
    problem: str | None


class Catalog:
    """Environments by name, as the files say now.

    Each question looks at the files' status, and reads again only what changed: an edit shows at once, and costs nothing
    while there is none. What was found may be taken for current for `check_every`, so that who asks very often doesn't
    look at the files each time. A file that an edit broke keeps its last good environment, and `problems` says what is wrong. In
    a later folder an environment may replace one of an earlier folder; two of one name in one folder are a problem.
    """

    def __init__(
        self,
        folders: Iterable[Path],
        schema: Schema,
        *,
        check_every: timedelta = timedelta(0),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folders = tuple(folders)
        self._schema = schema
        self._check_seconds = check_every.total_seconds()
        self._clock = clock
        self._check_at = float("-inf")
        self._stamps: dict[str, Stamp] = {}
        self._entries: dict[str, _Entry] = {}
        self._environments: dict[str, Environment] = {}

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

    def is_for_visitors(self, session: Session) -> bool:
        """Return whether what a session serves is made for who may only view it.

        The environment may have got another interface after the session was started: then it is not.
        """
        spec = self._served(session)
        return spec is not None and spec.interface.for_visitors

    def is_viewable(self, session: Session) -> bool:
        """Return whether what a session serves shows something to who may only look at it, and is all that it opens."""
        spec = self._served(session)
        return spec is not None and spec.interface.viewable and not spec.beside and not session.opens_several

    def _served(self, session: Session) -> EnvironmentSpec | None:
        """Return what the environment of a session says, if the interface that it names is that of the session."""
        environment = self._read().get(session.environment)
        if environment is None:
            return None
        title = environment.spec.interface.title
        same = any(component.name == INTERFACE and component.title == title for component in session.components)
        return environment.spec if same else None

    def problems(self) -> list[str]:
        """Return what is wrong with the files, one text a file."""
        return [problem.text for problem in self.file_problems()]

    def file_problems(self) -> list[FileProblem]:
        """Return what is wrong with the files, and what became of each."""
        self._read()
        broken = [
            FileProblem(path=path, text=entry.problem, kept=entry.environment.name if entry.environment else None)
            for path, entry in self._entries.items()
            if entry.problem
        ]
        return [*broken, *self._doubles()]

    def _read(self) -> dict[str, Environment]:
        now = self._clock()
        if now < self._check_at:
            return self._environments
        stamps = dict(self._files())
        if stamps != self._stamps:
            self._entries = {path: self._entry(path, stamp) for path, stamp in sorted(stamps.items(), key=self._place)}
            found = [entry.environment for entry in self._entries.values() if entry.environment is not None]
            self._environments = {environment.name: environment for environment in found}
            self._stamps = stamps
        self._check_at = now + self._check_seconds
        return self._environments

    def _entry(self, path: str, stamp: Stamp) -> _Entry:
        known = self._entries.get(path)
        if known is not None and known.stamp == stamp:
            return known
        try:
            return _Entry(stamp, read_environment(Path(path), self._schema), None)
        except EnvironmentInvalid as error:
            log.error("%s", error)
            return _Entry(stamp, known.environment if known else None, str(error))

    def _files(self) -> Iterator[tuple[str, Stamp]]:
        for folder in self._folders:
            try:
                with os.scandir(folder) as entries:
                    for entry in entries:
                        if entry.name.endswith(_SUFFIXES) and (stamp := _stamp(entry)):
                            yield entry.path, stamp
            except OSError as error:
                raise EnvironmentInvalid(
                    f"The folder of environments {folder} can't be read: {error.strerror}. Check the setting environments."
                ) from error

    def _place(self, file: tuple[str, Stamp]) -> tuple[int, str]:
        """Order files by folder, in the order of the setting, and by name."""
        return self._folders.index(Path(file[0]).parent), file[0]

    def _doubles(self) -> Iterator[FileProblem]:
        first: dict[tuple[str, str], str] = {}
        for path, entry in self._entries.items():
            if entry.environment is None:
                continue
            other = first.setdefault((os.path.dirname(path), entry.environment.name), path)  # noqa: PTH120
            if other != path:
                text = f"{path} and {other} both describe the environment {entry.environment.name}. Rename one of them."
                yield FileProblem(path=path, text=text, kept=entry.environment.name)

    def list(self) -> list[Environment]:
        """Give all environments, by title."""
        return sorted(self._read().values(), key=lambda environment: (environment.metadata.title, environment.name))


def _stamp(entry: os.DirEntry[str]) -> Stamp | None:
    try:
        status = entry.stat()
    except FileNotFoundError:  # taken away since the folder was read
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns
