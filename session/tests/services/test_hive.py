"""Hive in sessions: what a person does with their tables, and what nobody can do to another's."""

import asyncio
import json
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from session.tests.rc2.conftest import connected
from session.tests.rc2.test_connections_spark import ask, finished, names
from session.tests.running import WAIT, Running, interface, members, part, spec
from session.tests.services.test_hdfs import SPARK
from tests.hdfs_server import HdfsServer
from tests.hive_server import HiveServer

pytestmark = pytest.mark.timeout(900)


class Person:
    """A person's session with Spark and Hive, in which one program sleeps: all that is started has its environment."""

    def __init__(self, server: HiveServer, folder: Path, user: str, groups: tuple[str, ...] = ()) -> None:
        members = server.session(f"s-{user}", user, groups=groups)
        members["services"].append({"name": "spark", "title": "Spark", "config": SPARK})
        parts = [part("idle", "sleep", "3600")]
        members |= {"interface": interface("rc2"), "home": str(folder / user)}
        self.running = Running(spec(folder, parts=parts, **members))
        self.running.home.mkdir()
        self.config = next(each["config"] for each in members["services"] if each["name"] == "hive")
        self.running.start()
        deadline = time.monotonic() + 120
        while self.running.status()["state"] != "ready":
            assert time.monotonic() < deadline, self.running.log("agent")
            time.sleep(0.05)
        idle = next(child for child in psutil.Process(self.running.process.pid).children() if child.name() == "sleep")  # type: ignore[union-attr]
        self.environ = idle.environ()

    def end(self) -> None:
        """End the session, with what a shim would end of it."""
        assert self.running.process is not None
        self.running.process.terminate()
        self.running.process.wait(60)
        for left in members(self.running.name):
            left.kill()

    def run(self, *command: str, text: str, **environ: str) -> str:
        """Run a program in the session, with what it is to read; return all that it prints."""
        done = subprocess.run(
            command, env=self.environ | environ, cwd=self.running.home, input=text, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, check=False, timeout=3 * WAIT,
        )  # fmt: skip
        return done.stdout

    def python(self, code: str, **environ: str) -> "Said":
        """Run Python with a driver of Spark, `spark`; what `say(name, value)` says is returned by its name."""
        return Said(self.run("python", "-", text=PROLOGUE + code, **environ))


class Said(dict[str, Any]):
    """What a program said by name; `text` is all that it printed."""

    def __init__(self, text: str) -> None:
        self.text = text
        lines = [line.removeprefix("SAID ") for line in text.splitlines() if line.startswith("SAID ")]
        super().__init__(json.loads(line) for line in lines)

    def __missing__(self, name: str) -> Any:
        raise AssertionError(f"nothing was said of {name}:\n{self.text}")


PROLOGUE = """
import json
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()

def say(name, value):
    print("SAID " + json.dumps([name, value]), flush=True)

def attempt(name, do):
    try:
        say(name, ["done", str(do())])
    except Exception as problem:
        java = getattr(problem, "java_exception", None)
        say(name, ["refused", java.toString() if java is not None else str(problem)])

def sql(name, text):
    attempt(name, lambda: spark.sql(text).collect())
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HiveServer]:
    folder = tmp_path_factory.mktemp("hive")
    with HdfsServer(folder) as hdfs, HiveServer(folder, hdfs) as server:
        yield server


@pytest.fixture(scope="module")
def people(server: HiveServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Person]]:
    folder = tmp_path_factory.mktemp("people")
    people: dict[str, Person] = {}
    try:
        for user in ("ada", "ben"):
            people[user] = Person(server, folder, user)
        yield people
    finally:
        for person in people.values():
            person.end()


@pytest.fixture(scope="module")
def hers(people: dict[str, Person]) -> Said:
    """Ada's tables: one made by Spark, one by Hive's own words, one with partitions, a view; and what she reads of them."""
    return people["ada"].python("""
spark.range(10).write.saveAsTable("numbers")
spark.sql("CREATE TABLE words (id INT, word STRING) STORED AS PARQUET")
spark.sql("INSERT INTO words VALUES (1, 'secret')")
spark.sql("CREATE TABLE days (n INT, day STRING) USING parquet PARTITIONED BY (day)")
spark.sql("INSERT INTO days VALUES (1, 'mon'), (2, 'tue')")
spark.sql("CREATE VIEW large AS SELECT * FROM numbers WHERE id > 7")
say("tables", sorted(table.name for table in spark.catalog.listTables()))
say("numbers", spark.table("ada.numbers").count())
say("words", [row.word for row in spark.table("words").collect()])
say("days", spark.sql("SELECT n FROM days WHERE day = 'tue'").first().n)
say("large", spark.table("large").count())
say("databases", [row[0] for row in spark.sql("SHOW DATABASES").collect()])
say("location", spark.sql("DESCRIBE FORMATTED words").where("col_name = 'Location'").first().data_type)
sql("database", "CREATE DATABASE more")
sql("default", "CREATE TABLE default.mine (a INT) STORED AS PARQUET")
""")


@pytest.mark.long
def test_a_person_has_tables_in_a_database_of_their_own(hers: Said) -> None:
    assert hers["tables"] == ["days", "large", "numbers", "words"]
    assert (hers["numbers"], hers["words"], hers["days"], hers["large"]) == (10, ["secret"], 2, 2)
    assert hers["databases"] == ["ada", "default"]
    assert hers["location"].endswith("/user/ada/hive/words")
    assert "Hive has one database for each person and each group, and makes them itself. Yours: ada." in hers["database"][1]
    assert hers["default"][0] == "refused"


@pytest.mark.long
def test_r_has_hive_as_a_database(people: dict[str, Person], hers: Said) -> None:
    said = people["ada"].run("R", "--no-echo", "--no-save", text="""
suppressMessages(library(rspark)); suppressMessages(library(dplyr))
con <- suppressMessages(hive())
show(con)
cat("TABLES", sort(DBI::dbListTables(con)), "\\n")
cat("WORD", DBI::dbGetQuery(con, "SELECT word FROM words")$word, "\\n")
DBI::dbWriteTable(con, "cars", mtcars)
cat("ROWS", nrow(DBI::dbReadTable(con, "cars")), DBI::dbExistsTable(con, "cars"), DBI::dbExistsTable(con, "none"), "\\n")
cat("DPLYR", tbl(con, "cars") |> filter(cyl == 4) |> summarise(n = n()) |> pull(n), "\\n")
cat("SPARK", spark_sql("SELECT count(*) AS n FROM cars")$n, "\\n")
DBI::dbAppendTable(con, "cars", mtcars[1:2, ])
cat("MORE", DBI::dbGetQuery(con, "SELECT count(*) AS n FROM cars")$n, "\\n")
message_of <- function(code) tryCatch(code, error = function(error) cat("SAYS", conditionMessage(error), "\\n"))
message_of(DBI::dbBegin(con))
message_of(DBI::dbWriteTable(con, "cars", mtcars))
message_of(DBI::dbGetQuery(con, "SELECT * FROM nowhere"))
message_of(DBI::dbGetQuery(con, "SELECT * FROM ben.t"))
message_of(DBI::dbExecute(con, "CREATE DATABASE more"))
DBI::dbRemoveTable(con, "cars")
cat("GONE", DBI::dbExistsTable(con, "cars"), "\\n")
print(connections()[, c("service", "account", "use")])
""")  # fmt: skip
    for expected in (
        "<Hive, database ada>", "TABLES days large numbers words", "WORD secret", "ROWS 32 TRUE FALSE", "DPLYR 11", "SPARK 32",
        "MORE 34", "GONE FALSE",
        "SAYS Hive has no transactions: each statement counts at once. Leave dbBegin() and dbCommit() out.",
        "SAYS Spark has a table cars already.",
        "SAYS Spark says: [TABLE_OR_VIEW_NOT_FOUND] The table or view `nowhere` cannot be found.",
        "SAYS Spark says: [TABLE_OR_VIEW_NOT_FOUND] The table or view `ben`.`t` cannot be found.",
        "SAYS Spark says: Hive has one database for each person and each group, and makes them itself. Yours: ada.",
    ):  # fmt: skip
        assert expected in said, said
    assert "hive()" in said, said


@pytest.mark.long
def test_programs_that_speak_hiveserver2s_protocol_have_the_same_tables(people: dict[str, Person], hers: Said) -> None:
    ada = people["ada"]
    said = ada.run("hive", "-e", "SELECT word FROM words; CREATE TABLE by_jdbc AS SELECT 7 AS seven", text="")
    assert "| secret  |" in said, said
    assert ada.python('say("seven", spark.table("by_jdbc").first().seven)')["seven"] == 7
    address = ada.run("hiveserver2", text="").splitlines()[0]
    password = Path(ada.environ["RSPARK_HIVE_PASSWORD_FILE"]).read_text()
    for who in (("-p", "wrong"), ("-p", ""), ("-p", password[:-1])):
        said = ada.run("beeline", "-u", address, "-n", "ada", *who, "-e", "SELECT word FROM words", text="")
        assert "Error validating the login" in said, said
        assert "secret " not in said


@pytest.mark.long
def test_pyhive_has_the_same_tables_with_the_rights_of_its_person(people: dict[str, Person], hers: Said) -> None:
    ada = people["ada"]
    said = Said(
        ada.run(
            "python",
            "-",
            text="""
import json, subprocess
from pyhive import hive

def ask(name, statement, **changed):
    try:
        with hive.connect(**way | changed) as connection, connection.cursor() as cursor:
            cursor.execute(statement)
            found = cursor.fetchall() if cursor.description else []
    except Exception as problem:
        found = "refused: " + str(problem)
    print("SAID " + json.dumps([name, found]), flush=True)

way = json.loads(subprocess.run(["hiveserver2", "--json"], stdout=subprocess.PIPE, check=True).stdout)
ask("words", "SELECT id, word FROM words")
ask("made", "CREATE TABLE by_pyhive STORED AS PARQUET AS SELECT 7 AS seven")
ask("seven", "SELECT seven FROM ada.by_pyhive")
ask("databases", "SHOW DATABASES")
ask("others", "CREATE TABLE ben.by_ada STORED AS PARQUET AS SELECT 7 AS seven")
ask("wrong", "SELECT word FROM words", password="wrong")
""",
        )
    )
    assert (said["words"], said["made"], said["seven"]) == ([[1, "secret"]], [], [[7]]), said.text
    assert ["ben"] not in said["databases"]
    for name in ("others", "wrong"):
        assert said[name][:8] == "refused:", said.text
    assert "takes nothing but --json" in ada.run("hiveserver2", "--xml", text="")


# What follows is Ben against Ada: by every way in, nothing of hers is read, listed, written or dropped.


@pytest.mark.long
def test_sql_finds_nothing_of_hers(people: dict[str, Person], hers: Said) -> None:
    statements = {
        "select": "SELECT * FROM ada.words",
        "insert": "INSERT INTO ada.words VALUES (2, 'ben')",
        "show": "SHOW TABLES IN ada",
        "describe": "DESCRIBE ada.words",
        "drop": "DROP TABLE ada.words",
        "rename": "ALTER TABLE ada.words RENAME TO ada.stolen",
        "place": "ALTER TABLE ada.words SET LOCATION '/user/ben/words'",
        "create": "CREATE TABLE ada.more (a INT) STORED AS PARQUET",
        "cascade": "DROP DATABASE ada CASCADE",
        "view": "CREATE VIEW v AS SELECT * FROM ada.words",
        "function": "CREATE FUNCTION ada.f AS 'org.apache.hadoop.hive.ql.udf.UDFOPPlus'",
        "over": "CREATE EXTERNAL TABLE over_hers (id INT, word STRING) STORED AS PARQUET LOCATION '/user/ada/hive/words'",
        "read": "SELECT * FROM parquet.`hdfs:///user/ada/hive/words`",
    }
    said = people["ben"].python("".join(f"sql({name!r}, {text!r})\n" for name, text in statements.items()) + """
say("databases", [row[0] for row in spark.sql("SHOW DATABASES").collect()])
attempt("through", lambda: spark.sql("SELECT * FROM over_hers").collect())
attempt("files", lambda: spark.read.parquet("hdfs:///user/ada/hive/words").collect())
""")  # fmt: skip
    assert said["databases"] == ["ben", "default"]
    for name in statements:
        if name != "over":  # a table of his own that says where her files are opens none of them
            assert said[name][0] == "refused", (name, said[name])
    for name in ("through", "files", *statements):
        assert "secret" not in said[name][1]
    assert said["through"][0] == said["files"][0] == "refused"
    assert "Permission denied" in said["files"][1]


#: Calls on the metastore's own protocol, with whatever a client may send; `hive` is a client, `J` Java's packages.
_CALLS = {
    "get_database": "hive.getDatabase('ada')",
    "get_all_tables": "hive.getAllTables('ada')",
    "get_tables": "hive.getTables('ada', '*')",
    "get_table": "hive.getTable('ada', 'words')",
    "get_table_upper": "hive.getTable(' ADA ', 'words')",
    "get_table_objects": "hive.getTableObjectsByName('ada', names('words'))",
    "get_table_meta": "hive.getTableMeta('*', '*', names())",
    "filter": "hive.listTableNamesByFilter('ada', 'hive_filter_field_owner__ like \".*\"', -1)",
    "get_fields": "hive.getFields('ada', 'words')",
    "get_schema": "hive.getSchema('ada', 'words')",
    "partitions": "hive.listPartitions('ada', 'days', -1)",
    "partition_names": "hive.listPartitionNames('ada', 'days', -1)",
    "statistics": "hive.getTableColumnStatistics('ada', 'words', names('word'))",
    "functions": "hive.getFunctions('ada', '*')",
    "drop_table": "hive.dropTable('ada', 'words', True, False)",
    "drop_database": "hive.dropDatabase('ada', True, False, True)",
    "alter_database": "hive.alterDatabase('ada', hive.getDatabase('ben'))",
    "create_database": "hive.createDatabase(J.Database('evil', '', 'hdfs://' + place + '/user/ben/evil', None))",
    "create_role": "hive.create_role(J.Role('admin2', 0, 'ben'))",
    "roles": "hive.listRoleNames()",
    "privileges": "hive.grant_privileges(J.PrivilegeBag())",
    "delegation": "hive.getDelegationToken('ada', 'ada')",
    "delegation_own": "hive.getDelegationToken('ben', 'ben')",
    "master_keys": "hive.getMasterKeys()[0]",
    "add_master_key": "hive.addMasterKey('x')",
    "token_identifiers": "hive.getAllTokenIdentifiers()[0]",
    "token": "hive.getToken('x').strip()",
    "set_conf": "hive.setMetaConf('hive.metastore.try.direct.sql', 'false')",
    "get_conf": "hive.getConfigValue('javax.jdo.option.ConnectionURL', '')",
    "get_meta_conf": "hive.getMetaConf('hive.metastore.try.direct.sql')",
    "transaction": "hive.openTxn('ada')",
    "locks": "hive.showLocks()",
    "compact": "hive.compact('ada', 'words', None, J.CompactionType.MAJOR)",
    "events": "hive.getCurrentNotificationEventId()",
    "create_in_hers": "hive.createTable(table('ada', 'more', '/user/ada/hive/more'))",
    "create_on_disk": "hive.createTable(table('ben', 'disk', 'file:/tmp/rspark-hive-of-ben'))",
    "create_elsewhere": "hive.createTable(table('ben', 'elsewhere', 'hdfs://127.0.0.1:1/user/ben/x'))",
    "create_over_hers": "hive.createTable(table('ben', 'hers', '/user/ada/hive/evil'))",
    "move_into_hers": "move()",
    "ask_for_hers": """hive.getDatabases('x") || 1 == 1 || name.matches("x')""",
    "partition_on_disk": "partition('/tmp/rspark-hive-of-ben')",
}


@pytest.mark.long
def test_raw_calls_to_the_metastore_open_nothing(people: dict[str, Person], hers: Said) -> None:
    said = people["ben"].python("""
from py4j.java_gateway import java_import
jvm = spark._jvm
spark.sql("CREATE TABLE IF NOT EXISTS own (a INT) STORED AS PARQUET")
spark.sql("CREATE TABLE IF NOT EXISTS own_days (a INT) PARTITIONED BY (day STRING) STORED AS PARQUET")
conf = jvm.org.apache.hadoop.hive.conf.HiveConf(spark._jsc.hadoopConfiguration(), spark._jsc.getClass())
conf.set("hive.metastore.failure.retries", "0")
hive = jvm.org.apache.hadoop.hive.metastore.HiveMetaStoreClient(conf)
J = jvm.org.apache.hadoop.hive.metastore.api
place = spark._jsc.hadoopConfiguration().get("fs.defaultFS").removeprefix("hdfs://")

def names(*words):
    found = jvm.java.util.ArrayList()
    for word in words:
        found.add(word)
    return found

def table(database, name, location):
    made = hive.getTable("ben", "own").deepCopy()
    made.setDbName(database)
    made.setTableName(name)
    made.setTableType("EXTERNAL_TABLE")
    made.getSd().setLocation(location if ":" in location else "hdfs://" + place + location)
    return made

def move():
    changed = hive.getTable("ben", "own").deepCopy()
    changed.setDbName("ada")
    hive.alter_table("ben", "own", changed)

def partition(path):
    '''Add a partition whose place is put together of nothing and a path of the metastore's own disk.'''
    place = hive.getTable("ben", "own_days").getSd().deepCopy()
    place.setLocation("")
    one = J.PartitionWithoutSD()
    one.setValues(names("monday")); one.setRelativePath(path)
    some = jvm.java.util.ArrayList(); some.add(one)
    spec = J.PartitionSpec("ben", "own_days", "")
    spec.setSharedSDPartitionSpec(J.PartitionSpecWithSharedSD(some, place))
    every = jvm.java.util.ArrayList(); every.add(spec)
    hive.add_partitions_pspec(jvm.org.apache.hadoop.hive.metastore.partition.spec.PartitionSpecProxy.Factory.get(every))

say("own", [hive.getAllDatabases().toString(), hive.getTable("ben", "own").getTableName()])
""" + "".join(f"attempt({name!r}, lambda: {call})\n" for name, call in _CALLS.items()) + """
say("all_functions", hive.getAllFunctions().getFunctionsSize() if hive.getAllFunctions().getFunctions() else 0)
""")  # fmt: skip
    assert said["own"] == ["[ben, default]", "own"]
    opened = {name: said[name] for name in _CALLS if said[name][0] != "refused"}
    assert not opened
    assert not [said[name] for name in _CALLS if "secret" in said[name][1] or "/user/ada/hive/words" in said[name][1]]
    assert not Path("/tmp/rspark-hive-of-ben").exists()


@pytest.mark.long
def test_a_client_with_another_secret_or_none_or_anothers_name_is_refused(people: dict[str, Person], server: HiveServer) -> None:
    code = """
conf = spark._jvm.org.apache.hadoop.hive.conf.HiveConf(spark._jsc.hadoopConfiguration(), spark._jsc.getClass())
conf.set("hive.metastore.failure.retries", "0"); conf.set("hive.metastore.connect.retries", "1")
ugi = spark._jvm.org.apache.hadoop.security.UserGroupInformation.getCurrentUser()
def client():
    return spark._jvm.org.apache.hadoop.hive.metastore.HiveMetaStoreClient(conf).getAllDatabases().toString()
attempt("own", client)
token = [each for each in ugi.getTokens().toArray() if each.getKind().toString() == "HIVE_DELEGATION_TOKEN"][0]
Token = spark._jvm.org.apache.hadoop.security.token.Token
def shown(identifier, password):
    made = Token(identifier, password, token.getKind(), token.getService())
    other = spark._jvm.org.apache.hadoop.security.Credentials()
    other.addToken(spark._jvm.org.apache.hadoop.io.Text("hive"), made)
    ugi.addCredentials(other)
attempt("wrong", lambda: (shown(token.getIdentifier(), b"wrong"), client()))
hers = bytes(token.getIdentifier()).replace(b"ben", b"ada")
attempt("hers", lambda: (shown(hers, token.getPassword()), client()))
conf.set("hive.metastore.sasl.enabled", "false")
attempt("bare", client)
"""
    said = people["ben"].python(code)
    assert said["own"] == ["done", "[ben, default]"]
    for name in ("wrong", "hers", "bare"):
        assert said[name][0] == "refused", said[name]


def test_who_is_not_known_yet_has_no_room_made_for_what_they_announce(server: HiveServer) -> None:
    for _ in range(3):  # more than the metastore has memory
        with socket.create_connection((server.endpoint["host"], server.endpoint["port"]), timeout=WAIT) as client:
            client.sendall(b"\x01" + (10**8).to_bytes(4, "big"))  # SASL begins, with so many bytes
            assert client.recv(1) == b"\x04", "an error"


def test_a_session_holds_no_secret_but_its_own(people: dict[str, Person], server: HiveServer) -> None:
    hubs = server.endpoint["secret"]
    for person in people.values():
        files = [path for path in person.running.run.rglob("*") if path.is_file()]
        assert not [path for path in files if hubs.encode() in path.read_bytes()]
        assert hubs not in json.dumps(person.environ)
        assert (person.running.run / "hive/token.hdts").stat().st_mode & 0o077 == 0


async def refusal(running: Running, what: str, console: str, *path: str) -> str:
    """Return why Rc² shows nothing of a place, once Spark is not only slow."""
    async with asyncio.timeout(WAIT):
        while True:
            answer = await running.post(
                f"rc2/api/connections/{what}", json={"service": "spark", "console": console, "path": path}
            )
            if not any(sign in answer.text for sign in ("took longer", "is computing")):
                return str(answer.json()["title"])


@pytest.mark.long
async def test_connections_of_rc2_show_a_persons_own_tables_whatever_made_them_and_say_when_hive_has_ended(
    people: dict[str, Person], hers: Said, server: HiveServer
) -> None:
    ada, ben = people["ada"].running, people["ben"].running
    async with connected(ada) as client:
        r = await client.start("ir")
        (told,) = (await ada.get("rc2/api/connections")).json()["connections"][:1]
        assert (told["title"], told["account"], told["hive"]) == ("Spark in R", "ada", True)
        await finished(client, r, "DBI::dbWriteTable(rspark::hive(), 'cars', mtcars[c('mpg', 'cyl')], overwrite = TRUE)")
        assert await names(ada, r) == [("ada", "database"), ("default", "database")]
        found = await names(ada, r, "ada")
        assert {("cars", "table"), ("numbers", "table"), ("words", "table"), ("large", "view")} <= set(found)
        columns_of = {"cars": [("mpg", "double"), ("cyl", "double")], "words": [("id", "int"), ("word", "string")]}
        for table, columns in columns_of.items():
            entries = (await ask(ada, "catalog", r, "ada", table))["entries"]
            assert [(column["name"], column["detail"]) for column in entries] == columns
        cars = await ask(ada, "page", r, "ada", "cars", rows=2, sort=[{"column": 0}])
        assert (cars["rows"], cars["cells"]) == (32, [["10.4", "10.4"], ["8.0", "8.0"]])
        assert (await ask(ada, "page", r, "ada", "words"))["cells"] == [["1"], ["secret"]]

        async with connected(ben) as his:
            python = await his.start("python3")
            await finished(his, python, "import pyspark.sql\nspark = pyspark.sql.SparkSession.builder.getOrCreate()")
            assert await names(ben, python) == [("ben", "database"), ("default", "database")]
            for what, *path in (("catalog", "ada"), ("catalog", "ada", "words"), ("page", "ada", "words")):
                assert await refusal(ben, what, python, *path) == "It is not there any more. Refresh the list."

        server.end()
        try:
            assert (await refusal(ada, "catalog", r, "ada")).startswith("Hive does not answer. Refresh the list in a moment")
        finally:
            server.start()
        assert {("cars", "table"), ("words", "table")} <= set(await names(ada, r, "ada")), "by the same driver"


@pytest.mark.long
def test_what_a_member_makes_in_a_groups_database_is_all_members_and_nobody_elses(
    server: HiveServer, tmp_path: Path, people: dict[str, Person]
) -> None:
    tmp_path.chmod(0o755)
    cara, dan = (Person(server, tmp_path, name, groups=("lab",)) for name in ("cara", "dan"))
    try:
        made = cara.python("""
spark.range(5).write.saveAsTable("group_lab.plan")
say("databases", sorted(row[0] for row in spark.sql("SHOW DATABASES").collect()))
""")
        assert made["databases"] == ["cara", "default", "group_lab"]
        said = dan.python("""
say("plan", spark.table("group_lab.plan").count())
spark.range(5).write.insertInto("group_lab.plan")
say("more", spark.table("group_lab.plan").count())
sql("drop", "DROP TABLE group_lab.plan")
""")
        assert (said["plan"], said["more"], said["drop"][0]) == (5, 10, "done")
        # Who has left the group is out of its database at once, also with a session that runs.
        asyncio.run(server.service.ensure_account(server.endpoint, server.account("dan")))
        assert dan.python('sql("left", "SHOW TABLES IN group_lab")')["left"][0] == "refused"
    finally:
        cara.end()
        dan.end()
