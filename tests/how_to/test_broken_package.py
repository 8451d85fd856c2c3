"""A package from outside that can't be loaded is one sentence, and RSparkHub runs without it."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.how_to.reader import Reader

ENVIRONMENT = """\
apiVersion: rsparkhub/v1
kind: Environment
metadata: {name: shell, title: Shell}
spec: {interface: terminal}
"""
SENTENCE = (
    "The service broken of the package rspark-broken can't be loaded (ModuleNotFoundError: No module named 'no_such_module'). "
    "Mend the package, or remove it."
)


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    reader = Reader(tmp_path)
    yield reader
    if reader.installation.process is not None:
        reader.installation.down()


@pytest.mark.long
def test_what_cannot_be_loaded_is_told_by_doctor_and_log_and_keeps_nothing_from_running(reader: Reader, tmp_path: Path) -> None:
    (packages,) = tmp_path.glob(".venv/lib/python*/site-packages")
    (packages / "rspark_broken.py").write_text("import no_such_module\n")
    (packages / "rspark_broken-1.dist-info").mkdir()
    (packages / "rspark_broken-1.dist-info/METADATA").write_text("Metadata-Version: 2.1\nName: rspark-broken\nVersion: 1\n")
    entry = "[rsparkhub.services]\nbroken = rspark_broken:Broken\n"
    (packages / "rspark_broken-1.dist-info/entry_points.txt").write_text(entry)
    (tmp_path / "environments/shell.yaml").write_text(ENVIRONMENT)
    reader.installation.up()
    doctor = reader.installation.command("doctor", "--json")
    findings = {each["name"]: each for each in json.loads(doctor.stdout)["findings"]}
    assert (findings["packages"]["level"], findings["packages"]["says"]) == ("problem", SENTENCE)
    for process in ("hub", "controller"):
        assert (tmp_path / f"data/log/{process}.log").read_text().count(SENTENCE) == 1
    assert "is running" in reader.installation.command("session", "start", "shell", "--wait").stdout
