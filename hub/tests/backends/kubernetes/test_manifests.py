"""What is applied, beside files that a person can read: `manifests/<case>.yaml`.

With ACCEPT_MANIFESTS=1 in the environment this test writes them anew; then the change is to be read, and kept with the commit.
"""

import json
import os
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path

import pytest
import yaml

from rspark_contract.reading import JsonObject
from rspark_contract.specs import ComponentSpec, InterfaceSpec, SecretFile, ServiceSpec
from rsparkhub.backends.kubernetes.objects import render
from rsparkhub.domain.ensemble import EnsembleSpec
from rsparkhub.domain.errors import CannotStart
from rsparkhub.domain.quantity import ByteSize
from rsparkhub.settings.kubernetes import KubernetesSettings, Quota
from rsparkhub.settings.placement import Placement, Toleration, Volume

MANIFESTS = Path(__file__).parent / "manifests"

TERMINAL = EnsembleSpec(
    id="kq4wz7m2xb",
    generation=3,
    kind="session",
    user="ada",
    base_path="/s/kq4wz7m2xb/",
    secret="the edge's",
    hub_url="https://rspark.example.org",
    token="of the session",
    interface=InterfaceSpec(kind="terminal", title="Terminal", kernels=("bash",)),
    image="rsparkhub/session:2026.11",
    environ={"PGHOST": "10.96.7.7"},
    uses=("postgres",),
    files=(SecretFile(path="pgpass", content="10.96.7.7:5432:*:ada:secret\n"),),
    cpu=0.5,
    memory=ByteSize.parse("1Gi"),
    home_size=ByteSize.parse("2Gi"),
    grace=timedelta(seconds=60),
)
EXECUTORS: JsonObject = {"mode": "kubernetes", "memory": 2**30, "cores": 1, "workers": 0, "max": 4}
SPARK = replace(TERMINAL, services=(ServiceSpec(name="spark", title="Spark", config=EXECUTORS),))
WORKERS: JsonObject = EXECUTORS | {
    "mode": "standalone",
    "worker_cores": 1,
    "session_memory": 2**32,
    "port": "{port:spark-master}",
    "pages_port": "{port:spark-master-pages}",
}
STANDALONE = replace(TERMINAL, services=(ServiceSpec(name="spark", title="Spark", config=WORKERS),))
EVERYTHING = replace(
    SPARK,
    user="grace_hopper",
    backends={
        "kubernetes": Placement(
            node_selector={"pool": "gpu"},
            tolerations=(Toleration(key="gpu", effect="NoSchedule"),),
            extended_resources={"nvidia.com/gpu": 1},
            volumes=(Volume(name="course", mount="/course", source={"nfs": {"server": "10.0.0.9", "path": "/course"}}),),
            priority_class="teaching",
            runtime_class="gvisor",
            egress=(ip_network("203.0.113.0/24"),),  # type: ignore[arg-type]  # either kind of network
        )
    },
)
POSTGRES = replace(
    TERMINAL,
    id="postgres",
    kind="service",
    uses=(),
    user=None,
    token=None,
    interface=None,
    service_name="postgres",
    ports={"postgres": 5432},
    components=(ComponentSpec(name="postgres", title="PostgreSQL", command=("{python}", "-m", "…")),),
)
PLAIN = KubernetesSettings()
FULL = KubernetesSettings(
    namespaces="person",
    session_image="registry.example.org/session:1",
    spark_image="registry.example.org/spark:1",
    image_pull_secrets=("registry",),
    storage_class="fast",
    access_mode="ReadWriteMany",
    quota=Quota(cpu=8, memory=ByteSize.parse("32Gi"), storage=ByteSize.parse("50Gi"), pods=20),
)
API_SERVER = (ip_network("10.0.0.1/32"),)

CASES = {
    "terminal": render.manifests(TERMINAL, PLAIN),
    "spark-on-kubernetes": render.manifests(SPARK, PLAIN, api_server=API_SERVER),
    "spark-standalone": render.manifests(STANDALONE, PLAIN, api_server=API_SERVER),
    "everything": render.manifests(EVERYTHING, FULL, api_server=API_SERVER),
    "shared-postgres": render.manifests(POSTGRES, PLAIN),
    "namespace": render.namespace(PLAIN),
    "namespace-of-a-person": render.namespace(FULL),
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_applied_is_what_the_file_says(case: str) -> None:
    path = MANIFESTS / f"{case}.yaml"
    text = render.to_yaml(CASES[case])
    if os.environ.get("ACCEPT_MANIFESTS"):
        path.write_text(text)
    assert text == path.read_text(), f"{path.name} differs; see the top of this file"


@pytest.mark.parametrize("case", CASES)
def test_the_text_is_the_objects(case: str) -> None:
    assert list(yaml.safe_load_all(render.to_yaml(CASES[case]))) == CASES[case]


@pytest.mark.parametrize("case", ["terminal", "spark-on-kubernetes", "spark-standalone", "everything", "shared-postgres"])
def test_everything_of_a_generation_hangs_on_the_secret_but_what_is_a_persons(case: str) -> None:
    for manifest in CASES[case]:
        owners = manifest["metadata"].get("ownerReferences", [])
        kept = manifest["kind"] == "PersistentVolumeClaim" or manifest["metadata"]["name"] in (
            "postgres",
            "rspark-service-postgres",
        )
        root = manifest["kind"] == "Secret"
        assert [owner["kind"] for owner in owners] == ([] if kept or root else ["Secret"])


def test_a_start_takes_at_most_six_writes() -> None:
    assert max(len(found) for case, found in CASES.items() if "namespace" not in case) <= 6


def test_the_word_of_workers_is_made_of_the_sessions_secret_and_says_nothing_of_it() -> None:
    words = [
        render.manifests(replace(STANDALONE, secret=secret), PLAIN)[1]["stringData"]["spark-word"] for secret in ("a", "b", "a")
    ]
    assert words[0] == words[2] != words[1]
    assert [len(word) for word in words] == [64, 64, 64]
    assert "spark-word" not in render.manifests(SPARK, PLAIN)[1]["stringData"]


@pytest.mark.parametrize("services", [EXECUTORS, WORKERS], ids=["executors", "workers"])
def test_executors_and_workers_are_told_where_their_session_runs(services: JsonObject) -> None:
    spec = replace(EVERYTHING, services=(ServiceSpec(name="spark", title="Spark", config=services),))
    found = {manifest["kind"]: manifest for manifest in render.manifests(spec, PLAIN)}
    agent = json.loads(found["Secret"]["stringData"]["ensemble.json"])
    [spark] = [one for one in agent["services"] if one["name"] == "spark"]
    told, pod = spark["config"]["kubernetes"], found["Pod"]["spec"]
    assert (told["runtime_class"], told["priority_class"]) == (pod["runtimeClassName"], pod["priorityClassName"])
    assert told["tolerations"] == [one for one in pod["tolerations"] if not one["key"].startswith("node.kubernetes.io/")]


@pytest.mark.parametrize(
    ("where", "account"),
    [
        (Placement(), ""),
        (Placement(runtime_class="gvisor"), ".runtime-gvisor"),
        (Placement(priority_class="high-2.x"), ".priority-high-12-0x"),
        (Placement(node_selector={"example.org/Pool": "A_1"}), ".node-example-0org-2-pool-4-a-31"),
        (Placement(tolerations=(Toleration(),)), ".taint--5"),
        (Placement(tolerations=(Toleration(key="gpu", effect="NoSchedule"),)), ".taint-gpu-5-no-schedule"),
        (Placement(tolerations=(Toleration(key="gpu", operator="Equal", value="a"),)), ".taint-gpu-4a-5"),
    ],
)
def test_an_account_says_where_its_session_runs_by_which_the_api_server_judges(where: Placement, account: str) -> None:
    spec = replace(SPARK, backends={"kubernetes": where})
    [found] = [manifest for manifest in render.manifests(spec, PLAIN) if manifest["kind"] == "ServiceAccount"]
    assert found["metadata"]["name"] == f"rspark-kq4wz7m2xb-3.ada.placed{account}.uses.postgres"


def test_more_nodes_than_an_account_can_say_are_refused_where_spark_asks_for_pods_alone() -> None:
    where = {"kubernetes": Placement(tolerations=tuple(Toleration(key=f"example.org/taint-{number}") for number in range(9)))}
    with pytest.raises(CannotStart, match="names too many nodes and taints for Spark in pods"):
        render.manifests(replace(SPARK, backends=where), PLAIN)
    assert render.manifests(replace(TERMINAL, backends=where), PLAIN)


@pytest.mark.parametrize("name", ["ada", "grace_hopper", "a-", "a_", "a" * 32])
def test_every_persons_name_makes_names_that_kubernetes_takes(name: str) -> None:
    for manifest in render.manifests(replace(TERMINAL, user=name), FULL):
        meta = manifest["metadata"]
        for word in (meta["name"], meta["namespace"], meta["labels"]["rsparkhub/user"]):
            assert word.replace("-", "").isalnum()
            assert word == word.lower().strip("-")
            assert len(word) <= 63


def test_no_two_persons_share_a_home() -> None:
    names = ["a-", "a_", "a__", "a--", "a_b", "a-b"]
    homes = {render.manifests(replace(TERMINAL, user=name), PLAIN)[0]["metadata"]["name"] for name in names}
    assert len(homes) == len(names)


def test_the_charts_templates_are_as_the_code_says() -> None:
    top = Path(__file__).parents[4]
    done = subprocess.run([sys.executable, top / "scripts/chart.py", "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
