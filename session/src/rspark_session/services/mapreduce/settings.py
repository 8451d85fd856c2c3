"""What a session says of its MapReduce: a file that the command reads."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from rspark_contract import reading
from rspark_contract.reading import Fields, Unreadable
from rspark_session.files import write_whole

_FILE = "settings.json"
_MOST_BYTES = 2**16
_BYTES = reading.integer(0, 2**62)
_WORD = reading.verbatim(4096)

Mode = Literal["local", "yarn"]


class NoMapReduce(Exception):
    """The session has no MapReduce. The message says what to do."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Where jobs run, and what they may use: the `memory` of the session in bytes, its `cores`, and a folder to `work` in."""

    mode: Mode
    memory: int
    cores: int
    work: Path

    @classmethod
    def parse(cls, value: object, *, work: Path) -> "Settings":
        """Read the service's configuration; raise `Unreadable` when it isn't as expected."""
        fields = Fields(value)
        return cls(
            mode=fields.required("mode", _mode),
            memory=fields.required("memory", _BYTES),
            cores=fields.required("cores", reading.integer(1, 10**4)),
            work=work,
        )

    def write(self, folder: Path) -> None:
        """Write it into a folder, which is made where it's missing."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_whole(folder / _FILE, json.dumps(asdict(self) | {"work": str(self.work)}), durable=False)

    @classmethod
    def of_session(cls) -> "tuple[Path, Settings]":
        """Return the folder of MapReduce in this session, and what is written there.

        Raises
        ------
        NoMapReduce
            When there is none.
        """
        folder = os.environ.get("RSPARK_MAPREDUCE")
        if not folder:
            raise NoMapReduce("This session has no MapReduce. Start an environment that has it.")
        return cls.of_folder(Path(folder))

    @classmethod
    def of_folder(cls, folder: Path) -> "tuple[Path, Settings]":
        """Return a folder of MapReduce, and what is written there; raise `NoMapReduce` when there is nothing."""
        try:
            fields = Fields(reading.decode((folder / _FILE).read_bytes(), most=_MOST_BYTES))
            words = {name: fields.required(name, lambda each: each) for name in ("mode", "memory", "cores")}
            return folder, cls.parse(words, work=Path(fields.required("work", _WORD)))
        except (OSError, Unreadable) as problem:
            raise NoMapReduce("MapReduce is not set up in this session. Start the session again.") from problem


def _mode(value: object) -> Mode:
    if value == "local":
        return "local"
    if value == "yarn":
        return "yarn"
    raise Unreadable("is local or yarn")
