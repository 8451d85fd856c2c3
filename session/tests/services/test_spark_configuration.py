"""What Spark is told: pure, and for each place where it computes."""

import json
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from rspark_contract.reading import Unreadable
from rspark_session.services.spark.configuration import JARS, SparkConfig, write_configuration
from rspark_session.services.spark.pods import ExecutorPods, executor
from rspark_session.services.spark.secrets import DriverSecrets
from rspark_session.services.spark.standalone import ClusterFolder, DriverAhead

KUBERNETES: dict[str, Any] = {
    "namespace": "rspark-sessions",
    "pod": "rspark-a-1",
    "host": "rspark-a-1.rspark-sessions.svc",
    "prefix": "rspark-a-1",
    "image": "rsparkhub/spark:1",
    "image_pull_policy": "IfNotPresent",
    "pull_secrets": ["registry", "other"],
    "labels": {"rsparkhub/session": "a", "rsparkhub/component": "executor"},
    "node_selector": {"pool": "large"},
    "cpu_requests": 0.25,
    "home_claim": None,
}


def conf(folder: Path, **more: Any) -> dict[str, str]:
    config = SparkConfig.parse({"memory": 2**30, "cores": 2} | more)
    word = more.get("kubernetes", {}).get("word")
    write_configuration(
        folder, config, base_path="/s/a/", home=Path("/home/rspark"), scratch=folder / "scratch", secrets=DriverSecrets(word)
    )
    lines = (folder / "spark-defaults.conf").read_text().splitlines()
    return dict(line.split(" ", 1) for line in lines)


def test_a_local_driver_computes_itself_and_is_reached_by_nobody_else(tmp_path: Path) -> None:
    said = conf(tmp_path)
    assert said["spark.master"] == "local[2]"
    assert said["spark.driver.host"] == said["spark.driver.bindAddress"] == "127.0.0.1"
    assert not [name for name in said if "kubernetes" in name or "dynamicAllocation" in name]


def test_what_hadoop_writes_beside_a_driver_is_in_a_folder_of_the_session(tmp_path: Path) -> None:
    """Else it is /tmp/hadoop-<account>, which another account that once had this name, or anybody, may have made before."""
    assert conf(tmp_path)["spark.hadoop.hadoop.tmp.dir"] == f"{tmp_path}/scratch/hadoop"
    assert "spark.hadoop.hadoop.tmp.dir" not in conf(tmp_path, mode="kubernetes", kubernetes=KUBERNETES)  # /tmp is the pod's own


def test_a_driver_on_kubernetes_asks_for_executors_from_none_to_the_most(tmp_path: Path) -> None:
    said = conf(tmp_path, mode="kubernetes", workers=3, max=2, kubernetes=KUBERNETES)
    assert said["spark.master"] == "k8s://https://kubernetes.default.svc"
    limits = {name: said[f"spark.dynamicAllocation.{name}Executors"] for name in ("min", "initial", "max")}
    assert limits == {"min": "0", "initial": "2", "max": "2"}
    assert said["spark.kubernetes.driver.pod.name"] == "rspark-a-1"
    assert said["spark.kubernetes.executor.label.rsparkhub/session"] == "a"
    assert said["spark.kubernetes.executor.request.cores"] == "250m"
    assert said["spark.kubernetes.container.image.pullSecrets"] == "registry,other"
    assert said["spark.kubernetes.node.selector.pool"] == "large"
    assert not [name for name in said if "persistentVolumeClaim" in name]


def test_the_names_of_executors_are_their_drivers_own(tmp_path: Path) -> None:
    said = conf(tmp_path, kubernetes=KUBERNETES)
    assert said["spark.kubernetes.executor.podNamePrefix"] == "rspark-a-1-${env:RSPARK_DRIVER}"
    assert 'RSPARK_DRIVER="$$"' in (tmp_path / "spark-env.sh").read_text()


def test_executors_see_the_home_where_it_may_be_on_several_nodes(tmp_path: Path) -> None:
    said = conf(tmp_path, kubernetes=KUBERNETES | {"home_claim": "home-ada"})
    volume = "spark.kubernetes.executor.volumes.persistentVolumeClaim.home"
    assert (said[f"{volume}.options.claimName"], said[f"{volume}.mount.path"]) == ("home-ada", "/home/rspark")


def test_an_executor_has_no_account_and_no_privileges(tmp_path: Path) -> None:
    conf(tmp_path, kubernetes=KUBERNETES)
    pod = json.loads((tmp_path / "executor.json").read_text())
    assert pod == executor(ExecutorPods.parse(KUBERNETES))
    assert pod["spec"]["automountServiceAccountToken"] is False
    [container] = pod["spec"]["containers"]
    assert container["securityContext"] == {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}


#: Where a session's pod runs, beyond the nodes: what its executors and workers share with it.
PLACED: dict[str, Any] = {
    "tolerations": [{"key": "teaching", "operator": "Exists", "effect": "NoSchedule"}],
    "runtime_class": "gvisor",
    "priority_class": "teaching",
}
IN_A_POD = {
    "tolerations": [{"key": "teaching", "operator": "Exists", "effect": "NoSchedule"}],
    "runtimeClassName": "gvisor",
    "priorityClassName": "teaching",
}


def of_the_placement(pod: Mapping[str, Any]) -> dict[str, Any]:
    return {name: pod["spec"][name] for name in IN_A_POD if name in pod["spec"]}


def test_executors_and_workers_run_in_their_sessions_sandbox_and_on_its_nodes(tmp_path: Path) -> None:
    conf(tmp_path / "executors", kubernetes=KUBERNETES | PLACED)
    assert of_the_placement(json.loads((tmp_path / "executors/executor.json").read_text())) == IN_A_POD
    conf(tmp_path / "conf", **ON_KUBERNETES | {"kubernetes": ON_KUBERNETES["kubernetes"] | PLACED})
    worker = ClusterFolder(tmp_path / "cluster").worker()
    assert worker is not None
    assert of_the_placement(worker) == IN_A_POD


@pytest.mark.parametrize("said", [{}, {"tolerations": [], "runtime_class": None, "priority_class": None}])
def test_without_a_placement_and_from_a_hub_of_the_version_before_nothing_is_said_of_it(said: dict[str, Any]) -> None:
    assert of_the_placement(executor(ExecutorPods.parse(KUBERNETES | said))) == {}


@pytest.mark.parametrize("odd", [{"tolerations": ["all"]}, {"tolerations": [{"key": {}}]}, {"runtime_class": 7}])
def test_a_placement_that_is_none_is_never_left_out_in_silence(odd: dict[str, Any]) -> None:
    with pytest.raises(Unreadable, match=next(iter(odd))):
        ExecutorPods.parse(KUBERNETES | odd)


STANDALONE: dict[str, Any] = {
    "mode": "standalone",
    "memory": 2**29,
    "workers": 2,
    "max": 4,
    "worker_cores": 1,
    "session_memory": 2**32,
    "port": "7077",
    "pages_port": "8080",
}


def test_a_driver_of_a_standalone_cluster_has_its_secret_and_whole_workers(tmp_path: Path) -> None:
    said = conf(tmp_path / "conf", **STANDALONE)
    assert said["spark.master"] == "spark://127.0.0.1:7077"
    assert (said["spark.executor.memory"], said["spark.executor.cores"]) == ("512m", "1")
    assert said["spark.authenticate"] == said["spark.network.crypto.enabled"] == "true"
    assert len(said["spark.authenticate.secret"]) == 64
    limits = {name: said[f"spark.dynamicAllocation.{name}Executors"] for name in ("min", "initial", "max")}
    assert limits == {"min": "0", "initial": "2", "max": "4"}
    cluster = ClusterFolder(tmp_path / "cluster").settings()
    assert (cluster.port, cluster.pages_port, cluster.workers, cluster.most) == (7077, 8080, 2, 4)
    assert cluster.authorization.startswith("Bearer ")


ON_KUBERNETES: dict[str, Any] = STANDALONE | {"kubernetes": KUBERNETES | {"word": "f" * 64, "word_key": "spark-word"}}


def test_workers_on_kubernetes_are_pods_that_reach_their_master_by_its_pods_address(tmp_path: Path) -> None:
    said = conf(tmp_path / "conf", **ON_KUBERNETES)
    cluster = ClusterFolder(tmp_path / "cluster")
    host = cluster.settings().host
    assert host == socket.gethostbyname(socket.gethostname())
    assert said["spark.master"] == f"spark://{host}:7077"
    assert said["spark.driver.host"] == said["spark.driver.bindAddress"] == host
    assert said["spark.authenticate"] == said["spark.network.crypto.enabled"] == "true"
    assert said["spark.authenticate.secret"] == "f" * 64
    pod = cluster.worker()
    assert pod is not None
    [container] = pod["spec"]["containers"]
    assert container["command"][-1] == said["spark.master"]
    assert container["resources"]["limits"] == {"cpu": "1", "memory": str(2**29 + 384 * 2**20 + 256 * 2**20)}


def test_a_workers_pod_ends_with_its_session_and_says_no_secret_itself(tmp_path: Path) -> None:
    conf(tmp_path / "conf", **ON_KUBERNETES)
    pod = ClusterFolder(tmp_path / "cluster").worker()
    assert pod is not None
    assert [owner["name"] for owner in pod["metadata"]["ownerReferences"]] == ["rspark-a-1"]
    assert "f" * 64 not in json.dumps(pod)
    [word] = [one["valueFrom"] for one in pod["spec"]["containers"][0]["env"] if one["name"] == "_SPARK_AUTH_SECRET"]
    assert word == {"secretKeyRef": {"name": "rspark-a-1", "key": "spark-word"}}
    assert pod["spec"]["automountServiceAccountToken"] is False
    assert [volume["name"] for volume in pod["spec"]["volumes"]] == ["tmp"]
    [apart] = pod["spec"]["affinity"]["podAntiAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"]
    assert apart["podAffinityTerm"]["labelSelector"] == {"matchLabels": {"rsparkhub/session": "a"}}


def test_workers_on_kubernetes_take_nothing_of_their_sessions_memory() -> None:
    config = SparkConfig.parse({"cores": 2} | ON_KUBERNETES | {"workers": 4, "memory": 2**30})
    assert config.cluster is not None
    assert config.cluster.workers == 4


def test_spark_connect_listens_here_alone_and_asks_for_a_token(tmp_path: Path) -> None:
    said = conf(tmp_path / "conf", connect=True, connect_port="4711")
    assert (said["spark.connect.grpc.binding.address"], said["spark.connect.grpc.binding.port"]) == ("127.0.0.1", "4711")
    assert len(said["spark.connect.authenticate.token"]) == 64
    assert said["spark.connect.authenticate.token"] != said["spark.authenticate.secret"]
    assert ClusterFolder(tmp_path / "cluster").driver_ahead() == DriverAhead(connect=True)
    assert "spark.plugins" not in said  # drivers that a person starts serve nobody


def test_workers_that_do_not_fit_into_the_session_are_refused_in_a_sentence() -> None:
    with pytest.raises(
        Unreadable, match="4 workers of 1024 MB and a driver of 1024 MB don't fit into the 4096 MB of the session"
    ):
        SparkConfig.parse({"cores": 2} | STANDALONE | {"workers": 4, "memory": 2**30})


def test_a_metastore_is_in_the_memory_of_its_driver_and_writes_its_log_where_it_vanishes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.prefix", str(tmp_path))
    said = conf(tmp_path / "with a space")
    assert said["spark.sql.catalogImplementation"] == "in-memory"
    assert said["spark.hadoop.javax.jdo.option.ConnectionURL"].startswith("jdbc:derby:memory:")
    assert said["spark.driver.defaultJavaOptions"] == f'"-Dderby.stream.error.file={tmp_path}/with a space/scratch/derby.log"'


def test_our_own_jar_is_asked_for_only_where_it_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.prefix", str(tmp_path))
    assert not [name for name in conf(tmp_path / "conf") if "rspark" in name or name == "spark.extraListeners"]
    (tmp_path / JARS).mkdir(parents=True)
    (tmp_path / JARS / "rspark-driver.jar").touch()
    said = conf(tmp_path / "conf")
    assert said["spark.extraListeners"] == "org.apache.spark.rspark.Announcement"
    assert said["spark.rspark.drivers"] == str(tmp_path / "drivers")
    assert said["spark.rspark.tables"] == "/home/rspark/spark-warehouse"
    assert said["spark.driver.extraClassPath"].endswith("/rspark-driver.jar")


def test_a_home_with_spaces_and_backslashes_is_written_as_java_reads_it(tmp_path: Path) -> None:
    config = SparkConfig(memory=2**30, cores=2)
    home = Path("/home/a b\\c")
    write_configuration(tmp_path, config, base_path="/s/a/", home=home, scratch=tmp_path / "scratch", secrets=DriverSecrets())
    lines = dict(line.split(" ", 1) for line in (tmp_path / "spark-defaults.conf").read_text().splitlines())
    assert lines["spark.sql.warehouse.dir"] == "file:///home/a%20b%5Cc/spark-warehouse"
    assert lines.get("spark.rspark.tables", "/home/a b\\\\c/spark-warehouse") == "/home/a b\\\\c/spark-warehouse"


@pytest.mark.parametrize(
    "lacking", [{}, {"memory": "much", "cores": 1}, {"memory": 1}, {"memory": 1, "cores": 1, "kubernetes": {}}]
)
def test_what_is_not_as_expected_is_an_error(lacking: dict[str, Any]) -> None:
    with pytest.raises(Unreadable):
        SparkConfig.parse(lacking)


@pytest.mark.parametrize("mode", ["kubernetes", "standalone"])
def test_a_mode_that_nobody_gives_executors_to_is_never_local_without_a_word(mode: str) -> None:
    with pytest.raises(Unreadable, match=f"its mode is {mode}, and nothing here says how a driver gets executors"):
        SparkConfig.parse({"memory": 1, "cores": 1, "mode": mode})
    assert SparkConfig.parse({"memory": 1, "cores": 1, "mode": "local"}).executors is None
    assert SparkConfig.parse({"memory": 1, "cores": 1, "mode": "kubernetes", "kubernetes": KUBERNETES}).executors is not None
