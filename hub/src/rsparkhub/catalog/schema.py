"""The form of an environment file, made from the interfaces, services and backends that this installation has.

So what a file may say is exactly what exists: its JSON schema, the refusals of a file and the reference page are made from it.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, create_model, model_validator
from pydantic_core import PydanticCustomError

from rspark_contract.ensemble import MOST_BESIDE
from rsparkhub.catalog.yaml_file import Path as KeyPath
from rsparkhub.domain.backend import BackendTraits
from rsparkhub.domain.environment import (
    Access,
    Environment,
    EnvironmentSpec,
    Home,
    InterfaceChoice,
    Kernel,
    Lifecycle,
    Metadata,
    Name,
    Options,
    Resources,
    ServiceChoice,
    ServiceOptions,
    SessionRequirements,
)
from rsparkhub.domain.requirements import Requirements
from rsparkhub.domain.start_options import OptionKey, StartOption, set_twice
from rsparkhub.interfaces.base import AnyInterface
from rsparkhub.services.base import AnyService

#: What pydantic's errors of ours are called.
NOT_IN_THIS_VERSION, ONE_INTERFACE = "not_in_this_version", "one_interface"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True, kw_only=True)
class BackendBlock:
    """What an environment may say to one backend: a key of its `spec`."""

    options: type[Options]
    description: str


@dataclass(frozen=True)
class Refusal:
    """What the form allows and this installation can't do: the key, and what is wrong with it."""

    key: KeyPath
    sentence: str


class Schema:
    """The form of an environment file.

    Parameters
    ----------
    interfaces, services
        Those that there are.
    blocks
        What a file may say to single backends, by their names.
    backend
        The backend of the installation; None where the file is checked for any.
    is_installed
        Whether what an interface, a service or an environment needs, and a command of its own installs, is installed where
        sessions run.
    """

    def __init__(
        self,
        *,
        interfaces: Mapping[str, AnyInterface],
        services: Mapping[str, AnyService],
        blocks: Mapping[str, BackendBlock],
        backend: BackendTraits | None = None,
        is_installed: Callable[[Requirements], bool] = lambda _: True,
    ) -> None:
        self._interfaces = interfaces
        self._services = services
        self._blocks = blocks
        self._backend = backend
        self._is_installed = is_installed
        self.model = _model(
            "Environment",
            {
                "apiVersion": (Literal["rsparkhub/v1"], Field(description="The version of this form.")),
                "kind": (Literal["Environment"], Field(description="What the file describes.")),
                "metadata": (Metadata, Field(description="How it is called.")),
                "spec": (self._spec(), Field(description="What it is.")),
            },
        )

    @property
    def interface_forms(self) -> Mapping[str, str]:
        """Return how each interface is asked for in YAML, by its name."""
        return {name: _form(interface) for name, interface in self._interfaces.items()}

    def json_schema(self) -> dict[str, Any]:
        """Return the JSON schema of a file."""
        schema: dict[str, Any] = self.model.model_json_schema()
        names = [name for name, interface in self._interfaces.items() if not _required(interface)]
        fields = schema["$defs"]["Spec"]["properties"]
        interface, described = dict(fields["interface"]), {}
        if "description" in interface:
            described = {"description": interface.pop("description")}
        either = {"anyOf": [{"enum": names, "type": "string"}, interface]}
        fields["interface"] = {**either, **described}
        fields["beside"]["additionalProperties"] = either
        return schema

    def parse(self, data: object) -> Environment:
        """Return the environment that the data of a file describe, its services in their order.

        Raises
        ------
        pydantic.ValidationError
            When it is not of this form.
        """
        # By way of JSON, since pydantic's strict mode then takes a list for a tuple, and still no text for a number.
        read: Any = self.model.model_validate_json(json.dumps(self._with_options(data)), strict=True)
        spec = read.spec
        asked: Any = data
        order = [name for name in asked["spec"].get("services", {}) if getattr(spec.services, name) is not None]
        return Environment(
            metadata=read.metadata,
            spec=EnvironmentSpec(
                interface=self._interface_choice(spec.interface, read.metadata.title),
                beside={name: self._beside_choice(name, block) for name, block in spec.beside.items()},
                image=spec.image,
                kernels=spec.kernels,
                resources=spec.resources,
                services={name: self._service_choice(name, getattr(spec.services, name)) for name in order},
                home=spec.home,
                lifecycle=spec.lifecycle,
                access=spec.access,
                backends={name: block for name in self._blocks if (block := getattr(spec, name)) is not None},
                template=spec.template,
                options=spec.options,
                requires=spec.requires,
            ),
        )

    def refusals(self, environment: Environment) -> Iterator[Refusal]:
        """Yield what is wrong with it here: a service without those it needs, an option that its backend is not up to.

        The second is no fault of an environment that is optional.
        """
        for option, what, other in set_twice(environment.spec.options):
            yield Refusal(("spec", "options", option), f"sets {what}, which {other} sets too; let one of them do it")
        opened = [environment.spec.interface.name]
        for called, beside in environment.spec.beside.items():
            if self._interfaces[beside.name].once and beside.name in opened:
                yield Refusal(("spec", "beside", called), f"is one more {beside.name}, of which a session can have only one")
            opened.append(beside.name)
        asked = environment.spec.services
        for name, choice in asked.items():
            service, key = self._services[name], ("spec", "services", name)
            missing = [other for other in service.needs if other not in asked]
            if missing:
                yield Refusal(key, f"needs {', '.join(missing)}; add {'it' if len(missing) == 1 else 'them'} to spec.services")
            if self._backend is not None and not environment.metadata.optional:
                for option in self._beyond(choice, self._backend):
                    yield Refusal((*key, option), self._no_capability(choice.options, option, self._backend.name))

    def unavailable(self, environment: Environment) -> str | None:
        """Return in a sentence or two why this installation can't start it: what is not possible here, or not installed."""
        asked = environment.spec.services.values()
        if self._backend is not None:
            beyond = [choice.title for choice in asked if any(self._beyond(choice, self._backend))]
            if beyond:
                return f"{_and(beyond)} can't be had on the backend {self._backend.name}. Choose another environment."
        needs = self._requirements(environment)
        own, title = environment.spec.requires, environment.metadata.title
        if own is not None and self._backend is not None and self._backend.one_image:
            return f"{title} needs an image of its own, and all sessions here run in one. Ask your administrator."
        if own is not None:
            needs[title] = own.of_sessions()
        absent = {title: requirements for title, requirements in needs.items() if not self._is_installed(requirements)}
        if not absent:
            return None
        commands = dict.fromkeys(f"`{requirements.installed_by}`" for requirements in absent.values())
        are = "is" if len(absent) == 1 else "are"
        return (
            f"{_and(list(absent))} {are} not installed here. "
            f"Run {_and(list(commands))} where RSparkHub is installed, then start RSparkHub again."
        )

    def _requirements(self, environment: Environment) -> dict[str, Requirements]:
        """Return what its interfaces and services need, by their titles."""
        opened = [environment.spec.interface, *environment.spec.beside.values()]
        found = {self._interfaces[each.name].title or each.title: self._interfaces[each.name].requires for each in opened}
        return found | {each.title: self._services[each.name].requires for each in environment.spec.services.values()}

    def _beyond(self, choice: ServiceChoice, backend: BackendTraits) -> list[str]:
        """Return the options of a service that a backend is not up to."""
        needed = self._services[choice.name].capabilities(choice.options)
        return [option for option, capability in needed.items() if capability not in backend.capabilities]

    @staticmethod
    def _no_capability(options: Options, option: str, backend: str) -> str:
        value = getattr(options, option)
        others = [str(other) for other in get_args(type(options).model_fields[option].annotation) if other != value]
        choose = f"; choose {' or '.join(others)}" if others else ""
        return f"{value} is not possible on the backend {backend}{choose}"

    def _beside_choice(self, called: str, block: BaseModel) -> InterfaceChoice:
        """Return an interface beside the first; one that is not called as its kind is has its own name as its title."""
        choice = self._interface_choice(block, called)
        return choice if called == choice.name else replace(choice, title=called, mark=called[:2])

    def _interface_choice(self, block: BaseModel, else_title: str) -> InterfaceChoice:
        (name,) = block.model_fields_set
        title = self._interfaces[name].title or else_title
        return InterfaceChoice(
            name=name,
            title=title,
            mark=self._interfaces[name].mark or title[:2],
            options=getattr(block, name),
            viewable=self._interfaces[name].viewable,
            for_visitors=self._interfaces[name].for_visitors,
        )

    def _service_choice(self, name: str, options: ServiceOptions) -> ServiceChoice:
        service = self._services[name]
        return ServiceChoice(
            name=name,
            title=service.title,
            mark=service.mark or service.title[:2],
            options=options,
            is_component=options.scope == "shared" or bool(service.session_components(options)),
        )

    def _spec(self) -> type[BaseModel]:
        services = _model(
            "Services",
            {
                name: (_with_scope(service) | None, Field(default=None, description=service.description))
                for name, service in self._services.items()
            },
        )
        interface = self._interface()
        fields: dict[str, Any] = {
            "interface": (interface, Field(description="What the browser opens.")),
            "beside": (
                dict[Name, interface],  # type: ignore[valid-type]  # it is made at run time
                Field(
                    default={},
                    max_length=MOST_BESIDE,
                    description="What else it can open of the same session, by a name of your choice: `shell: terminal`.",
                ),
            ),
            "image": (
                str,
                Field(default="", max_length=300, description="The image, where sessions run in images."),
            ),
            "kernels": (tuple[Kernel, ...], Field(default=("r", "python", "bash"), description="Languages on offer.")),
            "resources": (Resources, Field(default=Resources(), description="What one session may use.")),
            "services": (services, Field(default=services(), description="The data systems at hand.")),
            "home": (Home, Field(default=Home(), description="The person's files.")),
            "lifecycle": (Lifecycle, Field(default=Lifecycle(), description="When it sleeps and when it ends.")),
            "warm": (
                _NoneWarm,
                Field(default=0, description="How many wait, started, for the next person: 0 in this version."),
            ),
            "access": (Access, Field(default=Access(), description="Who may start it.")),
            "template": (
                Name | None,
                Field(default=None, description="A project that a home gets once, as a folder of this name: `tutorial`."),
            ),
            "requires": (
                SessionRequirements | None,
                Field(default=None, description="What it needs where its sessions run, beside its interface and services."),
            ),
        }
        fields["options"] = (
            dict[OptionKey, StartOption],
            Field(default={}, max_length=20, description="What a person may choose at a start, by name."),
        )
        for name, block in self._blocks.items():
            fields[name] = (block.options | None, Field(default=None, description=block.description))
        return _model("Spec", fields)

    def _interface(self) -> type[BaseModel]:
        """Make the form of `spec.interface`: a mapping of one name and its options."""

        def only_one(block: Any) -> Any:
            if len(block.model_fields_set) != 1:
                raise PydanticCustomError(ONE_INTERFACE, "one interface is opened")
            return block

        return _model(
            "Interface",
            {
                name: (interface.Options, Field(default=None, description=interface.description))
                for name, interface in self._interfaces.items()
            },
            validators={"only_one": model_validator(mode="after")(only_one)},
        )

    def _with_options(self, data: Any) -> Any:
        """Return the data with each interface that is named alone written as a mapping."""
        if not isinstance(data, dict) or not isinstance(spec := data.get("spec"), dict):
            return data
        written = dict(spec)
        if "interface" in spec:
            written["interface"] = self._as_mapping(spec["interface"])
        if isinstance(beside := spec.get("beside"), dict):
            written["beside"] = {name: self._as_mapping(block) for name, block in beside.items()}
        return {**data, "spec": written}

    def _as_mapping(self, block: Any) -> Any:
        interface = self._interfaces.get(block) if isinstance(block, str) else None
        return block if interface is None or _required(interface) else {block: {}}


def _model(
    name: str, fields: Mapping[str, Any], *, base: type[BaseModel] = _Strict, validators: dict[str, Any] | None = None
) -> type[BaseModel]:
    """Make a model; each field is its type and its `Field`."""
    made: type[BaseModel] = create_model(name, __base__=base, __validators__=validators, **dict(fields))
    return made


def _no_warm(value: object) -> object:
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        raise PydanticCustomError(NOT_IN_THIS_VERSION, "is not in this version; leave it out")
    return value


_NoneWarm = Annotated[int, BeforeValidator(_no_warm), Field(ge=0)]


def _and(words: list[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def _with_scope(service: AnyService) -> type[BaseModel]:
    """Make the options of a service with the scopes that it has."""
    scopes = tuple(service.scopes)
    meaning = "; ".join(f"`{scope}`: {text}" for scope, text in service.scopes.items())
    scope = (Literal[scopes], Field(default=scopes[0], description=f"{meaning[0].upper()}{meaning[1:]}."))
    return _model(f"{type(service).__name__}Options", {"scope": scope}, base=service.Options)


def _required(interface: AnyInterface) -> list[str]:
    return [name for name, field in interface.Options.model_fields.items() if field.is_required()]


def _form(interface: AnyInterface) -> str:
    """Return how an interface is written in YAML: its name, and an example of the options that it can't do without."""
    required = _required(interface)
    if not required:
        return interface.name
    fields = interface.Options.model_fields
    shown = (f"{name}: {'[…]' if get_origin(fields[name].annotation) is tuple else '…'}" for name in required)
    return f"{{{interface.name}: {{{', '.join(shown)}}}}}"
