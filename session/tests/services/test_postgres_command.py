"""The command of the shared server, through starts, ends and crashes."""

import os
import pwd
import signal
import socket
import stat
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from session.tests.places import CHECKOUT, session_python

from rspark_session.services.postgres.passage import let_pass
from rspark_session.services.problem import ServiceProblem
from rspark_session.services.server_account import Account

from .conftest import PostgresCommand

Start = Callable[..., PostgresCommand]
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another account")


@pytest.fixture
def apart() -> Iterator[Path]:
    """A folder beside pytest's own, which every run of pytest closes to others again."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def gone(pid: int) -> bool:
    deadline = time.monotonic() + 30
    while Path(f"/proc/{pid}").exists():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


@pytest.mark.long
def test_it_says_where_it_listens_once_it_can_be_used(server: PostgresCommand) -> None:
    with server.connect() as connection:
        shown = connection.execute("SELECT current_setting('server_version'), current_setting('port')").fetchone()
    assert shown == (server.endpoint["version"], str(server.endpoint["port"]))
    assert server.endpoint["host"] == "127.0.0.1"
    assert stat.S_IMODE(server.endpoint_file.stat().st_mode) == 0o600


def test_it_listens_on_a_private_socket_too(server: PostgresCommand) -> None:
    folder = Path(server.endpoint["socket"])
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    with server.connect(host=str(folder)) as connection:
        assert connection.execute("SELECT inet_server_addr()").fetchone() == (None,)


def test_nobody_gets_in_without_a_password(server: PostgresCommand) -> None:
    for host in ("127.0.0.1", server.endpoint["socket"]):
        with pytest.raises(psycopg.OperationalError, match="no password supplied"):
            server.connect(host=host, password=None, passfile="/dev/null")


def test_the_administrators_password_is_for_its_owner_alone(server: PostgresCommand) -> None:
    for path in (server.data / "admin.pgpass", server.endpoint_file):
        assert server.endpoint["admin_password"] in path.read_text()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("max_connections", "200"),
        ("fsync", "on"),
        ("password_encryption", "scram-sha-256"),
        ("server_encoding", "UTF8"),
        ("TimeZone", "UTC"),
        ("listen_addresses", "127.0.0.1"),
    ],
)
def test_it_is_set_for_a_class_on_a_small_machine(server: PostgresCommand, setting: str, value: str) -> None:
    with server.connect() as connection:
        assert connection.execute("SELECT current_setting(%s)", [setting]).fetchone() == (value,)


def test_text_is_sorted_the_same_way_on_every_machine(server: PostgresCommand) -> None:
    with server.connect() as connection:
        row = connection.execute(
            "SELECT datlocprovider, datlocale, datcollate, lower('ÄÖ') FROM pg_database WHERE datname = current_database()"
        ).fetchone()
    assert row == ("b", "C.UTF-8", "C.UTF-8", "äö")


def test_it_ends_cleanly_and_comes_back_on_the_same_port_with_what_was_kept(postgres: Start) -> None:
    first = postgres().ready()
    port, socket_folder = first.endpoint["port"], Path(first.endpoint["socket"])
    with first.connect() as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    assert first.end() == 0
    assert "database system is shut down" in first.said()
    assert not first.endpoint_file.exists()
    assert not socket_folder.exists()

    second = postgres().ready()
    assert second.endpoint["port"] == port
    assert "automatic recovery in progress" not in second.said()
    with second.connect() as connection:
        assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)


@pytest.mark.long
def test_another_port_is_taken_when_somebody_has_the_kept_one(postgres: Start) -> None:
    first = postgres().ready()
    port = first.endpoint["port"]
    first.end()
    with socket.create_server(("127.0.0.1", port)):
        second = postgres().ready()
        assert second.endpoint["port"] != port
        with second.connect() as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)


@pytest.mark.long
def test_the_server_does_not_outlive_its_command(postgres: Start) -> None:
    command = postgres().ready()
    postmaster = command.postmaster()
    command.kill()
    assert gone(postmaster)


def test_a_killed_command_and_server_come_back_with_what_was_committed(postgres: Start) -> None:
    first = postgres().ready()
    with first.connect() as connection:
        connection.execute("CREATE TABLE kept AS SELECT generate_series(1, 1000) AS n")
    postmaster = first.postmaster()
    os.kill(first.process.pid, signal.SIGSTOP)  # so that it sees nothing of what follows
    os.kill(postmaster, signal.SIGKILL)
    first.kill()
    assert (first.data / "cluster/postmaster.pid").exists()

    second = postgres().ready()
    with second.connect() as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (1000,)


@pytest.mark.long
def test_a_stale_pid_file_that_names_another_living_process_is_no_obstacle(postgres: Start) -> None:
    first = postgres().ready()
    status = first.data / "cluster/postmaster.pid"
    content = status.read_text()
    first.end()
    other = subprocess.Popen(["sleep", "60"], user=status.parent.stat().st_uid if os.geteuid() == 0 else None)
    try:
        status.write_text("\n".join([str(other.pid), *content.splitlines()[1:]]))
        postgres().ready()
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


@pytest.mark.long
def test_a_server_that_dies_takes_its_command_along_with_a_sentence(postgres: Start) -> None:
    command = postgres().ready()
    os.kill(command.postmaster(), signal.SIGKILL)
    assert command.process.wait(30) == 1
    assert "PostgreSQL ended by itself" in command.said().splitlines()[-1]
    assert not command.endpoint_file.exists()


@pytest.mark.long
def test_a_cluster_left_half_made_is_made_anew(postgres: Start, tmp_path: Path) -> None:
    half = tmp_path / "data/cluster.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    (tmp_path / "data/admin.pgpass").write_text("*:*:*:postgres:of another try\n")
    command = postgres().ready()
    assert not half.exists()
    with command.connect() as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


@pytest.mark.long
@pytest.mark.parametrize("moment", ["cluster.new", "cluster.new/base/1", "cluster/postmaster.pid", "port"])
def test_a_kill_at_any_moment_of_the_first_start_leaves_nothing_half_made(postgres: Start, moment: str) -> None:
    first = postgres()
    first.wait_for((first.data / moment).exists)
    first.kill()

    second = postgres().ready()
    with second.connect() as connection:
        names = [name for (name,) in connection.execute("SELECT datname FROM pg_database ORDER BY 1").fetchall()]
    assert names == ["flights", "postgres", "template0", "template1"]
    with second.connect("flights") as connection:
        assert connection.execute("SELECT count(*) FROM flights").fetchone() == (336776,)


@pytest.mark.long
def test_an_end_asked_for_during_the_first_start_is_clean_too(postgres: Start) -> None:
    command = postgres()
    command.wait_for((command.data / "cluster.new").exists)
    assert command.end() == 0
    postgres().ready()


@pytest.mark.long
def test_two_commands_never_work_on_the_same_data(postgres: Start) -> None:
    postgres().ready()
    second = postgres()
    assert second.process.wait(30) == 1
    assert second.said().strip().endswith("End it first.")
    assert "Another PostgreSQL command already works on" in second.said()


def test_data_of_a_version_that_is_not_here_are_refused_with_a_sentence(postgres: Start, tmp_path: Path) -> None:
    cluster = tmp_path / "data/cluster"
    cluster.mkdir(parents=True)
    (cluster / "PG_VERSION").write_text("9\n")
    command = postgres()
    assert command.process.wait(30) == 1
    assert "were made by version 9" in command.said()
    assert "Upgrade the data" in command.said()


def test_a_data_folder_that_is_a_file_is_refused_with_a_sentence(postgres: Start, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("not a folder")
    command = postgres()
    assert command.process.wait(30) == 1
    assert "The data folder of PostgreSQL can't be used" in command.said()
    assert "Traceback" not in command.said()


@pytest.mark.long
def test_a_lost_administrators_password_is_named(postgres: Start) -> None:
    first = postgres().ready()
    first.end()
    (first.data / "admin.pgpass").unlink()
    second = postgres()
    assert second.process.wait(60) == 1
    assert "admin.pgpass" in second.said().splitlines()[-1]
    assert "Traceback" not in second.said()


@pytest.mark.long
def test_settings_of_another_server_in_the_environment_mean_nothing(postgres: Start) -> None:
    postgres(environ={"PGDATA": "/nonexistent", "PGPORT": "1", "PGUSER": "someone", "PGPASSFILE": "/nonexistent"}).ready()


@as_root
def test_root_gives_the_server_to_an_account_without_rights(server: PostgresCommand) -> None:
    status = Path(f"/proc/{server.postmaster()}/status").read_text()
    uids = next(line for line in status.splitlines() if line.startswith("Uid:")).split()[1:]
    assert set(uids) <= {str(pwd.getpwnam(name).pw_uid) for name in ("postgres", "nobody")}
    assert (server.data / "cluster").stat().st_uid == int(uids[0])


@pytest.mark.long
@as_root
def test_a_data_folder_in_a_private_place_works_and_the_place_stays_private(postgres: Start, tmp_path: Path) -> None:
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    command = postgres(data=private / "data").ready()
    assert stat.S_IMODE(private.stat().st_mode) == 0o700
    assert os.listxattr(private) == []
    owner = (command.data / "cluster").stat().st_uid
    listing = subprocess.run(["test", "-x", private], user=owner, group=owner, extra_groups=[], cwd="/", check=False)
    assert listing.returncode != 0
    private.chmod(0o600)  # closed for everybody but root while it runs
    with command.connect() as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS n")
        connection.execute("CHECKPOINT")
    assert command.end() == 0


@as_root
def test_programs_in_a_private_place_are_reached_by_the_account_alone(apart: Path) -> None:
    account = Account(name="nobody", uid=pwd.getpwnam("nobody").pw_uid, gid=pwd.getpwnam("nobody").pw_gid)
    program = apart / "home/checkout/bin/program"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    (apart / "home").chmod(0o700)
    let_pass(program, account)
    as_nobody = {"user": account.uid, "group": account.gid, "extra_groups": [], "cwd": "/"}
    assert subprocess.run([program], check=False, **as_nobody).returncode == 0
    assert subprocess.run(["ls", apart / "home"], check=False, capture_output=True, **as_nobody).returncode != 0
    daemon = pwd.getpwnam("daemon").pw_uid
    assert subprocess.run(["test", "-x", program], user=daemon, extra_groups=[], cwd="/", check=False).returncode != 0


@as_root
def test_programs_that_the_account_can_never_reach_are_named(apart: Path) -> None:
    account = Account(name="nobody", uid=pwd.getpwnam("nobody").pw_uid, gid=pwd.getpwnam("nobody").pw_gid)
    program = apart / "program"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o700)
    with pytest.raises(ServiceProblem, match=r"the account nobody, which may not pass .*/program\. Let it pass"):
        let_pass(program, account)


@pytest.mark.long
@as_root
def test_anyone_may_run_it_and_stays_who_they_are(postgres: Start, apart: Path) -> None:
    nobody = pwd.getpwnam("nobody").pw_uid
    # The system's Python, which everyone may run, with the session's packages: the session's own may lie in root's home.
    where = [session_python(), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    packages = subprocess.run(where, capture_output=True, text=True, check=True).stdout.strip()
    (apart / "run").mkdir()
    for folder in (apart, apart / "run"):
        os.chown(folder, nobody, nobody)
    environ = {"PYTHONPATH": f"{packages}:{CHECKOUT / 'session/src'}:{CHECKOUT / 'contract/src'}"}
    command = postgres(data=apart / "data", run=apart / "run", account=nobody, python="/usr/bin/python3", environ=environ).ready()
    assert (command.data / "cluster").stat().st_uid == nobody
    assert command.end() == 0


@pytest.mark.long
def test_an_end_that_was_not_in_order_is_said(postgres: Start) -> None:
    command = postgres().ready()
    (command.data / "cluster/global/pg_control").rename(command.data / "pg_control")
    assert command.end() == 1
    assert "PostgreSQL did not end in order" in command.said()
    (command.data / "pg_control").rename(command.data / "cluster/global/pg_control")
    postgres().ready()


@pytest.mark.long  # needs a network namespace, which not every machine gives
@as_root
def test_in_a_network_of_its_own_it_has_the_port_that_everybody_expects(tmp_path: Path) -> None:
    """As in a container: with an address of its own, and by a password alone."""
    code = f"""
import json, pathlib, psycopg, signal, subprocess, sys, time
subprocess.run("ip link set lo up; ip address add 10.99.0.1/32 dev lo", shell=True, check=True)
data, endpoint = pathlib.Path({str(tmp_path / "data")!r}), pathlib.Path({str(tmp_path / "postgres.json")!r})
server = subprocess.Popen([sys.executable, "-m", "rspark_session.services.postgres", "--data", data,
    "--endpoint", endpoint, "--host", "0.0.0.0"])
while not endpoint.exists():
    assert server.poll() is None
    time.sleep(0.05)
said = json.loads(endpoint.read_text())
assert (said["host"], said["port"]) == ("0.0.0.0", 5432), said
asked = {{"host": "10.99.0.1", "port": 5432, "user": said["admin"], "dbname": "flights"}}
with psycopg.connect(**asked, password=said["admin_password"]) as connection:
    print(connection.execute("SELECT count(*) FROM flights").fetchone()[0])
try:
    psycopg.connect(**asked, password="guessed")
except psycopg.OperationalError as refused:
    print("password authentication failed" in str(refused))
server.send_signal(signal.SIGTERM)
assert server.wait(60) == 0
"""
    done = subprocess.run(
        ["unshare", "--net", session_python(), "-c", code], capture_output=True, text=True, check=False, timeout=240
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.split()[-2:] == ["336776", "True"]
