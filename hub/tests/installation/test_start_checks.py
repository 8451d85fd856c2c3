"""What must be there before a start, on this machine and on one that lacks something."""

import socket
from pathlib import Path

import pytest

from rsparkhub.domain.errors import InstallationProblem
from rsparkhub.domain.finding import ok, problem, refuse_problems, warning
from rsparkhub.domain.quantity import ByteSize
from rsparkhub.installation import checks, start_checks
from rsparkhub.settings import Settings


def test_a_port_in_use_is_named_with_who_uses_it_and_what_to_do() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        finding = start_checks.free_port(Settings(port=port))
    assert finding.level == "problem"
    assert f"Port {port} is in use" in finding.sentence
    assert "PORT=8001" in finding.sentence


def test_a_port_that_nobody_uses_is_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    assert start_checks.free_port(Settings(port=port)).level == "ok"


def test_an_address_of_another_machine_is_named() -> None:
    finding = start_checks.free_port(Settings(host="192.0.2.1", port=0))
    assert finding.level == "problem"
    assert "192.0.2.1" in finding.says


def test_little_room_is_a_warning_and_none_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def free(size: str) -> None:
        monkeypatch.setattr(start_checks.shutil, "disk_usage", lambda _: type("", (), {"free": ByteSize.parse(size)}))

    place = tmp_path / "not" / "there" / "yet"
    free("50Gi")
    assert start_checks.room(place).level == "ok"
    free("1Gi")
    assert start_checks.room(place).level == "warning"
    free("3Mi")
    finding = start_checks.room(place)
    assert finding.level == "problem"
    assert "Only 3 MiB are free" in finding.says
    assert not place.exists()


def test_warnings_do_not_refuse_a_start() -> None:
    refuse_problems([ok("a", "Fine."), warning("b", "Not quite.", "Look.")])
    with pytest.raises(InstallationProblem, match=r"^Bad\. Mend it\.$"):
        refuse_problems([ok("a", "Fine."), problem("c", "Bad.", "Mend it.")])


def test_a_clock_before_this_software_existed_is_wrong() -> None:
    assert checks.clock(0).level == "problem"
    assert checks.clock(1_800_000_000).level == "ok"
