"""The OpenAPI description holds: Schemathesis makes calls from it, right and wrong ones, and finds no answer it doesn't allow."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest
import schemathesis
from hub_in_thread import HubInThread
from hypothesis import HealthCheck, given, settings, strategies
from schemathesis import GenerationMode
from schemathesis.specs.openapi.schemas import OpenApiSchema
from tests.postgres_server import PostgresServer

from rsparkhub.domain.session import State
from rsparkhub.settings import Settings

_EXAMPLE, _ASLEEP = "kq4wz7m2xb", "az2sleep22"


async def fill(hub: HubInThread) -> None:
    for session in (_EXAMPLE, _ASLEEP):
        await hub.store.sessions.create(session, owner="ada", environment="rspark", name="An example", now=hub.controller.now())
    await hub.store.users.add_group("lab", members=["ada"], now=hub.controller.now())
    await hub.controller.run(_ASLEEP)
    await hub.controller.end(_ASLEEP, State.SUSPENDED)
    await hub.store.logs.keep(_ASLEEP, 1, {"interface": "goodbye\n"})


@dataclass(frozen=True)
class Description:
    schema: OpenApiSchema
    headers: dict[str, str]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def description(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, postgres_server: PostgresServer
) -> Iterator[Description]:
    folder = tmp_path_factory.mktemp("schema")
    url = None if request.param == "sqlite" else postgres_server.url(postgres_server.create_database())
    settings = Settings(data=folder, store_url=url, host_names=("127.0.0.1",), token_lifetime=timedelta(days=3650))
    with HubInThread(settings, folder) as served:
        served.run(fill(served))
        loaded = schemathesis.openapi.from_url(f"{served.url}/hub/api/openapi.json")
        loaded = loaded.exclude(path="/hub/api/events")  # which doesn't end; it is tested as a stream
        yield Description(loaded, {"Authorization": f"Bearer {served.token}"})


CALLS = settings(
    max_examples=15, deadline=None, database=None, derandomize=True, print_blob=False,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)  # fmt: skip


def _let_it_end(case: schemathesis.Case) -> None:
    """Listen to the session that stays asleep, and not for longer than it is told to: then it ends by itself."""
    if case.path_parameters.get("id") == _EXAMPLE:
        case.path_parameters["id"] = _ASLEEP
    if str((case.query or {}).get("watch")).lower() in {"true", "1", "on", "yes", "t", "y"}:
        case.query["watch"] = "false"


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["right", "wrong"])
def test_every_answer_is_one_that_the_description_allows(
    description: Description, mode: GenerationMode, subtests: pytest.Subtests
) -> None:
    asked = 0
    for found in description.schema.get_all_operations():
        operation = found.ok()
        if mode is GenerationMode.NEGATIVE and not (operation.body or operation.query or operation.path_parameters):
            continue  # there is nothing to say wrong

        @CALLS
        @given(operation.as_strategy(generation_mode=mode), strategies.booleans())
        def call(case: schemathesis.Case, of_the_example: bool) -> None:
            nonlocal asked
            if of_the_example and mode is GenerationMode.POSITIVE and "/sessions/{id}" in case.path:
                case.path_parameters["id"] = _EXAMPLE
            if case.path.endswith(("/events", "/logs")):
                _let_it_end(case)
            case.call_and_validate(headers=description.headers, timeout=20)
            asked += 1

        with subtests.test(operation=operation.label):
            call()
    assert asked > 100
