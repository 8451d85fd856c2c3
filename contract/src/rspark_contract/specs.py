"""The members of `ensemble.json`: components, interface, services, files, and the places that only a backend knows."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from rspark_contract import reading
from rspark_contract.reading import Fields, JsonObject, Unreadable

#: What makes a component count as ready.
READY_BY = ("file", "http", "tcp")

_WORD = reading.verbatim(2**16)
_CONTENT = reading.verbatim(2**21)
_NAMES = reading.items(reading.name, most=256)
_WORDS = reading.items(_WORD, most=4096)
_ENVIRON = reading.mapping(_WORD, most=256)
_PORT = reading.integer(0, 65535)
_SECONDS = reading.number(0, 1e8)
_CONFIG = reading.json_object(depth=8, values=4096, letters=2**16)


@dataclass(frozen=True, kw_only=True)
class SecretFile:
    """A file that only its owner may read; `path` is relative to the run folder."""

    path: str
    content: str

    def to_json(self) -> JsonObject:
        """Return its JSON."""
        return {"path": self.path, "content": self.content}

    @classmethod
    def parse(cls, value: object) -> "SecretFile":
        """Read it; raise `Unreadable` when its path leads out of the run folder."""
        fields = Fields(value)
        return cls(path=fields.required("path", _path_inside), content=fields.required("content", _CONTENT))


@dataclass(frozen=True, kw_only=True)
class FirstStart:
    """What a component does at its first start alone, which makes that start slower than all others.

    It is the first as long as nothing is at `path`, which the component makes then. `reason` says what it does, in a sentence.
    """

    path: str
    reason: str

    def to_json(self) -> JsonObject:
        """Return its JSON."""
        return {"path": self.path, "reason": self.reason}

    @classmethod
    def parse(cls, value: object) -> "FirstStart":
        """Read it; raise `Unreadable` when it has no path or no reason."""
        fields = Fields(value)
        return cls(path=fields.required("path", _WORD), reason=fields.required("reason", reading.text()))


@dataclass(frozen=True, kw_only=True)
class ComponentSpec:
    """A command of the ensemble beyond its interface.

    `ready` says when it is healthy: `{"file": path}` (it exists; a JSON object in it is the component's endpoint),
    `{"http": url}` (it answers below 500) or `{"tcp": "host:port"}` (it accepts). `after` names the components that must be
    ready before this one is started. `stop_timeout` is in seconds. `first_start` is None where every start takes the same time.
    """

    name: str
    title: str
    command: tuple[str, ...]
    environ: Mapping[str, str] = field(default_factory=dict)
    ready: Mapping[str, str] = field(default_factory=dict)
    after: tuple[str, ...] = ()
    stop_signal: str = "SIGTERM"
    stop_timeout: float = 20.0
    first_start: FirstStart | None = None

    def to_json(self) -> JsonObject:
        """Return its JSON."""
        return {
            "name": self.name,
            "title": self.title,
            "command": list(self.command),
            "environ": dict(self.environ),
            "ready": dict(self.ready),
            "after": list(self.after),
            "stop_signal": self.stop_signal,
            "stop_timeout": self.stop_timeout,
            **({"first_start": self.first_start.to_json()} if self.first_start else {}),
        }

    @classmethod
    def parse(cls, value: object) -> "ComponentSpec":
        """Read it; raise `Unreadable` when it is no component."""
        fields = Fields(value)
        return cls(
            name=fields.required("name", reading.name),
            title=fields.required("title", _WORD),
            command=fields.required("command", _command),
            environ=fields.get("environ", _ENVIRON, {}),
            ready=fields.get("ready", _ready, {}),
            after=fields.get("after", _NAMES, ()),
            stop_signal=fields.get("stop_signal", reading.matching(re.compile("SIG[A-Z0-9]+")), "SIGTERM"),
            stop_timeout=fields.get("stop_timeout", _SECONDS, 20.0),
            first_start=fields.get("first_start", FirstStart.parse, None),
        )


@dataclass(frozen=True, kw_only=True)
class InterfaceSpec:
    """What the browser opens. `command` and `port` are those of an interface that is any web server.

    `config` is for the interface's module in the session, which knows its words.
    """

    kind: str
    title: str
    kernels: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    port: int | None = None
    config: JsonObject = field(default_factory=dict)

    def to_json(self) -> JsonObject:
        """Return its JSON."""
        return {
            "kind": self.kind,
            "title": self.title,
            "kernels": list(self.kernels),
            "command": list(self.command),
            "port": self.port,
            "config": self.config,
        }

    @classmethod
    def parse(cls, value: object) -> "InterfaceSpec":
        """Read it; raise `Unreadable` when it is no interface."""
        fields = Fields(value)
        return cls(
            kind=fields.required("kind", _WORD),
            title=fields.required("title", _WORD),
            kernels=fields.get("kernels", _WORDS, ()),
            command=fields.get("command", _WORDS, ()),
            port=fields.get("port", _PORT, None),
            config=fields.get("config", _CONFIG, {}),
        )


@dataclass(frozen=True, kw_only=True)
class ServiceSpec:
    """A data system that the session uses. `config` is for the service's module in the session, which knows its words."""

    name: str
    title: str
    config: JsonObject = field(default_factory=dict)

    def to_json(self) -> JsonObject:
        """Return its JSON."""
        return {"name": self.name, "title": self.title, "config": self.config}

    @classmethod
    def parse(cls, value: object) -> "ServiceSpec":
        """Read it; raise `Unreadable` when it is no service."""
        fields = Fields(value)
        return cls(
            name=fields.required("name", reading.name),
            title=fields.required("title", _WORD),
            config=fields.get("config", _CONFIG, {}),
        )


@dataclass(frozen=True, kw_only=True)
class Places:
    """Where an ensemble runs: what only its backend knows.

    `run` is the folder of the generation, `keep` the one that outlives it, `home` the person's, `data` a shared service's.
    The agent listens on `host` and `port` (0: any that is free), notifies the sockets in `notify`, and leaves its record also
    in `termination_message`. With `logs_to_stdout` it also prints each line of a log, with the component's name.
    """

    run: Path
    keep: Path
    home: Path
    data: Path | None = None
    notify: Path | None = None
    host: str = "127.0.0.1"
    port: int = 0
    logs_to_stdout: bool = False
    termination_message: Path | None = None

    def to_json(self) -> JsonObject:
        """Return the members of the document that say it."""
        return {
            "run": str(self.run),
            "keep": str(self.keep),
            "home": str(self.home),
            "data": _written(self.data),
            "bells": _written(self.notify),
            "listen": {"host": self.host, "port": self.port},
            "logs": "stdout" if self.logs_to_stdout else "files",
            "termination_message": _written(self.termination_message),
        }

    @classmethod
    def parse(cls, fields: Fields) -> "Places":
        """Read them from the members of the document; raise `Unreadable` when one is missing."""
        listen = Fields(fields.get("listen", reading.json_object(), {}))
        return cls(
            run=fields.required("run", _folder),
            keep=fields.required("keep", _folder),
            home=fields.required("home", _folder),
            data=fields.get("data", _folder, None),
            notify=fields.get("bells", _folder, None),
            host=listen.get("host", _WORD, "127.0.0.1"),
            port=listen.get("port", _PORT, 0),
            logs_to_stdout=fields.get("logs", _WORD, "files") == "stdout",
            termination_message=fields.get("termination_message", _folder, None),
        )


def _command(value: object) -> tuple[str, ...]:
    words = _WORDS(value)
    if not words:
        raise Unreadable("a command has no words")
    return words


def _ready(value: object) -> dict[str, str]:
    conditions = reading.mapping(_WORD, most=len(READY_BY))(value)
    for kind in conditions:
        if kind not in READY_BY:
            raise Unreadable(f"nothing is known of being ready by {kind!r}")
    return conditions


def _path_inside(value: object) -> str:
    """Read a path that doesn't lead out of the run folder."""
    path = _WORD(value)
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts:
        raise Unreadable(f"{path!r} can't be the path of a file")
    return path


def _written(path: Path | None) -> str | None:
    return str(path) if path is not None else None


def _folder(value: object) -> Path:
    return Path(_WORD(value))
