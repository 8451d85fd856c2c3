"""`scripts/install`: every step once, an interrupted one again, and what is in the way in a sentence."""

import contextlib
import fcntl
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from tests.installation import ROOT


@pytest.fixture
def installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script, for a checkout in the test's own folder."""
    spec = importlib.util.spec_from_file_location("installation_script", ROOT / "scripts/installation.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)  # its dataclasses look themselves up there
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "TOP", tmp_path)
    monkeypatch.setattr(module, "BUILD", tmp_path / ".build")
    for name in ("stamps", "log"):
        (tmp_path / ".build" / name).mkdir(parents=True)
    (tmp_path / "input").write_text("one")
    return module


def step(installation: ModuleType, *commands: list[str]):
    top = installation.TOP
    return installation.Step(
        name="copy", says="a copy", inputs=[top / "input"], makes=[top / "copy"], commands=lambda: commands, folder=top
    )


@pytest.fixture
def lock(tmp_path: Path) -> Iterator[int]:
    handle = os.open(tmp_path / "lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(handle, fcntl.LOCK_EX)
    yield handle
    with contextlib.suppress(OSError):  # a test may have closed it
        os.close(handle)


COPY = ["cp", "input", "copy"]


def test_a_step_is_done_until_its_input_changes_or_its_work_is_gone(installation: ModuleType, lock: int) -> None:
    copy = step(installation, COPY)
    assert not copy.is_done()
    installation.run(copy, lock)
    assert copy.is_done()
    (installation.TOP / "input").write_text("two")
    assert not copy.is_done()
    installation.run(copy, lock)
    assert (installation.TOP / "copy").read_text() == "two"
    (installation.TOP / "copy").unlink()
    assert not copy.is_done()


def test_a_step_that_fails_is_told_by_its_last_words_and_done_again(installation: ModuleType, lock: int) -> None:
    installation.run(step(installation, COPY), lock)
    failing = step(installation, COPY, ["sh", "-c", "echo the disk is full; exit 3"])
    with pytest.raises(installation.CannotInstall, match=r"(?s)the disk is full.*gave 3.*copy\.log"):
        installation.run(failing, lock)
    assert not step(installation, COPY).is_done()


def test_a_step_that_does_not_make_what_it_should_is_told(installation: ModuleType, lock: int) -> None:
    with pytest.raises(installation.CannotInstall, match=r"did not make .*copy"):
        installation.run(step(installation, ["true"]), lock)
    assert not step(installation, COPY).is_done()


def test_a_long_step_says_how_far_it_is(
    installation: ModuleType, lock: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(installation, "QUIET", 0.2)
    installation.run(step(installation, ["sh", "-c", r"printf '\033[1mhalf\033[0m\n\033[0m\n'; sleep 1; cp input copy"]), lock)
    assert "half" in capsys.readouterr().out


def test_what_a_step_started_holds_the_lock_when_the_installation_is_killed(installation: ModuleType, lock: int) -> None:
    installation.run(step(installation, ["sh", "-c", "cp input copy; sleep 30 & echo $! > pid"]), lock)
    left = int((installation.TOP / "pid").read_text())
    try:
        os.close(lock)
        with (installation.TOP / "lock").open() as again, pytest.raises(BlockingIOError):
            fcntl.flock(again, fcntl.LOCK_EX | fcntl.LOCK_NB)
    finally:
        os.kill(left, 9)


def test_missing_packages_are_named_once_and_in_order(installation: ModuleType) -> None:
    assert installation.missing_packages(["r-base-core", "maven", "wrk", "maven"], ["wrk", "git"]) == ["r-base-core", "maven"]


def test_the_newest_java_counts(installation: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "java").mkdir()
    (tmp_path / "java/release").write_text('IMPLEMENTOR="x"\nJAVA_VERSION="99.0.1"\n')
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "java"))
    assert installation.newest_java() == 99


def test_without_a_python_that_is_new_enough_a_sentence_says_what_to_do(tmp_path: Path) -> None:
    for name in ("dirname", "id"):
        found = shutil.which(name)
        assert found is not None
        (tmp_path / name).symlink_to(found)
    (tmp_path / "python3").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "python3").chmod(0o755)
    told = subprocess.run(
        ["/bin/sh", ROOT / "scripts/install", "up"], env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False
    )
    assert told.returncode == 4
    assert told.stderr.startswith("RSparkHub needs Python 3.11 or newer")


def test_hdfs_is_installed_where_it_is_wanted(installation: ModuleType) -> None:
    assert [installation.wants_hadoop(kind) for kind in ("up", "hdfs", "hive", "test")] == [False, True, True, True]
    assert not installation.hadoop_steps("up")
    assert "krb5-kdc" not in str(installation.debian_wants("up"))
    environment = installation.TOP / "environments/files.yaml"
    environment.parent.mkdir()
    environment.write_text("spec:\n  services:\n    spark: {mode: local}  # hdfs: later\n")
    assert not installation.wants_hadoop("up")
    environment.write_text("spec:\n  services:\n    hdfs: {scope: shared}\n")
    assert installation.wants_hadoop("up")
    environment.write_text("spec:\n  services:\n    mapreduce: {mode: local}\n")
    assert installation.wants_hadoop("up")
    environment.write_text("spec:\n  services: {spark: {mode: local}, hdfs: {}}\n")
    assert installation.wants_hadoop("up")
    environment.write_text("metadata:\n  optional: true  # shown without it\nspec:\n  services: {hdfs: {}}\n")
    assert not installation.wants_hadoop("up")
    environment.unlink()
    (installation.BUILD / "stamps").mkdir(parents=True, exist_ok=True)
    (installation.BUILD / "stamps/hadoop").write_text("of an earlier version")
    assert installation.wants_hadoop("up"), "once installed, it is kept as it should be"
    assert "krb5-kdc" in str(installation.debian_wants("up"))


def test_tensorflow_is_installed_where_it_is_wanted_and_again_after_the_sessions_python(installation: ModuleType) -> None:
    locks = [installation.TOP / name for name in ("requirements/tensorflow.txt", "requirements/session.txt")]
    for lock in locks:
        lock.parent.mkdir(exist_ok=True)
        lock.write_text("one==1\n")
    session = locks[1:]
    assert installation.tensorflow_steps("up", session) == installation.tensorflow_steps("test", session) == []
    (step,) = installation.tensorflow_steps("tensorflow", session)
    step.stamp.parent.mkdir(parents=True, exist_ok=True)
    step.stamp.write_text(step.digest())
    step.makes[0].mkdir(parents=True)
    (kept,) = installation.tensorflow_steps("up", session)
    assert kept.is_done()
    session[0].write_text("two==2\n")
    assert not kept.is_done(), "to make the sessions' Python anew took it away"


def test_tensorflow_leaves_the_versions_of_sessions_as_they_are() -> None:
    own, ours = (
        set(re.findall(r"^([a-z0-9._-]+)==([^ ;\\]+)", (ROOT / f"requirements/{name}.txt").read_text(), re.MULTILINE))
        for name in ("tensorflow", "session")
    )
    names = {name for name, _ in ours}
    assert "tensorflow-cpu" in {name for name, _ in own}
    assert {(name, version) for name, version in own if name in names} <= ours


def test_vs_code_is_installed_where_it_is_wanted(installation: ModuleType) -> None:
    assert [installation.wants_code_server(kind) for kind in ("up", "hdfs", "vscode", "test")] == [False, False, True, False]
    assert not installation.code_server_steps("up")
    environment = installation.TOP / "environments/editor.yaml"
    environment.parent.mkdir()
    beside = ("interface: terminal\n  beside:\n    editor: vscode", "interface: terminal\n  beside: {editor: vscode}")
    for lines in ("interface: vscode", "interface: {vscode: {}}", *beside):
        environment.write_text(f"metadata: {{name: vscode, title: VS Code}}\nspec:\n  {lines}\n")
        assert installation.wants_code_server("up"), lines
    environment.write_text("metadata: {name: editor, optional: true}\nspec:\n  interface: vscode\n")
    assert not installation.wants_code_server("up")
    environment.write_text("metadata: {name: editor, description: As good as vscode}\nspec:\n  interface: rc2 # vscode later\n")
    assert not installation.wants_code_server("up")
    (installation.BUILD / "stamps").mkdir(parents=True, exist_ok=True)
    (installation.BUILD / "stamps/code-server").write_text("of an earlier version")
    assert installation.wants_code_server("up"), "once installed, it is kept as it should be"


def test_make_help_lists_every_target() -> None:
    listed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    phony = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert phony is not None
    assert re.findall(r"^  make (\S+)", listed, re.MULTILINE) == phony[1].split()
