"""`ensemble.json`: what a backend asks an agent to run, one generation of one session or of one shared service.

A backend writes it (`EnsembleDocument.to_json`), the agent reads it (`read_document`) and puts values in the place of what
stands for them (`EnsembleDocument.filled`):

- `{run}`, `{home}`, `{keep}` and `{data}`: the folders of `Places`;
- `{python}`: the Python of the session; `{host}`: the address to listen on;
- `{port:NAME}`: a free port, the same wherever the name stands.

They stand in commands, in the environment, in conditions of being ready, in files, and in the configuration of the interface
and of services. Any other text in braces is left as it is.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Literal

from rspark_contract import VERSION, previous, reading
from rspark_contract.reading import Fields, Json, JsonObject, Unreadable

#: The names that the agent itself has among components and logs.
AGENT, INTERFACE = "agent", "interface"
#: What makes a component count as ready.
READY_BY = ("file", "http", "tcp")

_MOST_BYTES = 2**22
_WORD = reading.verbatim(2**16)
_CONTENT = reading.verbatim(2**21)
_NAMES = reading.items(reading.name, most=256)
_WORDS = reading.items(_WORD, most=4096)
_ENVIRON = reading.mapping(_WORD, most=256)
_PORT = reading.integer(0, 65535)
_SECONDS = reading.number(0, 1e8)
_BYTES = reading.integer(0, 2**62)
_CONFIG = reading.json_object(depth=8, values=4096, letters=2**16)
_PLACEHOLDER = re.compile(r"\{(run|home|keep|data|python|host|port:[a-z][a-z0-9_-]{0,63})\}")


class DocumentInvalid(Exception):
    """`ensemble.json` can't be used. The message says what is wrong with it."""


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
class ComponentSpec:
    """A command of the ensemble beyond its interface.

    `ready` says when it is healthy: `{"file": path}` (it exists; a JSON object in it is the component's endpoint),
    `{"http": url}` (it answers below 500) or `{"tcp": "host:port"}` (it accepts). `after` names the components that must be
    ready before this one is started. `stop_timeout` is in seconds.
    """

    name: str
    title: str
    command: tuple[str, ...]
    environ: Mapping[str, str] = field(default_factory=dict)
    ready: Mapping[str, str] = field(default_factory=dict)
    after: tuple[str, ...] = ()
    stop_signal: str = "SIGTERM"
    stop_timeout: float = 20.0

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


@dataclass(frozen=True, kw_only=True)
class EnsembleDocument:
    """One generation of one ensemble, all of it decided.

    `memory` and `home_size` are in bytes, `cpu` in cores, `grace` in seconds. With `resume` the agent brings back what the last
    sleep kept. `image` is that of the container it runs in, empty outside of one. `forget` names deleted sessions of the same
    home, of which the agent throws away what they kept.
    """

    id: str
    generation: int
    kind: Literal["session", "service"]
    user: str | None
    base_path: str
    secret: str
    hub_url: str
    token: str | None
    places: Places
    interface: InterfaceSpec | None = None
    services: tuple[ServiceSpec, ...] = ()
    components: tuple[ComponentSpec, ...] = ()
    environ: Mapping[str, str] = field(default_factory=dict)
    files: tuple[SecretFile, ...] = ()
    image: str = ""
    cpu: float = 1.0
    memory: int = 0
    home_size: int = 0
    grace: float = 60.0
    resume: bool = False
    forget: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What every process of this generation carries as `RSPARK_ENSEMBLE`."""
        return f"{self.id}.{self.generation}"

    def to_json(self) -> JsonObject:
        """Return the content of `ensemble.json`."""
        return {
            "contract": VERSION,
            "id": self.id,
            "generation": self.generation,
            "kind": self.kind,
            "user": self.user,
            "base_path": self.base_path,
            "secret": self.secret,
            "hub_url": self.hub_url,
            "token": self.token,
            "interface": self.interface.to_json() if self.interface else None,
            "services": [service.to_json() for service in self.services],
            "parts": [component.to_json() for component in self.components],
            "environ": dict(self.environ),
            "files": [file.to_json() for file in self.files],
            "image": self.image,
            "cpu": self.cpu,
            "memory": self.memory,
            "home_size": self.home_size,
            "grace": self.grace,
            "resume": self.resume,
            "forget": list(self.forget),
            **self.places.to_json(),
            **previous.members_of_services({service.name: service.config for service in self.services}),
        }

    @classmethod
    def parse(cls, value: object) -> "EnsembleDocument":
        """Read the document, with its placeholders as they are.

        Raises
        ------
        Unreadable
            When something that an agent needs is missing or is of another kind, when two components have one name or wait
            for each other, or when `{data}` stands in a document that has no such folder.
        """
        fields = Fields(value)
        document = cls(
            id=fields.required("id", _WORD),
            generation=fields.required("generation", reading.integer(0, 2**62)),
            kind=fields.required("kind", _kind),
            user=fields.get("user", _WORD, None),
            base_path=fields.required("base_path", _WORD),
            secret=fields.required("secret", _WORD),
            hub_url=fields.required("hub_url", _WORD),
            token=fields.get("token", _WORD, None),
            places=Places.parse(fields),
            interface=fields.get("interface", InterfaceSpec.parse, None),
            services=_services(fields),
            components=fields.get("parts", reading.items(ComponentSpec.parse, most=32), ()),
            environ=fields.get("environ", _ENVIRON, {}),
            files=fields.get("files", reading.items(SecretFile.parse, most=256), ()),
            image=fields.get("image", _WORD, ""),
            cpu=fields.get("cpu", reading.number(0, 1e6), 1.0),
            memory=fields.get("memory", _BYTES, 0),
            home_size=fields.get("home_size", _BYTES, 0),
            grace=fields.get("grace", _SECONDS, 60.0),
            resume=fields.get("resume", reading.flag, False),
            forget=fields.get("forget", _WORDS, ()),
        )
        _check_names(document.components)
        _check_order(document.components)
        if document.places.data is None and "data" in document.placeholders():
            raise Unreadable("{data} stands in it, and it names no such folder")
        return document

    def placeholders(self) -> frozenset[str]:
        """Return what stands for a value somewhere in it, without braces: `home`, `port:web`."""
        found: set[str] = set()

        def note(text: str) -> str:
            found.update(_PLACEHOLDER.findall(text))
            return text

        self._with_texts(note)
        return frozenset(found)

    def port_names(self) -> tuple[str, ...]:
        """Return the names of the ports that the agent chooses, sorted."""
        return tuple(sorted(word.removeprefix("port:") for word in self.placeholders() if word.startswith("port:")))

    def filled(self, *, python: str, ports: Mapping[str, int]) -> "EnsembleDocument":
        """Return it with values in the place of all that stands for them.

        Parameters
        ----------
        python
            The Python of the session.
        ports
            A port for each of `port_names`.
        """
        places = self.places
        values = {"run": str(places.run), "home": str(places.home), "keep": str(places.keep), "python": python}
        values |= {"host": places.host, **{f"port:{name}": str(port) for name, port in ports.items()}}
        if places.data is not None:
            values["data"] = str(places.data)
        return self._with_texts(lambda text: _PLACEHOLDER.sub(lambda found: values[found[1]], text))

    def _with_texts(self, change: Callable[[str], str]) -> "EnsembleDocument":
        """Return it with each text in which placeholders have a meaning changed."""
        components = tuple(
            replace(
                component,
                command=tuple(map(change, component.command)),
                environ={name: change(value) for name, value in component.environ.items()},
                ready={kind: change(where) for kind, where in component.ready.items()},
            )
            for component in self.components
        )
        interface = self.interface
        return replace(
            self,
            interface=interface
            and replace(
                interface, command=tuple(map(change, interface.command)), config=_changed_object(interface.config, change)
            ),
            services=tuple(replace(service, config=_changed_object(service.config, change)) for service in self.services),
            components=components,
            environ={name: change(value) for name, value in self.environ.items()},
            files=tuple(replace(file, content=change(file.content)) for file in self.files),
        )


def read_document(path: Path) -> EnsembleDocument:
    """Read `ensemble.json`.

    Raises
    ------
    DocumentInvalid
        When it is missing, isn't JSON, or lacks what an agent needs.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_MOST_BYTES + 1)
    except OSError as problem:
        raise DocumentInvalid(f"{path} can't be read: {problem.strerror}.") from problem
    try:
        return EnsembleDocument.parse(reading.decode(data, most=_MOST_BYTES))
    except Unreadable as problem:
        raise DocumentInvalid(f"{path} can't be used: {problem}.") from problem


def _services(fields: Fields) -> tuple[ServiceSpec, ...]:
    if "services" in fields:
        return fields.get("services", reading.items(ServiceSpec.parse, most=32), ())
    return tuple(ServiceSpec(name=name, title=title, config=config) for name, title, config in previous.services_of(fields))


def _check_names(components: Iterable[ComponentSpec]) -> None:
    """Raise `Unreadable` when a name is taken: each component has a log of its name."""
    seen = {AGENT, INTERFACE}
    for component in components:
        if component.name in seen:
            raise Unreadable(f"{component.name!r} can't be the name of another component")
        seen.add(component.name)


def _check_order(components: tuple[ComponentSpec, ...]) -> None:
    """Raise `Unreadable` when a component waits for itself, for nobody, or for one that waits for it."""
    started: set[str] = set()
    left = list(components)
    while left:
        able = [component for component in left if started.issuperset(component.after)]
        if not able:
            waiting = ", ".join(f"{component.name} (after {', '.join(component.after)})" for component in left)
            raise Unreadable(f"these components wait for each other or for one that isn't there: {waiting}")
        started.update(component.name for component in able)
        left = [component for component in left if component.name not in started]


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


def _kind(value: object) -> Literal["session", "service"]:
    if value == "session":
        return "session"
    if value == "service":
        return "service"
    raise Unreadable("an ensemble is a session or a service")


def _path_inside(value: object) -> str:
    """Read a path that doesn't lead out of the run folder."""
    path = _WORD(value)
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts:
        raise Unreadable(f"{path!r} can't be the path of a file")
    return path


def _folder(value: object) -> Path:
    return Path(_WORD(value))


def _changed_object(value: JsonObject, change: Callable[[str], str]) -> JsonObject:
    return {name: _changed(item, change) for name, item in value.items()}


def _changed(value: Json, change: Callable[[str], str]) -> Json:
    """Return the JSON value with each text in it changed."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [_changed(item, change) for item in value]
    return _changed_object(value, change) if isinstance(value, dict) else value


def _written(path: Path | None) -> str | None:
    return str(path) if path is not None else None
