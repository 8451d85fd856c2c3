"""What sessions need of this machine, where something of it is missing."""

from pathlib import Path

import pytest

from rsparkhub.backends.process import accounts, checks
from rsparkhub.backends.process.cgroups import Tree
from rsparkhub.backends.process.definition import ProcessDefinition
from rsparkhub.domain.errors import InstallationProblem
from rsparkhub.domain.finding import refuse_problems
from rsparkhub.domain.requirements import Requirements
from rsparkhub.settings import Settings

NEEDS = {"Spark": Requirements(java=17)}


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
    assert checks.version_of_java(a_java(tmp_path / "java", release)) == version


def test_an_old_java_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", str(a_java(tmp_path / "java", 'JAVA_VERSION="11.0.2"\n')))
    finding = checks.find_java_of(17, "Spark")
    assert finding.level == "problem"
    assert "version 11; Spark needs 17 or newer" in finding.says


def test_without_java_and_r_both_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InstallationProblem, match=r"(?s)R is missing.*Java is missing"):
        refuse_problems([checks.find_r(), checks.find_java_of(17, "Spark")])


def test_a_session_python_that_is_not_there_is_named(tmp_path: Path) -> None:
    finding = checks.find_session_python(Settings(session_python=tmp_path / "python"))
    assert finding.level == "problem"
    assert str(tmp_path / "python") in finding.says


def test_what_r_says_of_its_packages_is_judged() -> None:
    assert checks.judge_r(0, "4.2.2 \nDBI 1.1.3 \nrspark 0.1.0 ").level == "ok"
    lacking = checks.judge_r(0, "4.2.2 \nDBI 1.1.3 \nIRkernel - \nrspark - ")
    assert (lacking.level, lacking.says) == ("problem", "R lacks IRkernel, rspark.")
    assert checks.judge_r(0, "3.6.1 \nDBI 1.1.3 ").level == "problem"
    assert checks.judge_r(2, "Error: no R here").says == "R does not run: Error: no R here."


async def test_a_program_that_does_not_run_is_told_with_what_it_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = a_java(tmp_path / "java", 'JAVA_VERSION="17.0.2"\n')
    (home / "bin/java").write_text("#!/bin/sh\necho broken library; exit 3\n")
    monkeypatch.setenv("JAVA_HOME", str(home))
    assert (await checks.run_java(NEEDS)).says == "Java does not run: broken library."


class TestWhatKeepsPeopleApart:
    def test_who_is_not_root_hears_whom_to_trust(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(accounts, "are_possible", lambda: False)
        finding = checks.people()
        assert finding.level == "warning"
        assert "people who trust each other" in finding.says
        assert "as root" in finding.sentence
        assert ProcessDefinition().trust(Settings()) == checks.TRUST

    async def test_up_says_it_at_each_start(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setattr(accounts, "are_possible", lambda: False)
        assert checks.TRUST in [f.says for f in await ProcessDefinition().check_start(Settings(data=tmp_path), NEEDS)]

    def test_root_is_told_that_people_are_apart(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(accounts, "are_possible", lambda: True)
        assert checks.people().level == "ok"
        assert ProcessDefinition().trust(Settings()) is None
        monkeypatch.setenv("PATH", "/nowhere")
        monkeypatch.setattr(checks.shutil, "which", lambda *_, **__: None)
        assert "useradd" in checks.people().says

    def test_a_machine_that_limits_nothing_is_a_warning(self, tmp_path: Path) -> None:
        finding = checks.limits(Tree("1", root=str(tmp_path)))
        assert finding.level == "warning"
        assert "one session can take all memory" in finding.says

    def test_what_is_not_limited_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "cgroup.controllers").write_text("cpu memory")
        (tmp_path / "cgroup.subtree_control").write_text("")
        finding = checks.limits(Tree("1", root=str(tmp_path)))
        assert (finding.level, "processes" in finding.says) == ("warning", True)

    async def test_a_way_that_is_closed_and_can_not_be_shown_names_a_place_to_move_to(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        tmp_path.chmod(0o700)

        async def refused(*_: str) -> tuple[int, str]:
            return 1, "unshare: Operation not permitted"

        monkeypatch.setattr(checks, "output_of", refused)
        finding = await checks.closed_folders(Settings(data=tmp_path / "data"))
        assert finding.level == "problem"
        assert "/opt" in finding.sentence


def test_what_is_installed_by_a_command_of_its_own_is_said_and_no_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    python = tmp_path / "venv/bin/python"
    python.parent.mkdir(parents=True)
    needs = {"HDFS": Requirements(programs=("ls-of-nobody",), folders=("share/hadoop",), installed_by="make hdfs"), **NEEDS}
    settings = Settings(data=tmp_path, session_python=python)
    (finding,) = checks.find_optional(settings, needs)
    assert (finding.level, finding.says) == (
        "ok", "HDFS is not installed: ls-of-nobody, share/hadoop is missing. `make hdfs` installs it.",
    )  # fmt: skip
    (tmp_path / "ls-of-nobody").touch(mode=0o755)
    (tmp_path / "venv/share/hadoop").mkdir(parents=True)
    assert checks.find_optional(settings, needs)[0].says == "HDFS is installed."


def test_a_module_that_a_command_of_its_own_installs_is_looked_for_in_the_sessions_python(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, session_python=tmp_path / "venv/bin/python")
    packages = tmp_path / "venv/lib/python3.11/site-packages"
    (packages / "keras").mkdir(parents=True)
    (packages / "six.py").touch()
    needed = Requirements(python=("keras", "six", "tensorflow"), installed_by="make tensorflow")
    assert checks.missing(settings, needed) == ["tensorflow"]
