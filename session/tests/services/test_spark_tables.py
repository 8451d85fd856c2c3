"""The tables of a person: made by any client, seen by all drivers at once, and there after a sleep."""

from collections.abc import Callable
from pathlib import Path

from session.tests.running import Running, interface

Start = Callable[..., Running]

SPARK = """
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
def rows(sql):
    print([tuple(row) for row in spark.sql(sql).collect()])
"""
MAKE = """
frame = spark.range(4).selectExpr("id", "id % 2 AS half", "concat('\\u00fc', id) AS s")
frame.write.saveAsTable("plain")
frame.write.partitionBy("half").saveAsTable("parted")
frame.write.format("csv").option("header", True).saveAsTable("as_csv")
spark.sql("CREATE DATABASE other COMMENT 'mine'")
frame.write.saveAsTable("other.inside")
spark.sql("CREATE VIEW even AS SELECT id FROM plain WHERE half = 0")
spark.sql("CREATE TABLE empty (a INT COMMENT 'a number', b STRING) USING parquet")
frame.write.saveAsTable("dropped")
spark.sql("DROP TABLE dropped")
frame.write.saveAsTable("renamed")
spark.sql("ALTER TABLE renamed RENAME TO has_new_name")
"""


async def awake(start: Start, generation: int = 1) -> Running:
    spark = {"mode": "local", "memory": 2**29, "cores": 1}
    running = start(interface=interface("jupyterlab"), spark=spark, generation=generation, resume=generation > 1)
    await running.until_state("ready")
    return running


def left_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if not path.name.startswith(".")}


async def test_tables_are_there_after_a_sleep_and_their_names_are_free_when_they_are_dropped(start: Start) -> None:
    running = await awake(start)
    async with running.kernel(await running.new_kernel("python3")) as kernel:
        await kernel.shown(SPARK + MAKE)
    assert await running.suspend() == 0

    running = await awake(start, 2)
    async with running.kernel(await running.new_kernel("python3")) as kernel:
        await kernel.shown(SPARK)
        tables = await kernel.shown("print(sorted(table.name for table in spark.catalog.listTables()))")
        assert tables.splitlines()[-1] == "['as_csv', 'empty', 'even', 'has_new_name', 'parted', 'plain']"
        for table in ("plain", "parted", "as_csv", "other.inside", "has_new_name"):
            last = (await kernel.shown(f"rows('SELECT id, half, s FROM {table} ORDER BY id')")).splitlines()[-1]
            assert last.replace("'", "") == "[(0, 0, ü0), (1, 1, ü1), (2, 0, ü2), (3, 1, ü3)]", table
        assert (await kernel.shown("rows('SELECT * FROM even ORDER BY id')")).splitlines()[-1] == "[(0,), (2,)]"
        assert "a number" in await kernel.shown("rows('DESCRIBE empty')")
        # Added to, made anew, and dropped with what is on the disk.
        await kernel.shown("spark.range(1).selectExpr('9L AS id', '1L AS half', '\"x\" AS s').write.insertInto('plain')")
        assert (await kernel.shown("rows('SELECT count(*) FROM plain')")).splitlines()[-1] == "[(5,)]"
        await kernel.shown("spark.sql('DROP TABLE plain'); spark.range(2).write.saveAsTable('plain')")
        assert (await kernel.shown("rows('SELECT count(*) FROM plain')")).splitlines()[-1] == "[(2,)]"
        await kernel.shown("spark.range(3).write.mode('overwrite').saveAsTable('plain'); spark.stop()")


async def test_two_notebooks_of_a_folder_see_each_others_tables_and_leave_nothing_in_it(start: Start) -> None:
    running = await awake(start)
    (running.home / "course").mkdir()
    ids = [(await running.new_session(f"course/{name}.ipynb", "python3"))["kernel"]["id"] for name in ("one", "two")]
    async with running.kernel(ids[0]) as one, running.kernel(ids[1]) as other:
        for kernel in (one, other):
            await kernel.shown(SPARK)
        await one.shown("spark.range(3).write.saveAsTable('shared')")
        assert (await other.shown("rows('SELECT count(*) FROM shared')")).splitlines()[-1] == "[(3,)]"
        await other.shown("spark.range(5).write.mode('overwrite').saveAsTable('shared')")
        await one.shown("spark.catalog.refreshTable('shared')")
        assert (await one.shown("rows('SELECT count(*) FROM shared')")).splitlines()[-1] == "[(5,)]"
        await one.shown("spark.sql('DROP TABLE shared')")
        assert "shared" not in await other.shown("print(spark.catalog.listTables())")
        # Who asks for Hive's catalog gets one of the driver's own, with the same tables.
        await one.shown("spark.range(7).write.saveAsTable('for_hive'); spark.stop()")
        hive = "from pyspark.sql import SparkSession; spark = SparkSession.builder.enableHiveSupport().getOrCreate()"
        await one.shown(hive)
        assert (await one.shown("print(spark.table('for_hive').count())")).splitlines()[-1] == "7"
        await one.shown("spark.range(8).write.saveAsTable('of_hive')")
        assert (await other.shown("rows('SELECT count(*) FROM of_hive')")).splitlines()[-1] == "[(8,)]"
        await one.shown("spark.stop()")
    assert left_in(running.home / "course") == set()
    assert left_in(running.home) <= {"course", "spark-warehouse", "Welcome.ipynb"}


async def test_a_program_of_spark_that_a_person_starts_has_the_sessions_settings_and_leaves_nothing(start: Start) -> None:
    running = await awake(start)
    folder = running.home / "with a space ü"
    folder.mkdir()
    async with running.kernel(await running.new_kernel("python3")) as kernel:
        sql = "CREATE TABLE by_sql AS SELECT 1 AS one; SET spark.driver.memory"
        command = f"subprocess.run(['spark-sql', '-e', {sql!r}], cwd={str(folder)!r}, capture_output=True, text=True)"
        ran = await kernel.shown(f"import subprocess; print({command}.stdout)")
        assert "spark.driver.memory\t512m" in ran.splitlines()
        assert list(folder.iterdir()) == []
        await kernel.shown(SPARK)
        assert (await kernel.shown("rows('SELECT * FROM by_sql')")).splitlines()[-1] == "[(1,)]"
        await kernel.shown("spark.stop()")
