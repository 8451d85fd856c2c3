"""A namespace for each person (`kubernetes.namespaces=person`), on the real node."""

import subprocess
from collections.abc import Iterator

import pytest
import yaml

from tests.installation import COMMAND

from .cluster import Cluster
from .hub import ENVIRONMENTS, Hub, settings
from .spark import until

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]

#: A namespace of its own for what all share, and a prefix for those of people.
PREFIX = "rspark-each"
JOB = """
from pyspark.sql import SparkSession
spark = SparkSession.builder.config("spark.dynamicAllocation.minExecutors", "1").getOrCreate()
print("SUM", spark.range(1000).repartition(4).selectExpr("sum(id)").first()[0])
"""


@pytest.fixture(scope="module")
def hub(images: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    folder = tmp_path_factory.mktemp("persons")
    (folder / "environments").mkdir()
    for name in ("shell", "spark", "lab"):
        (folder / "environments" / f"{name}.yaml").write_text(ENVIRONMENTS[name])
    environ = settings(images) | {
        "RSPARKHUB_ENVIRONMENTS": str(folder / "environments"),
        "RSPARKHUB_KUBERNETES__NAMESPACE": PREFIX,
        "RSPARKHUB_KUBERNETES__NAMESPACES": "person",
    }
    command = [COMMAND, "render", "kubernetes", "namespace"]
    rendered = list(yaml.safe_load_all(subprocess.run(command, capture_output=True, text=True, check=True, env=environ).stdout))
    images.apply(*rendered)
    with Hub(folder / "data", environ=environ) as running:
        yield running  # type: ignore[misc]
    for manifest in rendered:
        if manifest["kind"].startswith("Validating"):
            images("delete", manifest["kind"], manifest["metadata"]["name"])
    ours = [one for one in images("get", "namespaces", "-o", "name").split() if one.startswith(f"namespace/{PREFIX}")]
    images("delete", *ours, "--timeout=120s")


@pytest.fixture(scope="module")
def ada(hub: Hub) -> Hub:
    return hub.as_person("ada")


@pytest.fixture(scope="module")
def bob(hub: Hub) -> Hub:
    return hub.as_person("bob")


def test_each_has_a_namespace_with_all_that_holds_people_apart(ada: Hub, bob: Hub, images: Cluster) -> None:
    sessions = {"ada": ada.start("shell"), "bob": bob.start("shell")}
    for name, session in sessions.items():
        namespace = f"{PREFIX}-{name}"
        (pod,) = images.get("-n", namespace, "pods")["items"]
        assert pod["metadata"]["labels"]["rsparkhub/session"] == session
        labels = images.get("namespace", namespace)["metadata"]["labels"]
        assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
        policies = [one["metadata"]["name"] for one in images.get("-n", namespace, "networkpolicies")["items"]]
        assert any("deny" in policy for policy in policies), policies
        assert images.get("-n", namespace, "limitranges")["items"]
    there = images.get("-n", f"{PREFIX}-bob", "pods")["items"][0]["status"]["podIP"]
    tries = f"timeout 3 bash -c '</dev/tcp/{there}/8888' && echo reached || echo refused"
    assert ada.run(sessions["ada"], "bash", "-c", tries) == "refused\n"
    ada.delete(sessions["ada"])
    bob.delete(sessions["bob"])
    until(lambda: not images.get("-n", f"{PREFIX}-ada", "pods,secrets")["items"])


def test_postgresql_that_all_share_is_reached_from_each(ada: Hub) -> None:
    session = ada.start("lab")
    assert ada.run(session, "psql", "-Atc", "select 1") == "1\n"
    ada.do("suspend", session)
    assert ada.show(session)["last_exit"]["code"] == 0
    ada.do("resume", session)
    ada.delete(session)


def test_executors_are_in_the_persons_namespace_and_its_account_sees_no_other(ada: Hub, images: Cluster) -> None:
    session = ada.start("spark")
    assert "SUM 499500" in ada.run(session, "python", "-c", JOB, within=300)
    namespace = f"{PREFIX}-ada"
    account = images.get("-n", namespace, "pods", "-l", "rsparkhub/component=session")["items"][0]["spec"]["serviceAccountName"]
    who = ["--as", f"system:serviceaccount:{namespace}:{account}", "--as-group", f"system:serviceaccounts:{namespace}"]
    for elsewhere in (f"{PREFIX}-bob", PREFIX):
        done = subprocess.run(images.command(*who, "-n", elsewhere, "get", "pods"), capture_output=True, text=True, check=False)
        assert "forbidden" in done.stderr.lower(), done.stdout
    ada.delete(session)
    until(lambda: not images.get("-n", namespace, "pods")["items"])


def test_a_session_that_is_deleted_behind_its_back_runs_again_in_its_namespace(bob: Hub, images: Cluster) -> None:
    session = bob.start("shell")
    images("-n", f"{PREFIX}-bob", "delete", "pod", f"rspark-{session}-1", "--wait=false")
    bob.until(session, lambda seen: seen["state"] == "running" and seen["generation"] == 2)
    bob.delete(session)
