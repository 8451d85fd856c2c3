"""A server of the session's own: its owner may do everything there, its data stay, and its password is new at each start."""

import socket
from pathlib import Path

import psycopg
import pytest

from .conftest import PostgresCommand


def connect(passfile: Path, port: int) -> psycopg.Connection[tuple[object, ...]]:
    """Connect as libpq does with what the session's environment says."""
    return psycopg.connect(host="127.0.0.1", port=port, user="rspark", dbname="rspark", passfile=str(passfile), autocommit=True)


def test_its_owner_may_do_everything_and_its_data_outlive_a_start(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    passfile = tmp_path / "run/pgpass"
    more = ("--port", str(port), "--owner", "rspark", "--pgpass", str(passfile), "--without-samples")
    server = PostgresCommand(data=tmp_path / "data", run=tmp_path / "run", more=more).ready()
    assert server.endpoint == {"host": "127.0.0.1", "port": port}  # what the agent reports of it has no secret
    assert passfile.stat().st_mode & 0o777 == 0o600
    with connect(passfile, port) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS n")
        connection.execute("CREATE ROLE other LOGIN")
    first = passfile.read_text()
    assert [line.split(":")[0] for line in first.splitlines()] == ["127.0.0.1", "localhost"]  # the name that books type
    server.process.terminate()
    assert server.process.wait(30) == 0
    server = PostgresCommand(data=tmp_path / "data", run=tmp_path / "run", more=more).ready()
    assert passfile.read_text() != first
    with connect(passfile, port) as connection:
        assert connection.execute("SELECT n FROM kept").fetchone() == (7,)
    passfile.write_text(first)
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        connect(passfile, port)
    server.process.terminate()
    assert server.process.wait(30) == 0
