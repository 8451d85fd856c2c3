"""Version 2 reads what version 1 wrote, and version 1 reads what version 2 writes.

`version1/` has documents as version 1 wrote them, and its readers as they were.
"""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from contract.tests.version1 import agent_reader, hub_reader

from rspark_contract import VERSION
from rspark_contract.ensemble import EnsembleDocument, read_document
from rspark_contract.record import How, Record, read_record
from rspark_contract.saved import LostObject, Restored, RestoredKernel, Saved, SavedKernel
from rspark_contract.specs import ServiceSpec
from rspark_contract.status import AgentState, AgentStatus, ComponentState, ComponentStatus, read_status

FOLDER = Path(__file__).with_name("version1")
LOST = LostObject(name="con", class_name="PqConnection", why="It is a connection. Open it again.")
STATUS = AgentStatus(
    session="kq4wz7m2xb",
    generation=3,
    state=AgentState.READY,
    address="127.0.0.1:40123",
    pid=4242,
    busy=True,
    busy_with=("R, analysis.ipynb",),
    last_activity=datetime(2026, 11, 24, 12, 0, 3, 250000, tzinfo=UTC),
    memory=512 * 2**20,
    cpu=0.25,
    components=(ComponentStatus(name="interface", title="JupyterLab", state=ComponentState.READY),),
    restored=Restored(
        kernels=(RestoredKernel(id="0b7e", name="ir", language="R", path="analysis.ipynb", objects=12, lost=(LOST,)),),
        terminals=1,
    ),
    updated=datetime(2026, 11, 24, 12, 0, 5, tzinfo=UTC),
)
SAVED = Saved(
    kernels=(SavedKernel(id="0b7e", name="ir", language="R", path="analysis.ipynb", objects=12, bytes=4096, lost=(LOST,)),),
    terminals=1,
)


def frozen(name: str) -> Any:
    return json.loads((FOLDER / name).read_text())


def without_contract(document: Any) -> Any:
    return {name: value for name, value in document.items() if name != "contract"}


@pytest.mark.parametrize("name", ["session", "service", "kubernetes"])
def test_a_document_of_version_1_is_read(name: str) -> None:
    document = read_document(FOLDER / f"{name}.ensemble.json")
    old = agent_reader.load(FOLDER / f"{name}.ensemble.json", python="/python")
    filled = document.filled(python="/python", ports={})
    assert (filled.id, filled.generation, filled.user, filled.token) == (old.id, old.generation, old.user, old.token)
    assert (filled.environ, filled.cpu, filled.memory, filled.grace) == (old.environ, old.cpu, old.memory, old.grace)
    assert (filled.places.host, filled.places.port, filled.places.notify) == (old.host, old.port, old.bells)
    assert [component.command for component in filled.components] == [part.command for part in old.parts]
    assert [component.ready for component in filled.components] == [part.ready for part in old.parts]
    assert (filled.image, filled.forget, filled.places.logs_to_stdout) == (old.image, old.forget, old.logs_to_stdout)
    assert filled.places.termination_message == old.termination_message
    assert next((service.config for service in filled.services if service.name == "spark"), None) == old.spark


def test_services_of_a_document_of_version_1_are_known() -> None:
    services = read_document(FOLDER / "session.ensemble.json").services
    assert [(service.name, service.title) for service in services] == [("postgres", "PostgreSQL"), ("spark", "Spark")]
    assert services[1].config == {"mode": "local", "memory": 2**31, "cores": 2}
    assert read_document(FOLDER / "service.ensemble.json").services == ()


@pytest.mark.parametrize("name", ["session", "service", "kubernetes"])
def test_a_document_of_version_2_is_read_by_an_agent_of_version_1(name: str, tmp_path: Path) -> None:
    document = read_document(FOLDER / f"{name}.ensemble.json")
    written = document.to_json()
    assert written["contract"] == VERSION == 2
    file = tmp_path / "ensemble.json"
    file.write_text(json.dumps(written))
    assert agent_reader.load(file, python="/python") == agent_reader.load(FOLDER / f"{name}.ensemble.json", python="/python")


def test_a_service_of_its_own_member_is_written_for_version_1_too() -> None:
    document = EnsembleDocument.parse(frozen("session.ensemble.json"))
    new = replace(document, services=(ServiceSpec(name="spark", title="Spark", config={"memory": 1, "cores": 1}),))
    assert new.to_json()["spark"] == {"memory": 1, "cores": 1}
    assert replace(document, services=()).to_json()["spark"] is None
    assert EnsembleDocument.parse(replace(document, services=()).to_json()).services == ()


def test_a_status_of_version_1_is_read_and_written_as_it_was() -> None:
    text = (FOLDER / "session.status.json").read_text()
    assert read_status(text) == STATUS
    assert without_contract(STATUS.to_json()) == frozen("session.status.json")
    service = read_status((FOLDER / "service.status.json").read_text())
    assert service is not None
    assert without_contract(service.to_json()) == frozen("service.status.json")
    [component] = service.components
    assert component.endpoint == {"host": "127.0.0.1", "port": 5433, "admin": "rsparkhub", "admin_password": "hush"}


def test_a_record_of_version_1_is_read_and_written_as_it_was() -> None:
    record = read_record((FOLDER / "session.record.json").read_text())
    assert record is not None
    assert (record.how, record.code, record.saved, record.generation) == (How.SUSPENDED, 0, SAVED, 3)
    assert without_contract(record.to_json()) == frozen("session.record.json")
    failed = read_record((FOLDER / "failed.record.json").read_text())
    assert failed is not None
    assert without_contract(failed.to_json()) == frozen("failed.record.json")
    assert read_record((FOLDER / "shortened.record.json").read_text()) == Record(how=How.FAILED, code=1, reason="x" * 500)


def test_a_status_of_version_2_is_read_by_a_hub_of_version_1() -> None:
    old = hub_reader.read_status(json.loads(json.dumps(STATUS.to_json())))
    assert old is not None
    assert (old.state, old.address, old.busy_with, old.last_activity) == (
        "ready", STATUS.address, STATUS.busy_with, STATUS.last_activity,
    )  # fmt: skip
    assert [(part.name, part.title, part.state.value) for part in old.parts] == [("interface", "JupyterLab", "ready")]
    assert STATUS.restored is not None
    assert old.restored == STATUS.restored.to_json()
    for state in AgentState:
        assert hub_reader.read_status(replace(STATUS, state=state).to_json()) is not None


def test_a_record_of_version_2_is_read_by_a_hub_of_version_1() -> None:
    for how in How:
        old = hub_reader.read_record(json.loads(json.dumps(Record(how=how, code=0, saved=SAVED, reason="Why.").to_json())))
        assert old is not None
        assert (old.how, old.code, old.reason, old.saved) == (how.value, 0, "Why.", SAVED.to_json())
