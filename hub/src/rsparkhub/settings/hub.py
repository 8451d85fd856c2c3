"""Every setting of RSparkHub, in one typed place; the reference page is made from it."""

import hashlib
import os
import re
import sys
import tempfile
from collections.abc import Mapping
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal, TypeVar

import yaml
from pydantic import AnyHttpUrl, BaseModel, ConfigDict, Field, ValidationError, create_model, field_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    YamlConfigSettingsSource,
)

from rsparkhub.domain.coursework import Room
from rsparkhub.domain.errors import InstallationProblem
from rsparkhub.domain.quantity import ByteSize, Duration
from rsparkhub.settings.sign_in import SignInSettings

B = TypeVar("B", bound=BaseModel)

_HOST_NAME = re.compile(r"(?:\[[0-9a-f:.]+\]|[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?)(?::(?:[0-9]{1,5}|\*))?")
_SOURCE = re.compile(r"https?://[A-Za-z0-9.-]+(?::[0-9]{1,5})?(?:/[A-Za-z0-9._~/-]*)?")
_LONGEST = 70  # of a folder of sockets: a socket's path has 107 bytes, and listeners have names of their own


def checkout() -> Path | None:
    """The checkout that this package runs from, when it does: there lie its session Python, its R library, its catalog."""
    top = Path(__file__).resolve().parents[4]
    return top if (top / "session" / "pyproject.toml").is_file() else None


def default_data() -> Path:
    """Where an installation keeps its data unless told otherwise: the system's place for root, else the person's."""
    if os.geteuid() == 0:
        return Path("/var/lib/rsparkhub")
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share") / "rsparkhub"


class ServicesSettings(BaseModel):
    """What the installation says to single services: a block for each, under its name."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Settings(BaseSettings):
    """Settings come, in this order, from the command line, `RSPARKHUB_…` variables, and `settings.yaml` in the data folder.

    Those of a backend are a group under its name, and those of a service one in `services`, see `with_groups`.
    """

    model_config = SettingsConfigDict(env_prefix="RSPARKHUB_", env_nested_delimiter="__", extra="forbid", frozen=True)

    data: Path = Field(default_factory=default_data, description="The folder that holds everything this installation keeps.")
    host: str = Field(default="127.0.0.1", description="The address that the edge listens on.")
    port: int = Field(default=8000, ge=0, le=65535, description="The port that the edge listens on.")
    public_url: AnyHttpUrl | None = Field(
        default=None, description="How people reach this hub, when it is not http://localhost:PORT."
    )
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = Field(
        default=(),
        description="Networks of proxies in front of the edge (Ingress, load balancer): what they say in `X-Forwarded-For` is "
        "believed, so that wrong passwords count for the address they really come from.",
    )
    host_names: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="More names by which the edge and the hub are reached, as a list or with commas between them: `NAME`, "
        "`NAME:PORT`. That of public_url, localhost, and this machine's own are known; a request for any other name gets 421.",
    )
    link_sources: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="Git addresses from which links may bring files into sessions, each with all that is below it, as a list or "
        "with commas between them, such as `https://github.com/our-course`; any https or http address by default.",
    )
    instructors_add: Literal["nobody", "new", "anybody"] = Field(
        default="new",
        description="Whom instructors may put into their own group: `new` people, whose accounts and one-time sign-in links they "
        "make, and nobody who is here already; `anybody` but administrators, whose sessions they then see as those of the others "
        "in the group; or `nobody`. With `new` they can take any name that nobody has yet.",
    )
    instructors_add_up_to: int = Field(
        default=500, ge=1, description="People in a group up to which its instructors may add more; administrators may add any."
    )
    course_file_size: ByteSize = Field(
        default=ByteSize(20 * 2**20), description="How large one file of a course folder, and one that is handed in, may be."
    )
    hand_in_room: ByteSize = Field(
        default=ByteSize(100 * 2**20), description="How much one student may have handed in, in one course."
    )
    hand_ins_per_student: int = Field(default=50, ge=1, description="How many times one student may hand in, in one course.")
    course_data_room: ByteSize = Field(
        default=ByteSize(200 * 2**20),
        description="How much data a course folder may have; each session of its people has a copy.",
    )
    course_files_room: ByteSize = Field(
        default=ByteSize(2**30),
        description="How much the files of all course folders together may take in the hub's database: data, hand-ins and what "
        "was given back, also of groups that were removed and are kept.",
    )
    backend: str = Field(default="process", description="Where sessions run: the name of a backend.")
    store_url: str | None = Field(
        default=None,
        description="The database: `sqlite:///PATH` or `postgresql://…`; SQLite in the data folder by default.",
    )
    session_origin: Literal["auto", "path", "subdomain"] = Field(
        default="auto",
        description="`subdomain` gives each session an origin of its own (ID.HOST), `path` serves it under the hub's. "
        "`auto` takes subdomains where they work without DNS: on localhost.",
    )
    most_running: int = Field(default=50, ge=1, description="Sessions that may run at once; more wait in the queue.")
    most_starting: int | None = Field(
        default=None,
        ge=1,
        description="Sessions that may start at once; more wait in the queue. By default 4 on this machine, which does the work "
        "itself, and 100 on a cluster.",
    )
    most_sessions_per_person: int = Field(default=10, ge=1, description="Sessions a person may have, asleep or awake.")
    longest_extension: Duration = Field(
        default=timedelta(hours=12),
        description="How far ahead of now people may put off the sleep of an idle session; 0s: not at all. The longest run of "
        "its environment bounds it too.",
    )
    lease: Duration = Field(default=timedelta(seconds=15), description="How long a controller may work unseen.")
    look_every: Duration = Field(
        default=timedelta(seconds=10), description="How often a running session is looked at without a reason."
    )
    sweep_every: Duration = Field(
        default=timedelta(minutes=2), description="How often what runs is compared with what is wanted, as a whole."
    )
    events_kept: Duration = Field(
        default=timedelta(days=400),
        ge=timedelta(days=1),
        description="How long events that the hub wrote by itself are kept; what a user did stays, and so does what was used.",
    )
    start_deadline: Duration = Field(
        default=timedelta(minutes=5), description="A session that is not ready after this time has failed."
    )
    session_python: Path | None = Field(
        default=None,
        description="The Python that runs inside sessions (process backend); `.venv-session` of a checkout by default.",
    )
    session_r_libs: str = Field(
        default="",
        description="R libraries that sessions see first, as in R_LIBS (process backend); `.r-library` of a checkout by default.",
    )
    environments: Annotated[tuple[Path, ...], NoDecode] = Field(
        default=(),
        description="Folders of environment files, as a list or with `:` between them; the project's own by default.",
    )
    login_lifetime: Duration = Field(default=timedelta(days=14), description="How long a browser stays signed in.")
    link_lifetime: Duration = Field(default=timedelta(hours=24), description="How long a one-time sign-in link works.")
    token_lifetime: Duration = Field(default=timedelta(days=365), description="How long an API token works, unless it says less.")
    login_attempts: int = Field(
        default=5,
        ge=1,
        description="Wrong passwords for a name from one address that cost no time; forty times as many for all names from it.",
    )
    login_pause: Duration = Field(
        default=timedelta(minutes=1),
        description="The longest wait after wrong passwords from one address: it is a second at first, and doubles.",
    )
    answer_lifetime: Duration = Field(
        default=timedelta(seconds=1),
        description="How long the answer to a forward-auth request may be repeated; at most 1s.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(default="info", description="How much the logs say.")
    log_format: Literal["text", "json"] = Field(
        default="text", description="How the logs say it: lines for people, or JSON for programs that collect logs."
    )

    services: ServicesSettings = Field(
        default=ServicesSettings(), description="What the installation says to single services, by their names."
    )

    sign_in: SignInSettings = Field(
        default=SignInSettings(), description="What the installation says to ways to sign in, by their names."
    )

    @field_validator("environments", mode="before")
    @classmethod
    def _split_folders(cls, value: object) -> object:
        return tuple(filter(None, value.split(os.pathsep))) if isinstance(value, str) else value

    @field_validator("host_names", "link_sources", mode="before")
    @classmethod
    def _split_names(cls, value: object) -> object:
        return tuple(filter(None, re.split(r"[\s,]+", value))) if isinstance(value, str) else value

    @field_validator("host_names")
    @classmethod
    def _check_names(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        names = tuple(name.lower() for name in value)
        for name in names:
            if not _HOST_NAME.fullmatch(name):
                raise ValueError(f"{name} is not a host's name; write NAME or NAME:PORT")
        return names

    @field_validator("link_sources")
    @classmethod
    def _check_sources(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for address in value:
            if not _SOURCE.fullmatch(address):
                raise ValueError(f"{address} is no address of Git repositories; write https://HOST or https://HOST/FOLDER")
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read `settings.yaml` of the data folder that the command line or the environment names."""
        named = init_settings().get("data") or os.environ.get("RSPARKHUB_DATA") or default_data()
        file = YamlConfigSettingsSource(settings_cls, yaml_file=Path(str(named)) / "settings.yaml")
        return init_settings, env_settings, file

    def of_backend(self, name: str, model: type[B]) -> B:
        """Return the settings of a backend: its group where these settings were read with it, else the defaults."""
        found = getattr(self, name, None)
        return found if isinstance(found, model) else model()

    def of_service(self, name: str, model: type[B]) -> B:
        """Return the settings of a service: its block where these settings were read with it, else the defaults."""
        found = getattr(self.services, name, None)
        return found if isinstance(found, model) else model()

    @property
    def store(self) -> str:
        return self.store_url or f"sqlite:///{self.data.absolute()}/rsparkhub.sqlite"

    @property
    def course_room(self) -> Room:
        """How much a course keeps."""
        return Room(
            file=self.course_file_size,
            of_person=self.hand_in_room,
            hand_ins=self.hand_ins_per_student,
            data=self.course_data_room,
            all=self.course_files_room,
        )

    @property
    def starting_slots(self) -> int:
        """How many sessions may start at once."""
        return self.most_starting or (4 if self.backend == "process" else 100)

    @property
    def url(self) -> str:
        """The address that people open, without a slash at its end."""
        return str(self.public_url).rstrip("/") if self.public_url else f"http://localhost:{self.port}"

    @property
    def log_dir(self) -> Path:
        return self.data.absolute() / "log"

    @property
    def socket_dir(self) -> Path:
        """Where Unix sockets lie: in the data folder, or in a short folder when its path is too long for a socket's."""
        inside = self.data.absolute() / "run"
        if len(str(inside)) <= _LONGEST:
            return inside
        digest = hashlib.sha256(str(inside).encode()).hexdigest()[:16]
        # Root's not where everybody may take the name before.
        short = "/run" if os.geteuid() == 0 else os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()
        return Path(short) / f"rsparkhub-{os.getuid()}-{digest}"

    @property
    def notify_dir(self) -> Path:
        """Where agents find whom to notify: beside the folder of sockets, since they may be other accounts."""
        inside = self.data.absolute() / "notify"
        return inside if len(str(inside)) <= _LONGEST else self.socket_dir.with_name(f"{self.socket_dir.name}-notify")

    @property
    def session_domain(self) -> str | None:
        """The name under which each session has a host of its own (ID.NAME); None when it lives under the hub's."""
        if self.session_origin == "path":
            return None
        if self.session_origin == "subdomain" and self.public_url is not None and self.public_url.host:
            return self.public_url.host.lower()
        return "localhost"  # browsers take every name under it for this machine, without DNS

    @property
    def python_of_sessions(self) -> Path:
        """The Python of sessions: as set, else the checkout's, else the hub's own."""
        top = checkout()
        return self.session_python or (top / ".venv-session/bin/python" if top else Path(sys.executable))

    @property
    def r_libs_of_sessions(self) -> str:
        """The R libraries of sessions: as set, else the checkout's."""
        top = checkout()
        return self.session_r_libs or (str(top / ".r-library") if top else "")

    @property
    def environment_folders(self) -> tuple[Path, ...]:
        """The folders of the catalog: as set, else the checkout's, else those that were installed with the package."""
        top = checkout()
        return self.environments or ((top or Path(sys.prefix) / "share/rsparkhub") / "environments",)


def with_groups(
    *, backends: Mapping[str, type[BaseModel] | None], services: Mapping[str, type[BaseModel]] = MappingProxyType({})
) -> type[Settings]:
    """Return the form of all settings: the hub's, a group for each backend and service, and the backends' names as choices.

    Parameters
    ----------
    backends, services
        The settings of each that there is, by its name; None for a backend that has none.
    """

    def known(name: str) -> str:
        if name not in backends:
            raise ValueError(f"{name} is not in this version; choose one of {', '.join(backends)}")
        return name

    of_services: type[ServicesSettings] = create_model("ServicesSettings", __base__=ServicesSettings, **_groups(services))
    groups = _groups(backends) | {"services": (of_services, Field(default=of_services(), description="By their names."))}
    validators: dict[str, Any] = {"known": field_validator("backend")(known)}
    made: type[Settings] = create_model("Settings", __base__=Settings, __validators__=validators, **groups)
    return made


def _groups(models: Mapping[str, type[BaseModel] | None]) -> dict[str, Any]:
    """Return a field for each group of settings."""
    return {
        name: (model, Field(default=model(), description=(model.__doc__ or "").partition("\n")[0]))
        for name, model in models.items()
        if model is not None
    }


def read_settings(model: type[Settings], **given: object) -> Settings:
    """Return the settings of this form; `given` comes from the command line, and None means not given.

    Raises
    ------
    InstallationProblem
        When a setting cannot be understood; the sentence names it and where it came from.
    """
    said = {name: value for name, value in given.items() if value is not None}
    try:
        return model(**said)  # type: ignore[arg-type]  # pydantic checks the types
    except ValidationError as error:
        lines = "; ".join(_explain(problem["loc"], problem["type"], problem["msg"], said) for problem in error.errors())
        raise InstallationProblem(f"{lines}. docs/reference/settings.md tells all of them.") from None
    except (yaml.YAMLError, SettingsError, OSError, ValueError, TypeError) as error:  # what a file that is no mapping gives
        reason = " ".join(str(error).split())
        file = Path(str(said.get("data") or os.environ.get("RSPARKHUB_DATA") or default_data())) / "settings.yaml"
        raise InstallationProblem(
            f"{file} is not a file of settings (`name: value` lines): {reason}. Correct or remove it."
        ) from None


def _explain(where: tuple[int | str, ...], kind: str, message: str, said: dict[str, object]) -> str:
    name = ".".join(map(str, where))
    if kind == "extra_forbidden":
        return f"There is no setting {name}: remove it from settings.yaml"
    variable = f"RSPARKHUB_{str(where[0]).upper()}" if where else ""
    source = "as given" if where and where[0] in said else f"in {variable}" if variable in os.environ else "in settings.yaml"
    return f"The setting {name} ({source}) is wrong: {message.removeprefix('Value error, ')}"
