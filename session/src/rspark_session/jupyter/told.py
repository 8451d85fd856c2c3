"""What the agent tells the server at its start: `interface.json` in the run folder."""

import json
from dataclasses import dataclass
from pathlib import Path

from rspark_session.jupyter.spare import Begun


@dataclass(frozen=True, kw_only=True)
class Told:
    """Everything the server must know.

    `restore` is the folder of a saved workspace to bring back, `spare` a kernel that is for who first asks for one of its kind.
    """

    kind: str
    title: str
    kernels: tuple[str, ...]
    base: str
    home: Path
    run: Path
    socket: Path
    token: str
    line: int
    restore: Path | None
    spare: Begun | None


def read(path: Path) -> Told:
    """Read what the agent wrote."""
    data = json.loads(path.read_text(encoding="utf-8"))
    return Told(
        kind=data["kind"],
        title=data["title"],
        kernels=tuple(data["kernels"]),
        base=data["base"],
        home=Path(data["home"]),
        run=Path(data["run"]),
        socket=Path(data["socket"]),
        token=data["token"],
        line=data["line"],
        restore=Path(data["restore"]) if data["restore"] else None,
        spare=Begun(**data["spare"]) if data["spare"] else None,
    )
