"""What the API says of environments and of saved work."""

from world import World

from rspark_contract.saved import LostObject, Restored, RestoredKernel, Saved, SavedKernel
from rsparkhub.api.serializers.components import components_of
from rsparkhub.domain.environment import Environment
from rsparkhub.domain.session import State
from rsparkhub.installed.schema import environment_schema
from rsparkhub.wire.session import RestoredView, SavedView
from rsparkhub.wire.stream import StreamData


def environment(interface: object, **services: object) -> Environment:
    return environment_schema().parse(
        {
            "apiVersion": "rsparkhub/v1", "kind": "Environment", "metadata": {"name": "lab", "title": "The lab"},
            "spec": {"interface": interface, "kernels": ["r"], "services": services},
        }
    )  # fmt: skip


def test_a_web_programs_title_is_that_of_its_environment() -> None:
    interface, *_ = components_of(environment({"web": {"command": ["serve"]}}))
    assert (interface.name, interface.title, interface.mark) == ("web", "The lab", "Th")


def test_what_runs_inside_a_kernel_is_no_part_of_its_own() -> None:
    parts = {each.name: each.part for each in components_of(environment("jupyterlab", spark={}, postgres={}))}
    assert parts == {"jupyterlab": "interface", "r": None, "spark": None, "postgres": "postgres"}


def test_saved_and_restored_work_keep_every_field_of_the_contract() -> None:
    lost = (LostObject(name="con", class_name="PqConnection", why="It is a connection.", failed=True),)
    named = {"id": "k1", "name": "ir", "language": "R", "path": "a.ipynb", "objects": 3, "lost": lost}
    saved = Saved(kernels=(SavedKernel(**named, bytes=10),), terminals=1)  # type: ignore[arg-type]
    assert SavedView.model_validate(saved.to_json()).model_dump(mode="json") == saved.to_json()
    restored = Restored(kernels=(RestoredKernel(**named, reason="It is too large."),), reason="Half.")  # type: ignore[arg-type]
    assert RestoredView.model_validate(restored.to_json()).model_dump(mode="json") == restored.to_json()


async def test_the_events_of_a_stream_are_described_and_named_as_they_are_sent(world: World) -> None:
    browser = await world.browser("bob")
    schema = (await browser.get("/hub/api/openapi.json")).json()
    described = schema["components"]["schemas"]["StreamData"]["properties"]
    assert described["session"] == {"$ref": "#/components/schemas/SessionView"}
    session = await world.session_of("bob")
    await world.controller.run(session)
    await world.controller.end(session, State.SUSPENDED)
    stream = (await browser.get(f"/hub/api/sessions/{session}/events", headers={"Last-Event-ID": "0"})).text
    sent = {line.removeprefix("event: ") for line in stream.splitlines() if line.startswith("event: ")}
    assert {"session", "progress"} <= sent <= set(described) == set(StreamData.model_fields)
