"""The chart, by the real Helm: installed, worked with in a browser, upgraded, rolled back, and removed without residue."""

import json
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import yaml
from playwright.sync_api import BrowserContext

from rsparkhub.backends.kubernetes.objects.rights import CONTROLLER
from tests.story import test_main_job as story

from .chart import CHART, NAMESPACE, RELEASE, SESSIONS, Chart, helm
from .cluster import TOP, Cluster
from .reaching import reaches

pytestmark = [pytest.mark.timeout(1200)]

#: The environments of the one-machine hub, but that Spark has executors of its own.
CATALOG = {name: (TOP / f"environments/{name}").read_text() for name in ("rspark.yaml", "terminal.yaml")}
CATALOG["rspark.yaml"] = CATALOG["rspark.yaml"].replace(
    "{mode: local, memory: 1Gi}", "{mode: kubernetes, workers: 2, max: 2, memory: 512Mi}"
)
#: One that asks for no service.
CATALOG["plain.yaml"] = (
    CATALOG["terminal.yaml"].replace("name: terminal", "name: plain").replace("  services:\n    postgres: {scope: shared}\n", "")
)
SMALL = ("sessions.cpuRequests=0.1", "sessions.memoryRequests=0.25", f"environments={json.dumps(CATALOG)}")

#: The story's own browser, and its pictures.
browser, pictured = story.browser, story.pictured


@pytest.fixture(scope="module")
def installation(images: Cluster) -> Iterator[Chart]:
    helm()
    chart = Chart(images)
    chart.install(*SMALL)
    chart.forward()
    chart.sign_in()
    yield chart
    chart.stop_forwarding()
    if json.loads(chart.helm("list", "-o", "json").stdout):
        chart.uninstall()
    images("delete", "namespace", NAMESPACE, SESSIONS, "--ignore-not-found", "--timeout=120s")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ('publicUrl="rspark.example.org"', "publicUrl"),
        ("hub.replicas=-1", "replicas"),
        ('sessions.namespaces="two"', "namespaces"),
        ('store.url="mysql://h/d"', "url"),
        ("hubb.replicas=1", "hubb"),
    ],
)
def test_a_wrong_value_is_named(cluster: Cluster, value: str, words: str) -> None:
    helm()
    done = Chart(cluster).helm("template", RELEASE, str(CHART), "--set-json", value, check=False)
    assert done.returncode != 0
    assert words in done.stderr


def test_every_choice_of_the_values_makes_objects(cluster: Cluster) -> None:
    helm()
    values = (
        'publicUrl="https://rspark.example.org"', 'sessionOrigin="subdomain"', "hub.replicas=3", "controller.replicas=2",
        'store.url="postgresql://u:p@db/rspark"', "ingress.enabled=true", 'ingress.tlsSecret="tls"', "gateway.enabled=true",
        'gateway.name="public"', "sessions.quota.cpu=8", 'sessions.namespaces="person"', 'environments={"a.yaml": "b"}',
        'image.pullSecrets=["registry"]', 'nodeSelector={"a": "b"}', 'settings={"most_running": 100}',
    )  # fmt: skip
    words = [word for value in values for word in ("--set-json", value)]
    text = Chart(cluster).helm("template", RELEASE, str(CHART), *words).stdout
    found = [one for one in yaml.safe_load_all(text) if one]
    kinds = {one["kind"] for one in found}
    assert {"Ingress", "HTTPRoute", "PodDisruptionBudget", "ClusterRole", "ResourceQuota", "ConfigMap"} <= kinds
    assert "StatefulSet" not in kinds
    [ingress] = [one for one in found if one["kind"] == "Ingress"]
    assert [rule["host"] for rule in ingress["spec"]["rules"]] == ["rspark.example.org", "*.rspark.example.org"]


def test_a_person_works_in_r_sleeps_and_finds_the_variables_again(installation: Any, browser: BrowserContext) -> None:
    words = ("-n", SESSIONS, "get", "pods", "-l", "rsparkhub/component=executor", "--watch", "--no-headers")
    watching = subprocess.Popen(installation.cluster.command(*words), stdout=subprocess.PIPE, text=True)
    try:
        story.test_a_person_works_in_r_sleeps_and_finds_the_variables_again(installation, browser)
    finally:
        watching.terminate()
    said, _ = watching.communicate(timeout=30)
    assert len({line.split()[0] for line in said.splitlines() if " Running " in line}) >= 2


def test_the_link_works_once(installation: Any, browser: BrowserContext) -> None:
    story.test_the_link_works_once(installation, browser)


def test_the_hub_s_cookie_is_not_sent_to_the_session(installation: Any, browser: BrowserContext) -> None:
    story.test_the_hub_s_cookie_is_not_sent_to_the_session(installation, browser)


def calls(cluster: Cluster, account: str) -> set[tuple[str, str, str]]:
    """Give what an account has asked of the API server: group, resource and verb; what every account may ask is left out."""
    found = set()
    for line in cluster.audit.read_text().splitlines():
        call = json.loads(line)
        about = call.get("objectRef")
        if call["user"].get("username") == account and about and about.get("namespace") == SESSIONS:
            resource = "/".join(filter(None, [about["resource"], about.get("subresource")]))
            found.add((about.get("apiGroup", ""), resource, call["verb"]))
    return found


def test_the_controller_uses_no_right_that_it_isn_t_given(installation: Chart) -> None:
    given = {(right.group, right.resource, verb) for right in CONTROLLER for verb in right.verbs}
    used = calls(installation.cluster, f"system:serviceaccount:{NAMESPACE}:{RELEASE}-controller")
    assert used, "the story has made it work"
    assert used - given == set()
    assert calls(installation.cluster, f"system:serviceaccount:{NAMESPACE}:default") == set()


def test_the_hub_has_no_account(installation: Chart) -> None:
    said = installation.in_the_hub("sh", "-c", "ls /var/run/secrets/kubernetes.io 2>&1 || true")
    assert "No such file or directory" in said


@pytest.fixture(scope="module")
def mine(installation: Chart) -> str:
    return installation.start("terminal")


@pytest.fixture(scope="module")
def another(installation: Chart) -> str:
    return installation.start("terminal")


class TestACuriousStudent:
    """What can be tried from inside a session. Each try is one that must fail, but for the two that must not."""

    def address(self, cluster: Cluster, namespace: str, selector: str) -> str:
        found = cluster.get("-n", namespace, "pods", "-l", selector)["items"]
        return str(next(one["status"]["podIP"] for one in found if one["status"]["phase"] == "Running"))

    @pytest.mark.parametrize(
        ("what", "namespace", "selector", "port"),
        [
            ("another session's agent", SESSIONS, "rsparkhub/session=ANOTHER", 8888),
            ("another session's terminal", SESSIONS, "rsparkhub/session=ANOTHER", 22),
            ("PostgreSQL's agent", SESSIONS, "rsparkhub/component=service", 8888),
            ("the hub's database", NAMESPACE, "app.kubernetes.io/component=store", 5432),
            ("the controller", NAMESPACE, "app.kubernetes.io/component=controller", 8000),
            ("the cluster's names, by their other door", "kube-system", "k8s-app=kube-dns", 8080),
        ],
    )
    def test_no_pod_but_those_it_needs(
        self, installation: Chart, mine: str, another: str, what: str, namespace: str, selector: str, port: int
    ) -> None:
        there = self.address(installation.cluster, namespace, selector.replace("ANOTHER", another))
        assert not reaches(installation, mine, there, port), what

    @pytest.mark.parametrize(
        ("what", "host", "port"),
        [
            ("the API server, at its node", "10.244.0.1", 6443),
            ("the API server, by its name", "kubernetes.default.svc", 443),
            ("the kubelet", "10.244.0.1", 10250),
            ("etcd", "10.244.0.1", 2379),
            ("the cloud's metadata", "169.254.169.254", 80),
            ("a machine beside the cluster", "192.168.1.1", 22),
            ("the store, by its name", f"{RELEASE}-store.{NAMESPACE}.svc", 5432),
        ],
    )
    def test_no_machine_and_no_part_of_the_cluster(self, installation: Chart, mine: str, what: str, host: str, port: int) -> None:
        assert not reaches(installation, mine, host, port), what

    @pytest.mark.parametrize(("host", "port"), [("postgres", 5432), (f"{RELEASE}.{NAMESPACE}.svc", 80)])
    def test_but_its_services_and_its_hub(self, installation: Chart, mine: str, host: str, port: int) -> None:
        assert reaches(installation, mine, host, port)

    def test_no_service_that_its_environment_does_not_ask_for(self, installation: Chart, mine: str) -> None:
        plain = installation.start("plain")
        assert reaches(installation, mine, "postgres", 5432)
        assert not reaches(installation, plain, "postgres", 5432)

    def test_no_session_of_another_by_forged_headers(self, installation: Chart, mine: str, another: str) -> None:
        there = self.address(installation.cluster, SESSIONS, f"rsparkhub/session={another}")
        hub = f"http://{RELEASE}.{NAMESPACE}.svc/s/{another}/agent/status"
        asked = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "-H", f"X-Rspark-Upstream: {there}:8888",
                 "-H", "X-Rspark-Secret: guessed", "-H", "X-Forwarded-User: root"]  # fmt: skip
        assert installation.run(mine, *asked, hub) in ("302", "401", "403", "421")

    def test_no_right_that_its_pod_does_not_have(self, installation: Chart, mine: str) -> None:
        status = installation.run(mine, "cat", "/proc/self/status")
        said = dict(line.split(":\t") for line in status.splitlines() if ":\t" in line)
        assert int(said["CapEff"], 16) == int(said["CapBnd"], 16) == 0
        assert said["NoNewPrivs"] == "1"
        assert said["Seccomp"] == "2"
        assert said["Uid"].split() == ["1000"] * 4
        assert installation.run(mine, "bash", "-c", "ls /var/run/secrets 2>&1 || true").endswith("No such file or directory\n")

    def test_no_home_of_another(self, installation: Chart, mine: str) -> None:
        assert installation.run(mine, "find", "/home", "-mindepth", "1", "-maxdepth", "1") == "/home/rspark\n"
        mounts = installation.run(mine, "cat", "/proc/mounts")
        assert sum(" /home" in line for line in mounts.splitlines()) == 1


def test_an_upgrade_and_a_roll_back_keep_sessions_and_people(installation: Chart) -> None:
    with installation.client() as hub:
        before = {one["id"] for one in hub.get("/hub/api/sessions").json()["sessions"]}
    assert before
    installation.install(*SMALL, "hub.replicas=2", "controller.replicas=2")
    installation.forward()
    with installation.client() as hub:
        assert {one["id"] for one in hub.get("/hub/api/sessions").json()["sessions"]} == before
    installation.helm("rollback", RELEASE, "1", "--wait", "--timeout", "240s")
    installation.forward()
    with installation.client() as hub:
        assert {one["id"] for one in hub.get("/hub/api/sessions").json()["sessions"]} == before
        assert hub.get("/hub/api/me").status_code == httpx.codes.OK


def test_it_goes_without_residue_but_people_s_homes(installation: Chart) -> None:
    cluster = installation.cluster
    installation.uninstall()
    kinds = "pods,services,secrets,serviceaccounts,configmaps,deployments,statefulsets,jobs,networkpolicies,roles,rolebindings"
    usual = {"serviceaccount/default", "configmap/kube-root-ca.crt"}
    deadline = time.monotonic() + 90  # pods end within their grace, and what they used goes after them
    while left := set(cluster("-n", NAMESPACE, "get", f"{kinds},persistentvolumeclaims", "-o", "name").split()) - usual:
        assert time.monotonic() < deadline, left
        time.sleep(0.5)
    found = cluster("-n", SESSIONS, "get", f"{kinds},resourcequotas,limitranges,persistentvolumeclaims", "-o", "name").split()
    homes = {name for name in found if name.startswith("persistentvolumeclaim/")}
    assert any(name.startswith("persistentvolumeclaim/home-") for name in homes)
    of_services = {"service/postgres", "networkpolicy.networking.k8s.io/rspark-service-postgres"}
    assert set(found) - usual - homes - of_services == set()
    of_the_cluster = "validatingadmissionpolicies,validatingadmissionpolicybindings,clusterroles,clusterrolebindings"
    assert "rspark" not in cluster("get", of_the_cluster, "-o", "name")
