"""HDFS in pods: a NameNode and DataNodes with a volume each, people with a token alone, and files that outlive every pod."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from .cluster import Cluster
from .hub import NAMESPACE, Hub, gone, pods
from .reaching import reaches
from .spark import until

pytestmark = [pytest.mark.timeout(600)]

SERVERS = ("hdfs", "hdfs-data-0", "hdfs-data-1")
SPARK = """
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
spark.range(0, 1000, 1, 2).selectExpr("id", "id % 7 AS k").write.mode("overwrite").parquet("numbers")
print("COUNT", spark.read.parquet("numbers").where("k = 3").count())
try:
    spark.range(1).write.parquet("/user/ben/stolen")
except Exception as error:
    print("AccessControlException" in str(error) or "Permission denied" in str(error))
"""

R = "library(rspark); write.csv(cars, 'cars.csv'); hdfs_put('cars.csv', 'cars.csv'); print(hdfs_ls())"


class Person:
    """Somebody with a session that has HDFS."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.session = hub.start("files")

    def sh(self, script: str) -> str:
        """Run a script of a shell inside the session; return all that it prints."""
        return self.hub.run(self.session, "bash", "-c", f"{{ {script}; }} 2>&1 || true")

    def web(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Send a request to WebHDFS through the edge."""
        url = f"{self.hub.address}/s/{self.session}/hdfs{path}"
        headers = {"Authorization": f"Bearer {self.hub.token}"}
        return httpx.request(method, url, headers=headers, follow_redirects=True, timeout=60, **more)


@pytest.fixture(scope="module")
def people(hub: Hub, namespace: Cluster) -> Iterator[dict[str, Person]]:
    found = {name: Person(hub.as_person(name)) for name in ("ada", "ben")}
    yield found
    for person in found.values():
        person.hub.delete(person.session)
        gone(namespace, person.session)


@pytest.fixture
def ada(people: dict[str, Person]) -> Person:
    return people["ada"]


@pytest.fixture
def ben(people: dict[str, Person]) -> Person:
    return people["ben"]


def test_a_file_is_written_by_the_page_and_read_by_hadoops_own_program_and_by_nobody_else(ada: Person, ben: Person) -> None:
    assert ada.web("PUT", "/webhdfs/v1/user/ada/a.txt?op=CREATE", content=b"ada's own").status_code == 201
    assert ada.web("GET", "/webhdfs/v1/user/ada/a.txt?op=OPEN").content == b"ada's own"
    assert "ada's own" in ada.sh("hdfs dfs -cat a.txt")
    for more in ("", "&user.name=ada", "&doas=ada"):
        assert ben.web("GET", f"/webhdfs/v1/user/ada/a.txt?op=OPEN{more}").status_code in (401, 403)
    said = ben.sh("HADOOP_USER_NAME=ada hdfs dfs -cat /user/ada/a.txt; HADOOP_PROXY_USER=ada hdfs dfs -cat /user/ada/a.txt")
    assert "ada's own" not in said
    assert "Permission denied" in said


def test_a_block_is_on_two_datanodes_and_a_home_has_its_quota(ada: Person) -> None:
    ada.sh("head -c 3M /dev/urandom > big; hdfs dfs -put -f big")
    ada.web("PUT", "/webhdfs/v1/user/ada/web?op=CREATE&overwrite=true", content=b"")
    for name, length in (("big", 3 * 2**20), ("web", 0)):
        status = ada.web("GET", f"/webhdfs/v1/user/ada/{name}?op=GETFILESTATUS").json()["FileStatus"]
        assert (status["length"], status["replication"]) == (length, 2)
    summary = ada.web("GET", "/webhdfs/v1/user/ada?op=GETCONTENTSUMMARY").json()["ContentSummary"]
    assert summary["spaceQuota"] == 2 * 2 * 2**30  # each copy counts
    assert summary["spaceConsumed"] >= 2 * 3 * 2**20


def test_r_has_the_persons_home(ada: Person) -> None:
    assert "cars.csv" in ada.hub.run(ada.session, "Rscript", "-e", R)


@pytest.mark.long
def test_spark_has_the_persons_home_and_no_other(ada: Person) -> None:
    said = ada.hub.run(ada.session, "python", "-c", SPARK, within=400).splitlines()
    assert said[-2:] == ["COUNT 143", "True"]


def test_a_session_holds_a_token_and_no_key_and_reaches_no_kerberos_server(ada: Person, hub: Hub, namespace: Cluster) -> None:
    assert "token" in ada.sh("ls /run/rspark/hdfs")
    assert ada.sh("find / -name '*.keytab' -not -path '/proc/*' 2>/dev/null; klist 2>/dev/null").strip() == ""
    assert reaches(ada.hub, ada.session, "hdfs", 8020)
    assert not reaches(ada.hub, ada.session, "hdfs", 10088)
    other = hub.start("shell")
    assert not any(reaches(hub, other, host, port) for host, port in (("hdfs", 8020), ("hdfs", 9871), ("hdfs-data-0", 9866)))
    hub.delete(other)
    gone(namespace, other)


def test_the_datanodes_keys_are_not_for_sessions(ada: Person) -> None:
    said = ada.sh(
        'curl -sk -o /dev/null -w "%{http_code}" -H "Authorization: Bearer $(cat /run/rspark/hdfs/token)" https://hdfs:9872/keys'
    )
    assert said == "401"


def test_the_pages_of_the_namenode_are_shown(ada: Person) -> None:
    assert "Browse Directory" in ada.web("GET", "/explorer.html").text
    assert ada.web("GET", "/jmx?qry=Hadoop:service=NameNode,name=FSNamesystemState").json()["beans"][0]["NumLiveDataNodes"] == 2


def test_files_are_there_when_every_pod_was_deleted(ada: Person, namespace: Cluster) -> None:
    ada.web("PUT", "/webhdfs/v1/user/ada/kept.txt?op=CREATE&overwrite=true", content=b"kept")
    before = {server: pods(namespace, server)[0]["metadata"] for server in SERVERS}
    names = [meta["name"] for meta in before.values()]
    namespace("-n", NAMESPACE, "delete", "pod", *names, "--grace-period=1")

    def is_new(server: str) -> bool:
        return any(each["metadata"]["uid"] != before[server]["uid"] for each in pods(namespace, server))

    for server in SERVERS:
        until(lambda server=server: is_new(server))  # type: ignore[misc]  # mypy gives a default no type
    until(lambda: ada.web("GET", "/webhdfs/v1/user/ada/kept.txt?op=OPEN").content == b"kept")
    until(lambda: ada.web("PUT", "/webhdfs/v1/user/ada/new.txt?op=CREATE&overwrite=true", content=b"new").status_code == 201)
