"""What the agent decides about a Jupyter server at its start: `interface.json` in the run folder, written and read here."""

import json
from dataclasses import dataclass
from pathlib import Path

from rspark_contract import reading
from rspark_contract.reading import Fields, JsonObject, Unreadable
from rspark_session.jupyter.warm_kernel import StartedKernel

_TEXT = reading.verbatim(2**16)
_DESCRIPTOR = reading.integer(0, 2**31)
_MOST_BYTES = 2**20


class OptionsInvalid(Exception):
    """`interface.json` can't be used. The message says what is wrong with it."""


@dataclass(frozen=True, kw_only=True)
class ServerOptions:
    """Everything that a Jupyter server must know.

    `extension` is the module with its pages, which begin at `default_url`; in a browser that is new to them they open the first
    of `first_documents` that is there. It offers `kernels`, serves under `base_url` at the Unix socket `socket`, and takes
    requests that carry `token`. `control` is the descriptor of its end of the control channel.
    `restore` is the folder of a saved workspace to restore, `warm_kernel` a kernel for the first request for one of its kind.
    """

    extension: str
    default_url: str
    first_documents: tuple[str, ...]
    kernels: tuple[str, ...]
    base_url: str
    home: Path
    run: Path
    socket: Path
    token: str
    control: int
    restore: Path | None
    warm_kernel: StartedKernel | None

    def to_json(self) -> JsonObject:
        """Return the content of `interface.json`."""
        return {
            "extension": self.extension,
            "default_url": self.default_url,
            "first_documents": list(self.first_documents),
            "kernels": list(self.kernels),
            "base_url": self.base_url,
            "home": str(self.home),
            "run": str(self.run),
            "socket": str(self.socket),
            "token": self.token,
            "control": self.control,
            "restore": str(self.restore) if self.restore else None,
            "warm_kernel": self.warm_kernel.to_json() if self.warm_kernel else None,
        }

    @classmethod
    def parse(cls, value: object) -> "ServerOptions":
        """Read them; raise `Unreadable` when one is missing or is of another kind."""
        fields = Fields(value)
        return cls(
            extension=fields.required("extension", _TEXT),
            default_url=fields.required("default_url", _TEXT),
            first_documents=fields.required("first_documents", reading.items(_TEXT, most=100)),
            kernels=fields.required("kernels", reading.items(_TEXT, most=100)),
            base_url=fields.required("base_url", _TEXT),
            home=fields.required("home", _path),
            run=fields.required("run", _path),
            socket=fields.required("socket", _path),
            token=fields.required("token", _TEXT),
            control=fields.required("control", _DESCRIPTOR),
            restore=fields.get("restore", _path, None),
            warm_kernel=fields.get("warm_kernel", StartedKernel.parse, None),
        )

    @classmethod
    def read(cls, file: Path) -> "ServerOptions":
        """Read what the agent wrote.

        Raises
        ------
        OptionsInvalid
            When the file isn't there or can't be used.
        """
        try:
            return cls.parse(reading.decode(file.read_bytes(), most=_MOST_BYTES))
        except (OSError, Unreadable) as problem:
            raise OptionsInvalid(f"{file} can't be used: {problem}.") from problem

    def text(self) -> str:
        """Return the text of `interface.json`."""
        return json.dumps(self.to_json())


def _path(value: object) -> Path:
    return Path(_TEXT(value))
