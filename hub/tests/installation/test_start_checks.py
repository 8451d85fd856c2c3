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


def a_java(home: Path, release: str) -> Path:
    (home / "bin").mkdir(parents=True)
    (home / "bin/java").touch(mode=0o755)
    (home / "release").write_text(release)
    return home


@pytest.mark.parametrize(
    ("release", "version"),
    [
        ('JAVA_VERSION="17.0.21"\nJAVA_VERSION_DATE="2026-10-20"\n', 17),
        ('IMPLEMENTOR="Debian"\nJAVA_VERSION="21"\n', 21),
        ('JAVA_VERSION="1.8.0_432"\n', 8),
        ("", None),
    ],
)
def test_the_version_of_a_java_is_read_from_its_release_file(tmp_path: Path, release: str, version: int | None) -> None:
    assert start_checks.java_version(a_java(tmp_path / "java", release)) == version


def test_an_old_java_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", str(a_java(tmp_path / "java", 'JAVA_VERSION="11.0.2"\n')))
    finding = start_checks.java()
    assert finding.level == "problem"
    assert "version 11; Spark needs 17 or newer" in finding.says


def test_without_java_and_r_both_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InstallationProblem, match=r"(?s)R is missing.*Java is missing"):
        refuse_problems([start_checks.r(), start_checks.java()])


def test_a_session_python_that_is_not_there_is_named(tmp_path: Path) -> None:
    finding = start_checks.session_python(Settings(session_python=tmp_path / "python"))
    assert finding.level == "problem"
    assert str(tmp_path / "python") in finding.says


def test_a_backend_of_a_later_version_is_refused() -> None:
    assert start_checks.backend(Settings(backend="container")).level == "problem"
    assert start_checks.backend(Settings()).level == "ok"


def test_warnings_do_not_refuse_a_start() -> None:
    refuse_problems([ok("a", "Fine."), warning("b", "Not quite.", "Look.")])
    with pytest.raises(InstallationProblem, match=r"^Bad\. Mend it\.$"):
        refuse_problems([ok("a", "Fine."), problem("c", "Bad.", "Mend it.")])


def test_what_r_says_of_its_packages_is_judged() -> None:
    assert checks.read_r(0, "4.2.2 \nDBI 1.1.3 \nrspark 0.1.0 ").level == "ok"
    lacking = checks.read_r(0, "4.2.2 \nDBI 1.1.3 \nIRkernel - \nrspark - ")
    assert (lacking.level, lacking.says) == ("problem", "R lacks IRkernel, rspark.")
    assert checks.read_r(0, "3.6.1 \nDBI 1.1.3 ").level == "problem"
    assert checks.read_r(2, "Error: no R here").says == "R does not run: Error: no R here."


def test_a_clock_before_this_software_existed_is_wrong() -> None:
    assert checks.clock(0).level == "problem"
    assert checks.clock(1_800_000_000).level == "ok"


async def test_a_program_that_does_not_run_is_told_with_what_it_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = a_java(tmp_path / "java", 'JAVA_VERSION="17.0.2"\n')
    (home / "bin/java").write_text("#!/bin/sh\necho broken library; exit 3\n")
    monkeypatch.setenv("JAVA_HOME", str(home))
    assert (await checks.java()).says == "Java does not run: broken library."
