"""What the backend asks the agent to run: `ensemble.json`, read once and checked."""

import json
import re
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from rspark_contract.ensemble import InterfaceSpec

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,63}")


class SpecInvalid(Exception):
    """The file that says what to run can't be used. The message says what is wrong with it."""


@dataclass(frozen=True, kw_only=True)
class PartSpec:
    """A command of the ensemble beyond its interface, its placeholders already replaced."""

    name: str
    title: str
    command: tuple[str, ...]
    environ: dict[str, str] = field(default_factory=dict)
    ready: dict[str, str] = field(default_factory=dict)
    after: tuple[str, ...] = ()
    stop_signal: str = "SIGTERM"
    stop_timeout: float = 20.0


@dataclass(frozen=True, kw_only=True)
class SecretFile:
    """A file for nobody else, in the run folder."""

    path: str
    content: str


@dataclass(frozen=True, kw_only=True)
class Spec:
    """One generation of one session or shared service. Fields that only a backend reads are left out."""

    id: str
    generation: int
    kind: str
    user: str | None
    base_path: str
    secret: str
    hub_url: str
    token: str | None
    interface: InterfaceSpec | None
    spark: dict[str, Any] | None
    parts: tuple[PartSpec, ...]
    environ: dict[str, str]
    cpu: float
    memory: int
    grace: float  # seconds
    resume: bool
    run: Path
    keep: Path
    home: Path
    bells: Path | None
    host: str
    port: int
    files: tuple[SecretFile, ...] = ()
    image: str = ""  # of the container it runs in; "" outside of one
    logs_to_stdout: bool = False
    termination_message: Path | None = None  # where a container's runtime reads how it ended
    forget: tuple[str, ...] = ()  # deleted sessions of this home

    @property
    def name(self) -> str:
        """What every process of this generation carries as `RSPARK_ENSEMBLE`."""
        return f"{self.id}.{self.generation}"


def load(path: Path, *, python: str) -> Spec:
    """Read `ensemble.json`; `python` is what `{python}` stands for.

    Raises
    ------
    SpecInvalid
        When the file is missing, isn't JSON, or lacks what the agent needs.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as problem:
        raise SpecInvalid(f"{path} can't be read: {problem.strerror}.") from problem
    except ValueError as problem:
        raise SpecInvalid(f"{path} isn't JSON: {problem}.") from problem
    try:
        return parse(data, python=python)
    except KeyError as problem:
        raise SpecInvalid(f"{path} lacks {problem}.") from problem
    except (TypeError, ValueError, AttributeError) as problem:
        raise SpecInvalid(f"{path} holds something unexpected: {problem}.") from problem


def parse(data: dict[str, Any], *, python: str) -> Spec:
    """Make a spec of the file's data, with every placeholder replaced."""
    places = {"{run}": data["run"], "{home}": data["home"], "{keep}": data["keep"], "{python}": python}
    places["{host}"] = data.get("listen", {}).get("host", "127.0.0.1")
    if data.get("data"):
        places["{data}"] = data["data"]

    def fill(text: str) -> str:
        for place, value in places.items():
            text = text.replace(place, value)
        return text

    parts = tuple(
        PartSpec(
            name=part["name"],
            title=part["title"],
            command=tuple(fill(word) for word in part["command"]),
            environ={name: fill(value) for name, value in part.get("environ", {}).items()},
            ready={kind: fill(where) for kind, where in part.get("ready", {}).items()},
            after=tuple(part.get("after", ())),
            stop_signal=part.get("stop_signal", "SIGTERM"),
            stop_timeout=float(part.get("stop_timeout", 20.0)),
        )
        for part in data.get("parts", ())
    )
    _check_names(parts)
    _check_order(parts)
    return Spec(
        id=data["id"],
        generation=int(data["generation"]),
        kind=data["kind"],
        user=data.get("user"),
        base_path=data["base_path"],
        secret=data["secret"],
        hub_url=data["hub_url"],
        token=data.get("token"),
        interface=InterfaceSpec.parse(data["interface"]) if data.get("interface") else None,
        spark=data.get("spark"),
        parts=parts,
        environ={name: fill(value) for name, value in data.get("environ", {}).items()},
        cpu=float(data.get("cpu", 1.0)),
        memory=int(data.get("memory", 0)),
        grace=float(data.get("grace", 60.0)),
        resume=bool(data.get("resume", False)),
        run=Path(data["run"]),
        keep=Path(data["keep"]),
        home=Path(data["home"]),
        bells=Path(data["bells"]) if data.get("bells") else None,
        host=data.get("listen", {}).get("host", "127.0.0.1"),
        port=int(data.get("listen", {}).get("port", 0)),
        files=tuple(SecretFile(path=_inside(file["path"]), content=file["content"]) for file in data.get("files", ())),
        image=data.get("image", ""),
        logs_to_stdout=data.get("logs") == "stdout",
        termination_message=Path(data["termination_message"]) if data.get("termination_message") else None,
        forget=tuple(data.get("forget", ())),
    )


def _inside(path: str) -> str:
    """Refuse a path that leads out of the run folder."""
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts:
        raise ValueError(f"{path!r} can't be the path of a file")
    return path


def _check_names(parts: tuple[PartSpec, ...]) -> None:
    """Refuse names that are taken, or that make no file name: each part has a log."""
    seen = {"agent", "interface"}
    for part in parts:
        if not _NAME.fullmatch(part.name) or part.name in seen:
            raise ValueError(f"{part.name!r} can't be the name of a part")
        seen.add(part.name)


def _check_order(parts: tuple[PartSpec, ...]) -> None:
    """Refuse a part that waits for itself, for nobody, or for one that waits for it."""
    started: set[str] = set()
    left = list(parts)
    while left:
        able = [part for part in left if started.issuperset(part.after)]
        if not able:
            waiting = ", ".join(f"{part.name} (after {', '.join(part.after)})" for part in left)
            raise ValueError(f"these parts wait for each other or for one that isn't there: {waiting}")
        started.update(part.name for part in able)
        left = [part for part in left if part.name not in started]
