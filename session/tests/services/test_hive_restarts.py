"""What Hive acknowledged is there after any end of it, and what becomes of a database by a backup and with its person."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from session.tests.services.test_hive import PROLOGUE, Person
from tests.hdfs_server import HdfsServer
from tests.hive_server import HiveServer

from rsparkhub.domain.errors import InvalidInput

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HiveServer]:
    folder = tmp_path_factory.mktemp("hive")
    with HdfsServer(folder) as hdfs, HiveServer(folder, hdfs) as server:
        yield server


@pytest.fixture(scope="module")
def ada(server: HiveServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Person]:
    ada = Person(server, tmp_path_factory.mktemp("people"), "ada")
    try:
        yield ada
    finally:
        ada.end()


_MAKE = """
for number in range(10_000):
    try:
        spark.sql(f"CREATE TABLE made_{number} (a INT) STORED AS PARQUET")
    except Exception as problem:
        say("problem", str(problem)[:200])
        break
    say(f"made_{number}", True)
"""
_TABLES = 'say("tables", sorted(table.name for table in spark.catalog.listTables()))'


@pytest.mark.long
def test_all_killed_while_it_writes_loses_nothing_that_was_acknowledged(server: HiveServer, ada: Person) -> None:
    making = subprocess.Popen(
        ["python", "-"], env=ada.environ, cwd=ada.running.home, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    assert making.stdin is not None
    assert making.stdout is not None
    making.stdin.write(PROLOGUE + _MAKE)
    making.stdin.close()
    made: list[str] = []
    enough = threading.Event()

    def read() -> None:
        assert making.stdout is not None
        for line in making.stdout:
            if line.startswith("SAID "):
                made.append(json.loads(line.removeprefix("SAID "))[0])
                if len(made) >= 5:
                    enough.set()

    reading = threading.Thread(target=read)
    reading.start()
    assert enough.wait(300)
    server.kill()
    making.wait(300)
    reading.join()
    server.start()
    found = ada.python(_TABLES)["tables"]  # by the same token of HDFS and the same secret
    assert set(made) - {"problem"} <= set(found)


@pytest.mark.long
def test_a_metastore_that_is_killed_ends_the_service_with_a_sentence(server: HiveServer) -> None:
    os.kill(server.metastore(), signal.SIGKILL)
    assert server.process is not None
    assert server.process.wait(60) == 1
    assert "Hive's metastore ended by itself with code -9. Its log says why." in server.log.read_text()
    assert not server.endpoint_file.exists()
    server.start()


@pytest.mark.long
def test_a_backup_brings_back_what_was_known_of_tables(server: HiveServer, ada: Person, tmp_path: Path) -> None:
    before = ada.python('spark.range(3).write.mode("overwrite").saveAsTable("kept")\n' + _TABLES)["tables"]
    asyncio.run(server.service.backup(server.endpoint, tmp_path))
    ada.python('spark.sql("ALTER TABLE kept RENAME TO other")')
    ada.python('spark.sql("ALTER TABLE other RENAME TO kept")\nspark.sql("CREATE TABLE later (a INT) STORED AS PARQUET")')
    asyncio.run(server.service.restore(server.endpoint, tmp_path))
    after = ada.python(_TABLES + '\nsay("rows", spark.table("kept").count())')
    assert (after["tables"], after["rows"]) == (before, 3)
    (tmp_path / "hive.tar").write_bytes(b"no tar file" * 100)
    with pytest.raises(InvalidInput, match="The backup of Hive can't be read"):
        asyncio.run(server.service.restore(server.endpoint, tmp_path))
    with pytest.raises(InvalidInput, match="There is no backup of Hive in"):
        asyncio.run(server.service.restore(server.endpoint, tmp_path / "away"))


def test_java_that_is_too_old_is_a_sentence(server: HiveServer, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/java").write_text("#!/bin/sh\necho 'openjdk version \"11.0.2\"' >&2\nexit 1\n")
    (tmp_path / "bin/java").chmod(0o755)
    other = HiveServer(tmp_path, server.hdfs)
    with pytest.raises(AssertionError, match=r"Hive needs Java 17, and this machine's is 11. Install a newer one: make hive\."):
        other.start(JAVA_HOME=str(tmp_path))


@pytest.mark.long
def test_a_port_that_another_has_is_another_one(server: HiveServer, ada: Person) -> None:
    server.end()
    before = json.loads((server.data / "ports.json").read_text())["metastore"]
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", before))
        taken.listen()
        server.start()
        assert server.endpoint["port"] != before
    server.end()  # and sessions that were there before find it where it was
    (server.data / "ports.json").write_text(
        json.dumps(json.loads((server.data / "ports.json").read_text()) | {"metastore": before})
    )
    server.start()


@pytest.mark.long
def test_a_group_that_is_removed_leaves_a_list_of_tables_and_nothing_to_a_later_one(
    server: HiveServer, ada: Person, tmp_path: Path
) -> None:
    service, endpoint = server.service, server.endpoint
    asyncio.run(service.ensure_account(endpoint, server.account("ada", ("lab",))))
    asyncio.run(server.hdfs.service.ensure_account(server.hdfs.endpoint, server.account("ada", ("lab",))))
    ada.python('spark.range(3).write.mode("overwrite").saveAsTable("group_lab.kept")')
    asyncio.run(service.remove_group(endpoint, group="lab", archive=tmp_path))  # before ada is known to have left
    (table,) = json.loads((tmp_path / "hive.json").read_text())
    assert (table["name"], table["location"].endswith("/group/lab/hive/kept")) == ("kept", True)
    asyncio.run(service.remove_group(endpoint, group="lab", archive=tmp_path / "again"))
    assert json.loads((tmp_path / "again/hive.json").read_text()) == []
    members = server.session("s-later", "ada", groups=("lab.2",))
    config = next(each["config"] for each in members["services"] if each["name"] == "hive")
    assert config["databases"] == ["ada", "group_lab_2"]
    # The files are HDFS's to archive and to delete.
    asyncio.run(server.hdfs.service.remove_group(server.hdfs.endpoint, group="lab", archive=tmp_path))
    with tarfile.open(tmp_path / "hdfs.tar") as archive:
        assert any(name.startswith("lab/hive/kept/part-") for name in archive.getnames())
    asyncio.run(server.hdfs.service.remove_group(server.hdfs.endpoint, group="lab", archive=tmp_path / "gone"))
    assert not (tmp_path / "gone/hdfs.tar").exists()


def test_a_person_who_is_removed_leaves_a_list_of_tables_and_no_database(server: HiveServer, ada: Person, tmp_path: Path) -> None:
    ada.python('spark.range(3).write.mode("overwrite").saveAsTable("kept")')
    asyncio.run(server.service.remove_account(server.endpoint, user="ada", archive=tmp_path))
    tables = {table["name"]: table for table in json.loads((tmp_path / "hive.json").read_text())}
    assert tables["kept"]["columns"] == [{"name": "id", "type": "bigint"}]
    assert tables["kept"]["location"].endswith("/user/ada/hive/kept")
    assert (tmp_path / "hive.json").stat().st_mode & 0o077 == 0
    asyncio.run(server.service.remove_account(server.endpoint, user="ada", archive=None))
    asyncio.run(server.service.ensure_account(server.endpoint, server.account("ada")))
    asyncio.run(server.service.remove_account(server.endpoint, user="ada", archive=tmp_path / "again"))
    assert json.loads((tmp_path / "again/hive.json").read_text()) == []
