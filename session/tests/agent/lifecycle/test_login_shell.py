"""Login shells find the session's programs, whatever /etc/profile makes of PATH, and a person's own files stay theirs."""

import subprocess
from pathlib import Path

import pytest

from rspark_session.agent.lifecycle import login_shell

PATH = "/opt/session/bin:/usr/bin:/bin"


def said(home: Path, *command: str, code: str = 'echo "$PATH"', **environ: str) -> str:
    """Return what a shell says that begins as one of the session's."""
    given = {"HOME": str(home), "PATH": PATH, "RSPARK_PATH": PATH} | environ
    return subprocess.run([*command, code], env=given, capture_output=True, text=True, check=True, timeout=120).stdout.strip()


@pytest.mark.parametrize("command", [("bash", "-lc"), ("sh", "-lc")])
def test_a_login_shell_has_the_sessions_path_first(tmp_path: Path, command: tuple[str, ...]) -> None:
    assert not said(tmp_path, *command).startswith(PATH), "this machine's /etc/profile sets PATH"
    login_shell.write(tmp_path)
    found = said(tmp_path, *command)
    assert found.startswith(f"{PATH}:")
    assert said(tmp_path, *command, PATH=found) == found, "one in another has it once"


def test_what_the_machine_adds_is_kept_and_elsewhere_nothing_is_changed(tmp_path: Path) -> None:
    elsewhere = said(tmp_path, "bash", "-lc")
    login_shell.write(tmp_path)
    assert said(tmp_path, "bash", "-lc").endswith(elsewhere)
    without = {"HOME": str(tmp_path), "PATH": PATH}
    done = subprocess.run(["bash", "-lc", 'echo "$PATH"'], env=without, capture_output=True, text=True, check=True, timeout=120)
    assert (done.stdout.strip(), done.stderr) == (elsewhere, "")


def test_a_persons_bashrc_is_read_where_somebody_types_alone(tmp_path: Path) -> None:
    login_shell.write(tmp_path)
    (tmp_path / ".bashrc").write_text("mine=yes\n")
    assert said(tmp_path, "bash", "-lic", code='echo "${mine-no}"') == "yes"
    assert said(tmp_path, "bash", "-lc", code='echo "${mine-no}"') == "no"


@pytest.mark.parametrize("name", [".bash_profile", ".bash_login", ".profile"])
def test_a_file_of_the_persons_own_stays_as_it_is(tmp_path: Path, name: str) -> None:
    (tmp_path / name).symlink_to("nowhere")
    login_shell.write(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).readlink() == Path("nowhere")


def test_a_home_that_takes_no_file_goes_without(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    login_shell.write(tmp_path / "missing")
    assert "Login shells find no programs of the session" in capsys.readouterr().err
