"""`state.json` of a saved workspace: which kernels, sessions and terminals there were. What kernels held lies beside it."""

import json
from dataclasses import dataclass
from pathlib import Path

from rspark_contract import reading
from rspark_contract.reading import Fields, JsonObject
from rspark_contract.saved import SavedKernel

_FILE = "state.json"
_TEXT = reading.verbatim(2**16)
_MOST = 1000
_MOST_BYTES = 2**26


@dataclass(frozen=True, kw_only=True)
class KernelState:
    """A kernel: what was saved of it, and the folder where it worked."""

    saved: SavedKernel
    folder: str | None

    def to_json(self) -> JsonObject:
        """Return its JSON."""
        return {**self.saved.to_json(), "cwd": self.folder}

    @classmethod
    def parse(cls, value: object) -> "KernelState":
        """Read it; raise `Unreadable` when it is no kernel."""
        fields = Fields(value)
        fields.required("id", _TEXT)
        return cls(saved=SavedKernel.parse(value), folder=fields.get("cwd", _TEXT, None))


@dataclass(frozen=True, kw_only=True)
class SessionState:
    """A session of Jupyter's: a notebook, or a console, and its kernel."""

    id: str
    path: str
    name: str
    type: str
    kernel: str

    def to_json(self) -> JsonObject:
        """Return its JSON."""
        return {"id": self.id, "path": self.path, "name": self.name, "type": self.type, "kernel": self.kernel}

    @classmethod
    def parse(cls, value: object) -> "SessionState":
        """Read it; raise `Unreadable` when it is no session."""
        fields = Fields(value)
        return cls(
            id=fields.required("id", _TEXT),
            path=fields.required("path", _TEXT),
            name=fields.required("name", _TEXT),
            type=fields.required("type", _TEXT),
            kernel=fields.required("kernel", _TEXT),
        )


@dataclass(frozen=True, kw_only=True)
class TerminalState:
    """A terminal, and the folder where its shell was."""

    name: str
    folder: str | None

    def to_json(self) -> JsonObject:
        """Return its JSON."""
        return {"name": self.name, "cwd": self.folder}

    @classmethod
    def parse(cls, value: object) -> "TerminalState":
        """Read it; raise `Unreadable` when it is no terminal."""
        fields = Fields(value)
        return cls(name=fields.required("name", _TEXT), folder=fields.get("cwd", _TEXT, None))


@dataclass(frozen=True, kw_only=True)
class SavedState:
    """All that there was."""

    kernels: tuple[KernelState, ...] = ()
    sessions: tuple[SessionState, ...] = ()
    terminals: tuple[TerminalState, ...] = ()

    def write(self, folder: Path) -> None:
        """Write `state.json` into the folder of a saved workspace; raise `OSError` when that can't be done."""
        state: JsonObject = {
            "kernels": [kernel.to_json() for kernel in self.kernels],
            "sessions": [session.to_json() for session in self.sessions],
            "terminals": [terminal.to_json() for terminal in self.terminals],
        }
        (folder / _FILE).write_text(json.dumps(state), encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> "SavedState":
        """Read `state.json` in the folder of a saved workspace.

        Raises
        ------
        OSError, Unreadable
            When it isn't there, or can't be read.
        """
        fields = Fields(reading.decode((folder / _FILE).read_bytes(), most=_MOST_BYTES))
        return cls(
            kernels=fields.required("kernels", reading.items(KernelState.parse, most=_MOST)),
            sessions=fields.required("sessions", reading.items(SessionState.parse, most=_MOST)),
            terminals=fields.required("terminals", reading.items(TerminalState.parse, most=_MOST)),
        )
