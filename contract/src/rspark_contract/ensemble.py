"""`ensemble.json`: what a backend asks an agent to run, one generation of one session or of one shared service.

A backend writes it (`EnsembleDocument.to_json`), the agent reads it (`read_document`) and puts values in the place of what
stands for them (`EnsembleDocument.filled`):

- `{run}`, `{home}`, `{keep}` and `{data}`: the folders of `Places`;
- `{python}`: the Python of the session; `{host}`: the address to listen on;
- `{port:NAME}`: a free port, the same wherever the name stands.

They stand in commands, in the environment, in conditions of being ready, in the paths of first starts, in files, and in the
configuration of the interface and of services. Any other text in braces is left as it is.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from rspark_contract import VERSION, previous, reading
from rspark_contract.reading import Fields, Json, JsonObject, Unreadable
from rspark_contract.specs import ComponentSpec, InterfaceSpec, Places, SecretFile, ServiceSpec

#: The names that the agent itself has among components and logs.
AGENT, INTERFACE = "agent", "interface"

_MOST_BYTES = 2**22
_WORD = reading.verbatim(2**16)
_WORDS = reading.items(_WORD, most=4096)
_ENVIRON = reading.mapping(_WORD, most=256)
_SECONDS = reading.number(0, 1e8)
_BYTES = reading.integer(0, 2**62)
#: As many as have room in a session; each has a folder of sockets, whose name is a digit.
MOST_BESIDE = 9
_BELOW = "interfaces"
_PLACEHOLDER = re.compile(r"\{(run|home|keep|data|python|host|port:[a-z][a-z0-9_-]{0,63})\}")


class DocumentInvalid(Exception):
    """`ensemble.json` can't be used. The message says what is wrong with it."""


@dataclass(frozen=True, kw_only=True)
class EnsembleDocument:
    """One generation of one ensemble, all of it decided.

    `memory` and `home_size` are in bytes, `cpu` in cores, `grace` in seconds. With `resume` the agent brings back what the last
    sleep kept. `beside` has the interfaces that are opened beside `interface`, by their names (`path_beside`): each is started
    when somebody first visits it. `image` is that of the container it runs in, empty outside of one. `forget` names deleted
    sessions of the same home, of which the agent throws away what they kept. `template` names a project that a home gets once,
    where the session has one of that name.
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
    beside: Mapping[str, InterfaceSpec] = field(default_factory=dict)
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
    template: str | None = None

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
            "beside": {name: interface.to_json() for name, interface in self.beside.items()},
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
            "template": self.template,
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
            beside=fields.get("beside", _beside, {}),
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
            template=fields.get("template", reading.name, None),
        )
        _check_names(document.components, document.beside)
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
                first_start=component.first_start and replace(component.first_start, path=change(component.first_start.path)),
            )
            for component in self.components
        )
        return replace(
            self,
            interface=self.interface and _changed_interface(self.interface, change),
            beside={name: _changed_interface(interface, change) for name, interface in self.beside.items()},
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


def component_beside(name: str) -> str:
    """Return the name that an interface beside the first has among components and logs."""
    return f"{INTERFACE}-{name}"


def is_beside(component: str) -> bool:
    """Return whether a component of that name is an interface beside the first."""
    return component.startswith(f"{INTERFACE}-")


def path_beside(base_path: str, name: str) -> str:
    """Return the path of an interface beside the first, which is that of the session: `/s/ID/interfaces/NAME/`."""
    return f"{base_path}{_BELOW}/{name}/"


def name_beside(inside: str) -> str | None:
    """Return the name of the interface that a path leads to, where it leads to one beside the first.

    Parameters
    ----------
    inside
        The path without that of the session, beginning with a slash.
    """
    _, below, name, *_ = (*inside.split("/", 3), "", "")
    return name if below == _BELOW else None


def _beside(value: object) -> dict[str, InterfaceSpec]:
    found = reading.mapping(InterfaceSpec.parse, most=MOST_BESIDE)(value)
    for name in found:
        reading.name(name)
    return found


def _check_names(components: Iterable[ComponentSpec], beside: Iterable[str]) -> None:
    """Raise `Unreadable` when a name is taken: each component has a log of its name."""
    seen = {AGENT, INTERFACE, *map(component_beside, beside)}
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


def _kind(value: object) -> Literal["session", "service"]:
    if value == "session":
        return "session"
    if value == "service":
        return "service"
    raise Unreadable("an ensemble is a session or a service")


def _changed_interface(interface: InterfaceSpec, change: Callable[[str], str]) -> InterfaceSpec:
    return replace(interface, command=tuple(map(change, interface.command)), config=_changed_object(interface.config, change))


def _changed_object(value: JsonObject, change: Callable[[str], str]) -> JsonObject:
    return {name: _changed(item, change) for name, item in value.items()}


def _changed(value: Json, change: Callable[[str], str]) -> Json:
    """Return the JSON value with each text in it changed."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [_changed(item, change) for item in value]
    return _changed_object(value, change) if isinstance(value, dict) else value
