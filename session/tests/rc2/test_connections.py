"""What the connections pane asks of PostgreSQL: a real server, with the names and the sizes that databases have."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tests.postgres_server import PostgresServer

from rspark_session.rc2 import protocol
from rspark_session.rc2.connections import postgres, rows
from rspark_session.rc2.refusal import Refusal

pytestmark = pytest.mark.asyncio(loop_scope="module")

ODD = 'odd "name" with spaces, 100%s, ä ✓\t\n and \x01'
TABLES = f"""
CREATE SCHEMA course; CREATE SCHEMA closed;
CREATE TABLE course.numbers (n int PRIMARY KEY, half numeric(12, 2) NOT NULL, word text, day date, "to%do" text);
INSERT INTO course.numbers
  SELECT n, n / 2.0, CASE WHEN n % 10 = 3 THEN NULL ELSE 'w_' || n END, date '2024-01-01' + n, '100%'
  FROM generate_series(1, 1234) n;
CREATE VIEW course.small AS SELECT n FROM course.numbers WHERE n < 10;
CREATE TABLE course."{ODD.replace('"', '""')}" ("{ODD.replace('"', '""')}" int);
INSERT INTO course."{ODD.replace('"', '""')}" VALUES (7);
CREATE TABLE course.nothing ();
CREATE VIEW course.slow AS SELECT pg_sleep(600)::text AS slept;
CREATE TABLE course.ties (n int, word text, place point) PARTITION BY HASH (n);
CREATE TABLE course.ties_1 PARTITION OF course.ties FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE course.ties_2 PARTITION OF course.ties FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO course.ties SELECT n, 'w' || n % 2, point(n, n) FROM generate_series(1, 600) n;
CREATE VIEW course.ties_seen AS SELECT * FROM course.ties ORDER BY random();
CREATE TABLE course.narrow (n int, word text);
INSERT INTO course.narrow SELECT 600 - n, repeat('x', 1500) FROM generate_series(1, 600) n;
CREATE INDEX ON course.narrow (n);
-- PostgreSQL reads an index alone when it knows all pages of the table to be visible to all.
VACUUM ANALYZE course.narrow;
VACUUM (FREEZE, DISABLE_PAGE_SKIPPING) course.narrow;
VACUUM course.narrow;
"""
CANCEL_REQUEST = (80877102).to_bytes(4, "big")


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    server = PostgresServer()
    server.start()
    yield server
    server.remove()


@pytest.fixture(scope="module")
def filled(server: PostgresServer) -> str:
    """A database with tables."""
    database = server.create_database()
    with psycopg.connect(server.url(database), autocommit=True) as connection:
        for statement in TABLES.split(";\n"):  # one by one: no transaction may hold VACUUM
            connection.execute(statement)  # type: ignore[call-overload]  # made here
        connection.execute("DROP ROLE IF EXISTS ann; CREATE ROLE ann LOGIN; GRANT USAGE ON SCHEMA course TO ann")
        connection.execute("GRANT SELECT ON ALL TABLES IN SCHEMA course TO ann; REVOKE SELECT ON course.small FROM ann")
    return database


@pytest.fixture
def database(server: PostgresServer, filled: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The same, as what libpq's variables mean, with the account of a person."""
    for name, value in {"PGHOST": server.url("").partition("host=")[2], "PGUSER": "ann", "PGDATABASE": filled}.items():
        monkeypatch.setenv(name, value)
    return filled


async def names(*path: str) -> list[str]:
    return [entry.name for entry in (await postgres.catalog(path)).entries]


async def page(database: str, table: str, **part: Any) -> protocol.Page:
    return await rows.page(protocol.RowsRequest(service="postgres", path=(database, "course", table), **part))


def matching(found: protocol.Page) -> list[str | None]:
    return list(found.cells[0])


async def test_what_there_is_comes_level_by_level(database: str) -> None:
    assert (await names())[0] == database, "one's own first"
    assert await names(database) == ["public", "course"], "and no schema that is closed to this person"
    found = await postgres.catalog((database, "course"))
    assert {entry.name: entry.kind for entry in found.entries} == {
        "numbers": "table",
        "small": "view",
        ODD: "table",
        "nothing": "table",
        "slow": "view",
        "ties": "table",
        "ties_seen": "view",
        "narrow": "table",
    }
    columns = (await postgres.catalog((database, "course", "numbers"))).entries
    assert [(column.name, column.detail, column.key) for column in columns] == [
        ("n", "integer not null", True),
        ("half", "numeric(12,2) not null", False),
        ("word", "text", False),
        ("day", "date", False),
        ("to%do", "text", False),
    ]
    assert await names(database, "course", ODD) == [ODD]


async def test_rows_are_read_sorted_filtered_and_searched_by_the_server(database: str) -> None:
    found = await page(database, "numbers", rows=3, first_row=1000, sort=[{"column": 0}])
    assert (found.rows, found.matching, found.all_columns, found.more) == (1234, 1234, 5, False)
    assert [(column.name, column.type) for column in found.columns][:2] == [("n", "integer"), ("half", "numeric")]
    assert found.cells[:4] == (
        ("1001", "1002", "1003"),
        ("500.50", "501.00", "501.50"),
        ("w_1001", "w_1002", None),
        ("2026-09-28", "2026-09-29", "2026-09-30"),
    )
    assert found.row_names == ("1001", "1002", "1003")
    found = await page(database, "numbers", sort=[{"column": 0, "descending": True}], first_column=2, columns=1, rows=1)
    assert (found.cells, [column.name for column in found.columns]) == ((("w_1234",),), ["word"])

    async def passes(column: int, operator: str, *values: Any) -> int:
        return (await page(database, "numbers", filters=[{"column": column, "operator": operator, "values": values}])).matching

    assert await passes(0, "<=", 5.0) == 5
    assert await passes(0, "between", 5, 7) == 3
    assert await passes(0, "in", 5, 7, 99999) == 2
    assert await passes(2, "is_missing") == 124
    assert await passes(2, "starts", "w_123") == 4  # and 3, 13, 23 … are missing
    assert await passes(2, "contains", "W_1") == 311
    assert await passes(2, "contains", "w%1") == 0
    assert await passes(3, ">", "2026-01-01") == 1234 - 731
    assert await passes(4, "=", "100%") == 1234
    assert (await page(database, "numbers", search="W_77")).matching == 10
    assert (await page(database, "numbers", search="%_")).matching == 0
    assert matching(await page(database, ODD, filters=[{"column": 0, "operator": "=", "values": [7.0]}])) == ["7"]
    assert (await page(database, "nothing")).all_columns == 0


@pytest.mark.parametrize("table", ["ties", "ties_seen", "narrow"])
@pytest.mark.parametrize("sort", [[], [{"column": 1}]])
async def test_pages_together_have_each_row_once(database: str, table: str, sort: list[dict[str, int]]) -> None:
    read: list[str | None] = []
    for row, count in ((0, 7), (7, 93), (100, 300), (400, 200)):
        read += (await page(database, table, first_row=row, rows=count, sort=sort, columns=1)).cells[0]
    assert sorted(map(int, filter(None, read))) == list(range(1, 601) if table != "narrow" else range(600))
    whole = await page(database, table, rows=600, sort=sort)
    assert list(whole.cells[0]) == read, "also beside the other columns"


@pytest.mark.long
async def test_a_server_that_hangs_is_given_up_and_asked_again(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hangs, folder = True, os.environ["PGHOST"]

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        hung = False
        while data := await reader.read(2**16):
            if data[4:8] == CANCEL_REQUEST:
                break
            hung = hung or (hangs and b"pg_database" in data)
            if not hung:
                writer.write(data)
        writer.close()

    async def between(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind, before = await asyncio.open_unix_connection(f"{folder}/.s.PGSQL.5432")
        await asyncio.gather(carry(reader, before), carry(behind, writer))

    async with await asyncio.start_unix_server(between, tmp_path / ".s.PGSQL.5432"):
        monkeypatch.setenv("PGHOST", str(tmp_path))
        monkeypatch.setattr(postgres, "_WHOLE", 2.0)
        answers = await asyncio.gather(*(postgres.catalog(()) for _ in range(4)), return_exceptions=True)
        assert ["took longer than 2 s" in str(answer) for answer in answers] == [True] * 4
        hangs = False
        monkeypatch.setattr(postgres, "_WHOLE", 60.0)
        assert (await names())[0] == database


async def test_what_cannot_be_read_is_one_sentence(
    database: str, server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refusal(work: Any) -> str:
        with pytest.raises(Refusal) as caught:
            await work
        return str(caught.value)

    assert "Refresh the list" in await refusal(page(database, "gone"))
    assert "Refresh the list" in await refusal(postgres.catalog(("no such database",)))
    assert "permission denied for view small" in await refusal(page(database, "small"))
    assert "invalid input syntax" in await refusal(
        page(database, "numbers", filters=[{"column": 0, "operator": "=", "values": ["ten"]}])
    )
    assert "no such column" in await refusal(page(database, "numbers", sort=[{"column": 99}]))
    monkeypatch.setitem(postgres._OPTIONS, "statement_timeout", "500")
    assert "took longer" in await refusal(page(database, "slow"))
    with psycopg.connect(server.url(database)) as connection:
        connection.execute("LOCK course.numbers IN ACCESS EXCLUSIVE MODE")
        monkeypatch.setitem(postgres._OPTIONS, "lock_timeout", "100")
        monkeypatch.setitem(postgres._OPTIONS, "statement_timeout", "60000")
        assert "locked by a transaction" in await refusal(page(database, "numbers"))
    monkeypatch.setenv("PGHOST", "/nonexistent")
    assert "PostgreSQL does not answer" in await refusal(postgres.catalog(()))
    monkeypatch.delenv("PGHOST")
    assert "has no PostgreSQL" in await refusal(postgres.catalog(()))


async def test_nothing_can_be_changed_by_looking(database: str) -> None:
    with pytest.raises(Refusal, match="read-only"):
        async with postgres.connected(database) as connection:
            await connection.execute("CREATE TABLE made (n int)")


async def test_ten_thousand_tables_are_one_bounded_answer(server: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> None:
    crowded = server.create_database()
    with psycopg.connect(server.url(crowded), autocommit=True) as connection:
        for begin in range(1, 10_003, 1000):  # few locks in a transaction
            making = (f"CREATE VIEW v{number:05} AS SELECT 1" for number in range(begin, min(begin + 1000, 10_003)))
            connection.execute(";".join(making))  # type: ignore[arg-type]  # made here
    for name, value in {"PGHOST": server.url("").partition("host=")[2], "PGUSER": "postgres", "PGDATABASE": crowded}.items():
        monkeypatch.setenv(name, value)
    found = await postgres.catalog((crowded, "public"))
    assert (len(found.entries), found.more, found.entries[-1].name) == (10_000, True, "v10000")


async def test_a_few_connections_are_enough_for_many_questions(database: str, server: PostgresServer) -> None:
    with psycopg.connect(server.url(database), autocommit=True) as connection:
        connection.execute("ALTER ROLE ann CONNECTION LIMIT 3")
        try:
            found = await asyncio.gather(*(page(database, "numbers", first_row=row) for row in range(20)))
        finally:
            connection.execute("ALTER ROLE ann CONNECTION LIMIT -1")
    assert [each.first_row for each in found] == list(range(20))


async def test_a_session_without_postgres_has_none() -> None:
    assert postgres.is_there({}) is False
    assert postgres.is_there({**os.environ, "PGHOST": "localhost"}) is True
