"""What may be wrong with a machine or its data: each is a sentence or a few, an exit code, and nothing half-written."""

import os
import shutil
import socket
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.install.running import Running, environ
from tests.installation import COMMAND, ROOT, free_port

ALREADY_RUNNING, INSTALLATION = 3, 4
STARTING = "Starting RSparkHub; this takes some seconds."


def run(*words: object, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [COMMAND, *map(str, words)], env=environ(**variables), capture_output=True, text=True, timeout=60, check=False
    )


def up(data: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return run("up", "--data", data, "--port", free_port(), **variables)


def assert_refused(told: subprocess.CompletedProcess[str], code: int, *sentences: str) -> None:
    """It said so in sentences, and nothing else but that it began."""
    assert told.returncode == code, told
    assert told.stdout.removeprefix(f"{STARTING}\n") == ""
    assert told.stderr.startswith("rsparkhub: ")
    assert "Traceback" not in told.stderr
    for sentence in sentences:
        assert sentence in told.stderr


GOOD = (ROOT / "environments/terminal.yaml").read_text()
BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)
BAD_ENVIRONMENTS = {
    "a wrong type": (GOOD.replace("cpu: 1", "cpu: many"), "spec.resources.cpu"),
    "an unknown key": (GOOD.replace("lifecycle:", "lifecicle:"), "did you mean lifecycle?"),
    "a wrong size": (GOOD.replace("memory: 2Gi", "memory: 2 gigabytes"), "512Mi or 4Gi"),
    "a missing part": (GOOD.replace("kind: Environment", ""), "kind is missing"),
    "a bomb": (BOMB, "line"),
    "no YAML": ("spec: [}", "line 1"),
    "nothing": ("", "bad.yaml"),
    "a program": ("!!python/object/apply:os.system ['touch hacked']", "line 1"),
}


@pytest.mark.long
@pytest.mark.parametrize("what", BAD_ENVIRONMENTS)
def test_a_bad_environment_file_is_told_with_its_place(tmp_path: Path, what: str) -> None:
    text, sentence = BAD_ENVIRONMENTS[what]
    file = tmp_path / "bad.yaml"
    file.write_text(text)
    assert_refused(run("environment", "check", file), 1, str(file), sentence)
    assert not Path("hacked").exists()


def test_nothing_starts_on_a_catalog_with_a_bad_environment(tmp_path: Path) -> None:
    catalog = tmp_path / "catalog"
    catalog.mkdir()
    (catalog / "bad.yaml").write_text(BOMB)
    (catalog / "good.yaml").write_text(GOOD)
    assert_refused(up(tmp_path / "data", RSPARKHUB_ENVIRONMENTS=str(catalog)), 1, str(catalog / "bad.yaml"))
    assert not (tmp_path / "data").exists()


def test_a_port_in_use_is_told_and_makes_nothing(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        told = run("up", "--data", tmp_path / "data", "--port", port)
    assert_refused(told, INSTALLATION, f"Port {port} is in use", "--port 8001")
    assert not (tmp_path / "data").exists()


def on_a_disk_of(size: str, script: str, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    """Run a shell's script in the folder of a small disk in memory, whose mount ends with the script."""
    unshare = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"])]
    (tmp_path / "disk").mkdir()
    whole = f'mount -t tmpfs -o size={size} tmpfs "$1" && cd "$1" || exit 99; {script}'
    return subprocess.run(
        [*unshare, "sh", "-c", whole, "sh", tmp_path / "disk", COMMAND, str(free_port())],
        env=environ(), capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def test_a_full_disk_is_told_and_nothing_is_written_on_it(tmp_path: Path) -> None:
    told = on_a_disk_of("2m", '"$2" up --data data --port "$3"; code=$?; ls -A; exit $code', tmp_path)
    assert_refused(told, INSTALLATION, "Only 2 MiB are free", "Make room there.")


@pytest.mark.long
def test_a_disk_that_got_full_is_told_and_what_was_there_is_whole(tmp_path: Path) -> None:
    script = (
        '"$2" user link --data data >link || exit 98; dd if=/dev/zero of=filled bs=64k 2>dd; "$2" user link --data data; code=$?;'
        ' rm filled; "$2" user link --data data >again || exit 97; find data -name ".*"; exit $code'
    )
    assert_refused(on_a_disk_of("4m", script, tmp_path), INSTALLATION, "No space left on device", "Make room")


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A folder that is all of the path."""
    folder = tmp_path / "bin"
    folder.mkdir()
    return folder


def lend(programs: Path, *names: str) -> None:
    for name in names:
        found = shutil.which(name)
        assert found is not None, f"{name} is needed for this test"
        (programs / name).symlink_to(Path(found).resolve())


def test_without_r_that_is_told(tmp_path: Path, programs: Path) -> None:
    lend(programs, "java")
    told = up(tmp_path / "data", PATH=str(programs), JAVA_HOME="")
    assert_refused(told, INSTALLATION, "R is missing", "`make up` installs it.")
    assert "Java" not in told.stderr
    assert not (tmp_path / "data").exists()


def test_without_java_that_is_told(tmp_path: Path, programs: Path) -> None:
    lend(programs, "Rscript")
    told = up(tmp_path / "data", PATH=str(programs), JAVA_HOME="")
    assert_refused(told, INSTALLATION, "Java is missing", "`make up` installs it.")
    assert "R is missing" not in told.stderr
    assert not (tmp_path / "data").exists()


def test_without_the_python_of_sessions_that_is_told(tmp_path: Path) -> None:
    told = up(tmp_path / "data", RSPARKHUB_SESSION_PYTHON=str(tmp_path / "python"))
    assert_refused(told, INSTALLATION, "The Python of sessions is missing")
    assert not (tmp_path / "data").exists()


def test_a_data_folder_of_a_newer_version_is_told_and_left_as_it_is(tmp_path: Path) -> None:
    data = tmp_path / "data"
    assert run("user", "link", "--data", data).returncode == 0
    with sqlite3.connect(data / "rsparkhub.sqlite") as database:
        database.execute("UPDATE rsparkhub_version SET version_num = '9999'")
        before = list(database.iterdump())
    database.close()
    told = up(data)
    assert_refused(told, INSTALLATION, "newer version of RSparkHub", "9999")
    database = sqlite3.connect(data / "rsparkhub.sqlite")
    assert list(database.iterdump()) == before
    database.close()
    assert not (data / "cli.json").exists()


def test_a_damaged_database_is_told_and_left_as_it_is(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "rsparkhub.sqlite").write_bytes(b"this is no database" * 300)
    assert_refused(up(data), INSTALLATION, "damaged")
    assert (data / "rsparkhub.sqlite").read_bytes() == b"this is no database" * 300


def test_a_file_in_the_place_of_the_data_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("mine")
    assert_refused(up(tmp_path / "data"), INSTALLATION, "cannot be used", "name another folder")
    assert (tmp_path / "data").read_text() == "mine"


def test_wrong_settings_are_told(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "settings.yaml").write_text("most_runing: 10\n")
    assert_refused(up(data), INSTALLATION, "There is no setting most_runing")
    assert [path.name for path in data.iterdir()] == ["settings.yaml"]


def test_a_backend_that_does_not_exist_yet_is_told(tmp_path: Path) -> None:
    told = run("up", "--data", tmp_path / "data", "--port", free_port(), "--backend", "container")
    assert_refused(told, INSTALLATION, "container is not in this version; choose one of kubernetes, process")
    told = run("up", "--data", tmp_path / "data", "--port", free_port(), "--backend", "cloud")
    assert_refused(told, INSTALLATION, "The setting backend (as given) is wrong")


def test_a_cluster_that_is_not_there_is_told(tmp_path: Path) -> None:
    environ = {"RSPARKHUB_KUBERNETES__KUBECONFIG": str(tmp_path / "none"), "RSPARKHUB_BACKEND": "kubernetes"}
    told = run("up", "--data", tmp_path / "data", "--port", free_port(), **environ)
    assert_refused(told, INSTALLATION, "There is no way to a Kubernetes API server")
    assert not (tmp_path / "data").exists()


@pytest.fixture
def first(tmp_path: Path) -> Iterator[Running]:
    """One that runs already."""
    with Running(tmp_path / "data") as running:
        yield running


@pytest.mark.long
def test_a_second_up_on_the_same_data_is_told_and_the_first_goes_on(first: Running) -> None:
    told = up(first.data)
    assert_refused(told, ALREADY_RUNNING, f"process {first.processes()['up']}, at {first.url}", "make down")
    assert first.command("session", "list").returncode == 0


@pytest.mark.long
def test_an_up_after_one_that_was_killed_finds_the_way_free(first: Running) -> None:
    before, link = first.processes(), first.link
    first.kill()
    assert first.up() != link
    assert set(first.processes().values()).isdisjoint(before.values())
    assert first.command("session", "list").returncode == 0
