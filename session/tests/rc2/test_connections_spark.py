"""What the connections pane asks of Spark: the driver that a console of Python or R has, and no other."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from session.tests.rc2.conftest import connected
from session.tests.running import WAIT, Running, command_of, interface, members, spec

from rspark_session.rc2 import protocol
from rspark_session.rc2.client import Client

pytestmark = pytest.mark.asyncio(loop_scope="module")

PYTHON = """
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
spark.sql("CREATE TABLE IF NOT EXISTS kept AS SELECT id, concat('w', id) AS word, "
          "CASE WHEN id % 3 = 0 THEN NULL ELSE id / 2 END AS half FROM range(1500)")
spark.sql("CREATE DATABASE IF NOT EXISTS other")
spark.sql("CREATE VIEW IF NOT EXISTS small AS SELECT * FROM kept WHERE id < 10")
spark.sql("SELECT map('a', array(1, 2)) AS `dotted.name`, X'00FF' AS raw").createOrReplaceTempView('odd_view')
spark.sql("SELECT sum(hash(a.id, b.id)) AS s FROM range(3000000000) a, range(300) b").createOrReplaceTempView('slow')
import rspark_session.services.spark.catalog as looks
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    """A session with Spark, in which nobody has started it."""
    folder = tmp_path_factory.mktemp("connections")
    spark = {"mode": "local", "memory": 2**29, "cores": 1}
    running = Running(spec(folder, id="t" + uuid.uuid4().hex[:9], interface=interface("rc2"), spark=spark, memory=2**32))
    running.start()
    await running.until_state("ready")
    yield running
    await running.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def python(running: Running) -> AsyncIterator[str]:
    """A console of Python, with one driver for all tests that use it."""
    async with connected(running) as client:
        yield await client.start("python3")


async def ask(running: Running, what: str, console: str, *path: str, **more: Any) -> Any:
    """Ask until there is an answer: at first a driver on a slow machine takes longer than a pane waits."""
    body = {"service": "spark", "console": console, "path": path, **more}
    async with asyncio.timeout(WAIT):
        while True:
            answer = await running.post(f"rc2/api/connections/{what}", json=body)
            if not any(sign in answer.text for sign in ("took longer", "does not answer", "is computing")):
                assert answer.status_code == 200, answer.text
                return answer.json()


async def names(running: Running, console: str, *path: str) -> list[tuple[str, str]]:
    found = await ask(running, "catalog", console, *path)
    assert found["started"]
    return [(entry["name"], entry["kind"]) for entry in found["entries"]]


async def finished(client: Client, console: str, code: str) -> None:
    execution = await client.begin(console, code)
    assert (await client.finished(execution)).status == "ok", client.text(execution)


@pytest.mark.long
async def test_to_look_starts_no_driver_and_finds_the_one_that_runs(running: Running, client: Client, python: str) -> None:
    r = await client.start("ir")
    told = (await running.get("rc2/api/connections")).json()["connections"]
    assert [(one["service"], one["title"], one["console"]) for one in told] == [
        ("spark", "Spark in Python", python),
        ("spark", "Spark in R", r),
    ]
    for console in (python, r):
        assert (await ask(running, "catalog", console))["started"] is False
    assert not [process for process in members(running.name) if "java" in command_of(process)[:1]]

    await finished(client, python, PYTHON)
    assert await names(running, python) == [("", "database"), ("default", "database"), ("other", "database")]
    assert await names(running, python, "default") == [("kept", "table"), ("small", "view")]
    assert await names(running, python, "other") == []
    assert await names(running, python, "") == [("odd_view", "view"), ("slow", "view")]
    columns = (await ask(running, "catalog", python, "default", "kept"))["entries"]
    assert [(column["name"], column["detail"]) for column in columns] == [
        ("id", "bigint"),
        ("word", "string"),
        ("half", "double"),
    ]
    assert (await ask(running, "catalog", r))["started"] is False, "R has a driver of its own, or none"


@pytest.mark.long
async def test_the_first_rows_of_a_table_are_read_sorted_and_filtered_by_spark(
    running: Running, client: Client, python: str
) -> None:
    await finished(client, python, PYTHON)
    found = await ask(running, "page", python, "default", "kept", rows=2, sort=[{"column": 0, "descending": True}])
    assert (found["rows"], found["all_columns"], found["more"]) == (1000, 3, True)
    assert found["cells"] == [["1499", "1498"], ["w1499", "w1498"], ["749.5", "749.0"]]
    found = await ask(running, "page", python, "default", "kept", rows=2, first_row=998, sort=[{"column": 0, "descending": True}])
    assert found["cells"][0] == ["501", "500"]

    async def passes(column: int, operator: str, *values: Any) -> int:
        condition = {"column": column, "operator": operator, "values": values}
        return int((await ask(running, "page", python, "default", "kept", filters=[condition]))["matching"])

    assert await passes(2, "is_missing") == 500
    assert await passes(0, "between", 5, 7) == 3
    assert await passes(1, "in", "w5", "w7") == 2
    assert await passes(1, "contains", "W149") == 11
    assert (await ask(running, "page", python, "default", "kept", search="W1499"))["matching"] == 1
    odd = await ask(running, "page", python, "", "odd_view")
    assert [column["name"] for column in odd["columns"]] == ["dotted.name", "raw"]
    assert odd["cells"] == [["{a -> [1, 2]}"], ["00FF"]]
    # Of rows that are long, fewer are kept in the person's memory.
    await finished(client, python, "kept, looks._MOST_CHARACTERS = looks._MOST_CHARACTERS, 50")
    found = await ask(running, "page", python, "default", "kept", sort=[{"column": 0}])
    assert (found["rows"], found["more"], found["cells"][1][:2]) == (10, True, ["w0", "w1"])
    await finished(client, python, "looks._MOST_CHARACTERS = kept")
    gone = await running.post("rc2/api/connections/page", json={"service": "spark", "console": python, "path": ["default", "no"]})
    assert gone.json()["title"] == "It is not there any more. Refresh the list."
    # What takes long is given up, and its jobs are cancelled.
    await finished(client, python, "looks._PATIENCE = 3")
    slow = await running.post("rc2/api/connections/page", json={"service": "spark", "console": python, "path": ["", "slow"]})
    assert "took longer than 3 s" in slow.json()["title"]
    left = "import time\nwhile spark.sparkContext.statusTracker().getActiveJobsIds(): time.sleep(0.1)\nlooks._PATIENCE = 20"
    await finished(client, python, left)
    # Rows that were read of one driver are not told of the next.
    await ask(running, "page", python, "", "odd_view")
    again = "spark.stop()\nspark = SparkSession.builder.getOrCreate()\nspark.range(3).createOrReplaceTempView('odd_view')"
    await finished(client, python, again)
    assert (await ask(running, "page", python, "", "odd_view", first_row=1))["cells"] == [["1", "2"]]
    await finished(client, python, "spark.stop()")


@pytest.mark.long
async def test_r_tells_what_its_driver_holds(running: Running, client: Client) -> None:
    r = await client.start("ir")
    await finished(client, r, "rspark::spark_db(); DBI::dbWriteTable(rspark::spark_db(), 'cars', mtcars, overwrite = TRUE)")
    assert ("cars", "table") in await names(running, r, "default")
    found = await ask(running, "page", r, "default", "cars", rows=1, sort=[{"column": 0}])
    assert (found["rows"], found["more"], found["cells"][0]) == (32, False, ["10.4"])
    assert (await ask(running, "page", r, "default", "cars", filters=[{"column": 1, "operator": "=", "values": [8]}]))[
        "rows"
    ] == 14
    heavier = [{"column": 5, "operator": ">", "values": [5.34499]}]
    assert (await ask(running, "page", r, "default", "cars", filters=heavier))["rows"] == 2, "as many decimals as were asked for"
    # An interrupt ends a look, and what it has Spark compute.
    slow = "DBI::dbExecute(rspark::spark_db(), 'CREATE TEMPORARY VIEW slow AS SELECT sum(hash(a.id, b.id)) AS s "
    await finished(client, r, f"{slow}FROM range(3000000000) a, range(300) b')")
    (application,) = (await running.get("spark/api/v1/applications")).json()

    async def computes() -> bool:
        return bool((await running.get(f"spark/api/v1/applications/{application['id']}/jobs?status=running")).json())

    body = {"service": "spark", "console": r, "path": ["", "slow"]}
    looking = asyncio.ensure_future(running.post("rc2/api/connections/page", json=body))
    async with asyncio.timeout(WAIT):
        while not await computes():
            assert not looking.done(), looking.result().text
        await client.send(protocol.Interrupt(console=r))
        assert "was interrupted" in (await looking).json()["title"]
        while await computes():
            pass
    await finished(client, r, "rspark::spark_stop()")
    assert (await ask(running, "catalog", r))["started"] is False


async def test_a_session_without_postgres_and_a_console_that_is_gone_say_so(running: Running, client: Client) -> None:
    none = await running.post("rc2/api/connections/catalog", json={"service": "postgres"})
    assert none.json() == {"title": "This session has no PostgreSQL.", "status": 404}
    gone = await running.post("rc2/api/connections/catalog", json={"service": "spark", "console": "gone"})
    assert gone.json()["title"] == "This console does not run. Start it again."
    short = await running.post("rc2/api/connections/page", json={"service": "postgres", "path": ["a", "b"]})
    assert short.json()["title"] == "This is no table."
    assert isinstance(
        protocol.Connections.model_validate((await running.get("rc2/api/connections")).json()), protocol.Connections
    )
