"""Hive and MapReduce in pods: tables that outlive the metastore's pod, nobody's but their person's, and jobs on files of HDFS."""

from collections.abc import Iterator

import pytest
from session.tests.services.test_hive import PROLOGUE, Said

from tests.services.test_one_script import SCRIPT

from .cluster import Cluster
from .hub import NAMESPACE, Hub, gone, pods
from .reaching import reaches
from .spark import until

pytestmark = [pytest.mark.timeout(600)]

METASTORE, STEWARD = 9083, 9084


class Person:
    """Somebody with a session that has every service."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.session = hub.start("tables")

    def sh(self, script: str) -> str:
        """Run a script of a shell inside the session; return all that it prints."""
        return self.hub.run(self.session, "bash", "-c", f"{{ {script}; }} 2>&1 || true", within=240)

    def python(self, code: str) -> Said:
        """Run Python with a driver of Spark, `spark`; return what `say(name, value)` says by its name."""
        return Said(self.hub.run(self.session, "python", "-c", PROLOGUE + code, within=400))


@pytest.fixture(scope="module")
def people(hub: Hub, namespace: Cluster) -> Iterator[dict[str, Person]]:
    found: dict[str, Person] = {}
    try:
        for name in ("ada", "ben"):
            found[name] = Person(hub.as_person(name))
        yield found
    finally:
        for person in found.values():
            person.hub.delete(person.session)
            gone(namespace, person.session)


@pytest.fixture(scope="module")
def hers(people: dict[str, Person]) -> Said:
    """What Ada reads of a table of hers."""
    return people["ada"].python("""
spark.sql("CREATE TABLE words (id INT, word STRING) STORED AS PARQUET")
spark.sql("INSERT INTO words VALUES (1, 'secret')")
say("words", [row.word for row in spark.table("ada.words").collect()])
say("databases", [row[0] for row in spark.sql("SHOW DATABASES").collect()])
say("location", spark.sql("DESCRIBE FORMATTED words").where("col_name = 'Location'").first().data_type)
""")


def test_a_person_has_tables_in_a_database_of_their_own(hers: Said) -> None:
    assert (hers["words"], hers["databases"]) == (["secret"], ["ada", "default"])
    assert hers["location"].endswith(":8020/user/ada/hive/words")


def test_nobody_reads_lists_or_drops_anothers(people: dict[str, Person], hers: Said) -> None:
    said = people["ben"].python("""
sql("select", "SELECT * FROM ada.words")
sql("show", "SHOW TABLES IN ada")
sql("drop", "DROP TABLE ada.words")
sql("create", "CREATE TABLE ada.more (a INT) STORED AS PARQUET")
attempt("files", lambda: spark.read.parquet("hdfs:///user/ada/hive/words").collect())
say("databases", [row[0] for row in spark.sql("SHOW DATABASES").collect()])
""")
    assert said["databases"] == ["ben", "default"]
    assert {said[name][0] for name in ("select", "show", "drop", "create", "files")} == {"refused"}
    assert "secret" not in said.text


def test_only_who_asked_for_it_reaches_it_and_nobody_its_steward_without_a_secret(people: dict[str, Person], hub: Hub) -> None:
    ada = people["ada"]
    assert reaches(ada.hub, ada.session, "hive", METASTORE)
    said = ada.sh(f'curl -sk -o /dev/null -w "%{{http_code}}" -X DELETE https://hive:{STEWARD}/accounts/ben')
    assert said == "401"
    other = hub.start("shell")
    assert not any(reaches(hub, other, "hive", port) for port in (METASTORE, STEWARD))
    hub.delete(other)


def test_a_job_of_mapreduce_counts_a_file_of_hdfs(people: dict[str, Person]) -> None:
    ada = people["ada"]
    said = ada.sh(
        "printf 'b\\na\\nb\\n' > letters; hdfs dfs -put -f letters; hdfs dfs -rm -r -f -skipTrash counted; "
        "mapred streaming -input letters -output counted -mapper cat -reducer 'uniq -c'; hdfs dfs -cat 'counted/part-*'"
    )
    assert [line.split() for line in said.splitlines()[-2:]] == [["1", "a"], ["2", "b"]], said
    assert people["ben"].sh("hdfs dfs -cat /user/ada/counted/part-00000 | grep b").count("2 b") == 0


@pytest.mark.long
def test_tables_are_there_when_the_metastores_pod_was_deleted(people: dict[str, Person], hers: Said, namespace: Cluster) -> None:
    (before,) = pods(namespace, "hive")
    namespace("-n", NAMESPACE, "delete", "pod", before["metadata"]["name"], "--grace-period=1")
    until(lambda: any(each["metadata"]["uid"] != before["metadata"]["uid"] for each in pods(namespace, "hive")))
    ada = people["ada"]
    until(lambda: reaches(ada.hub, ada.session, "hive", METASTORE))
    assert ada.python('say("words", [row.word for row in spark.table("words").collect()])')["words"] == ["secret"]


@pytest.mark.long
def test_one_script_takes_a_table_through_every_service_and_the_counts_agree(people: dict[str, Person]) -> None:
    ada = people["ada"]
    said = ada.hub.run(ada.session, "Rscript", "-e", SCRIPT, within=550)
    agreeing = [line.split()[0] for line in said.splitlines() if line.split()[-1:] == ["agrees"]]
    assert {"postgres", "spark", "hdfs", "mapreduce", "s3"} <= set(agreeing), said
    said = ada.hub.run(ada.session, "Rscript", "-e", OF_HIVE, within=400)
    assert "153 153" in said


#: What `SCRIPT` has left on HDFS, as a table of Hive.
OF_HIVE = """
suppressMessages({ library(rspark); library(DBI) })
con <- hive()
spark()$read$parquet("air.parquet")$write$mode("overwrite")$saveAsTable("air")
cat(dbGetQuery(con, "SELECT count(*) AS n FROM air")$n, nrow(airquality))
"""
