"""From a row and an environment to what a backend runs."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import ClassVar

import pytest

from rspark_contract.reading import JsonObject
from rspark_contract.specs import ComponentSpec, InterfaceSpec, SecretFile, ServiceSpec
from rsparkhub.builder import Builder, Grant
from rsparkhub.catalog import Schema
from rsparkhub.domain.ensemble import EnsembleSpec
from rsparkhub.domain.environment import Environment, Resources, Scope, ServiceOptions
from rsparkhub.domain.quantity import ByteSize
from rsparkhub.domain.session import Session, State, Wanted
from rsparkhub.installed.extensions import interfaces, services
from rsparkhub.installed.schema import environment_schema
from rsparkhub.services.base import Account, Credential, Service, SessionConfig
from rsparkhub.services.postgres import PostgresSettings
from rsparkhub.settings import Settings

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
ROW = Session(
    id="aaaa", owner="ada", name="mine", environment="rspark", wanted=Wanted.RUNNING, state=State.STARTING, generation=2,
    secret="hush", created=NOON, queued_at=NOON,
)  # fmt: skip


def environment(**spec: object) -> Environment:
    return environment_schema().parse(
        {
            "apiVersion": "rsparkhub/v1",
            "kind": "Environment",
            "metadata": {"name": "rspark", "title": "RSpark"},
            "spec": {"interface": "jupyterlab", **spec},
        }
    )


BUILDER = Builder(interfaces=interfaces(), services=services(), settings=Settings(data=Path("/data"), port=8123))
ACCOUNT = Account(user="ada", password="", credential=Credential(session="aaaa", generation=2, secret="pw"))
GRANT = Grant(endpoint={"host": "127.0.0.1", "port": 5432}, account=ACCOUNT)


def built(row: Session = ROW, grants: dict[str, Grant] | None = None, **spec: object) -> EnsembleSpec:
    return BUILDER.session(row, environment(**spec), grants=grants or {}, token="token")


def test_an_ensemble_is_what_row_environment_and_accounts_say() -> None:
    spec = built(
        grants={"postgres": GRANT},
        kernels=["r"],
        resources={"cpu": 2, "memory": "4Gi"},
        services={"spark": {"mode": "local", "memory": "1Gi"}, "postgres": {}},
        lifecycle={"grace": "30s"},
    )
    assert (spec.id, spec.generation, spec.user, spec.secret, spec.token) == ("aaaa", 2, "ada", "hush", "token")
    assert (spec.base_path, spec.hub_url) == ("/s/aaaa/", "http://localhost:8123")
    assert spec.interface == InterfaceSpec(kind="jupyterlab", title="JupyterLab", kernels=("r",))
    config = {"mode": "local", "memory": 2**30, "cores": 2}
    assert spec.services == (
        ServiceSpec(name="spark", title="Spark", config=config),
        ServiceSpec(name="postgres", title="PostgreSQL"),
    )
    assert spec.environ["PGUSER"] == "ada~aaaa.2"
    assert spec.files == (SecretFile(path="pgpass", content="127.0.0.1:5432:*:ada~aaaa.2:pw\nlocalhost:5432:*:ada~aaaa.2:pw\n"),)
    assert spec.uses == ("postgres",)
    assert (spec.cpu, spec.memory, spec.grace) == (2, 4 * 2**30, timedelta(seconds=30))


class Scratch(Service[ServiceOptions]):
    name, title, description = "scratch", "Scratch", "For tests."
    scopes: ClassVar[Mapping[Scope, str]] = {"session": "the session's own"}

    def session_components(self, options: ServiceOptions) -> tuple[ComponentSpec, ...]:
        return (ComponentSpec(name="scratch", title="Scratch", command=("scratch", "{port:scratch}")),)

    def session_config(
        self, options: ServiceOptions, *, resources: Resources, endpoint: JsonObject | None = None, account: Account | None = None
    ) -> SessionConfig:
        assert (endpoint, account) == (None, None)
        return SessionConfig(environ={"SCRATCH": "127.0.0.1:{port:scratch}"}, config={"size": int(resources.memory)})


def test_a_service_of_the_sessions_own_runs_in_it_and_is_no_shared_one() -> None:
    known = {"scratch": Scratch()}
    builder = Builder(interfaces=interfaces(), services=known, settings=Settings(data=Path("/data")))
    data = {
        "apiVersion": "rsparkhub/v1", "kind": "Environment", "metadata": {"name": "lab", "title": "Lab"},
        "spec": {"interface": "terminal", "services": {"scratch": {}}},
    }  # fmt: skip
    found = Schema(interfaces=interfaces(), services=known, blocks={}).parse(data)
    spec = builder.session(ROW, found, grants={}, token=None)
    assert [component.name for component in spec.components] == ["scratch"]
    assert (spec.environ, spec.uses) == ({"SCRATCH": "127.0.0.1:{port:scratch}"}, ())
    assert spec.services == (ServiceSpec(name="scratch", title="Scratch", config={"size": 2**31}),)


def test_only_what_resumes_brings_back_what_slept() -> None:
    assert not built().resume
    assert built(replace(ROW, state=State.RESUMING)).resume


def test_an_interface_of_ones_own_has_its_command_and_the_environments_title() -> None:
    spec = built(interface={"web": {"command": ["shiny", "{port}"], "port": 8080}})
    assert spec.interface == InterfaceSpec(
        kind="web", title="RSpark", kernels=("r", "python", "bash"), command=("shiny", "{port}"), port=8080
    )


def test_a_web_program_may_have_a_health_path_below_the_path_of_its_pages() -> None:
    spec = built(interface={"web": {"command": ["shiny", "{port}"], "health": "{base}healthz"}})
    assert spec.interface is not None
    assert spec.interface.config == {"health": "{base}healthz"}


def test_a_shared_service_is_nobodys_and_has_no_interface() -> None:
    row = replace(ROW, id="postgres", kind="service", owner=None)
    service = services()["postgres"]
    (instance,) = service.instances()
    spec = BUILDER.service(row, service, instance)
    assert (spec.kind, spec.user, spec.interface, spec.token) == ("service", None, None, None)
    assert [part.name for part in spec.components] == ["postgres"]


def test_a_shared_service_may_reach_the_shared_services_that_it_needs_and_no_others() -> None:
    hive, postgres = services()["hive"], services()["postgres"]
    row = replace(ROW, id="hive", kind="service", owner=None)
    assert BUILDER.service(row, hive, hive.instances()[0]).uses == ("hdfs",)
    assert BUILDER.service(row, postgres, postgres.instances()[0]).uses == ()


def test_a_server_of_the_sessions_own_is_one_of_its_components() -> None:
    spec = built(services={"postgres": {"scope": "session"}})
    assert [part.name for part in spec.components] == ["postgres"]
    assert spec.environ["PGPORT"] == "{port:postgres}"
    assert (spec.uses, spec.files) == ((), ())


def test_what_the_installation_says_to_a_service_is_in_what_runs() -> None:
    service = services()["postgres"]
    instances = service.configured(PostgresSettings(volume=ByteSize(2**34), most_connections=50)).instances()
    assert [(each.volume, each.components[0].command[-2:]) for each in instances] == [(2**34, ("--connections", "50"))]
    elsewhere = service.configured(PostgresSettings(url="postgresql://root:p%40ss@db.example.org/all?sslmode=require"))
    assert elsewhere.instances() == ()
    assert elsewhere.external() == {
        "external": True, "host": "db.example.org", "port": 5432, "admin": "root", "admin_password": "p@ss", "database": "all",
        "sslmode": "require",
    }  # fmt: skip


def test_a_generation_that_has_not_begun_cannot_run() -> None:
    with pytest.raises(ValueError, match="has not begun"):
        built(replace(ROW, secret=None))


OFFERED = {
    "size": {
        "title": "Size", "kind": "choice", "default": "small",
        "choices": [{"value": "small"}, {"value": "large", "cpu": 8, "memory": "16Gi"}],
    },
    "trace": {"title": "Trace", "kind": "yes-no", "default": False, "variable": "TRACE"},
}  # fmt: skip


def test_the_options_of_a_session_set_its_size_and_its_variables_at_each_start() -> None:
    chosen = replace(ROW, options={"size": "large", "trace": True})
    for row in (chosen, replace(chosen, state=State.RESUMING, generation=3)):
        spec = built(row, options=OFFERED, resources={"cpu": 2, "memory": "4Gi"}, services={"spark": {"mode": "local"}})
        assert (spec.cpu, str(spec.memory), spec.environ["TRACE"]) == (8, "16Gi", "true")
    spec = built(replace(ROW, options={"size": "huge"}), options=OFFERED, resources={"cpu": 2, "memory": "4Gi"})
    assert (spec.cpu, str(spec.memory), spec.environ["TRACE"]) == (2, "4Gi", "false"), "what is no longer allowed is the default"
