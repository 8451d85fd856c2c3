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

from rsparkhub.backends.kubernetes.rights import CONTROLLER
from tests.story import test_main_job as story

from .chart import CHART, NAMESPACE, RELEASE, SESSIONS, Chart, helm
from .cluster import TOP, Cluster

pytestmark = [pytest.mark.long, pytest.mark.timeout(1200)]

SMALL = ("sessions.cpuRequests=0.1", "sessions.memoryRequests=0.25")

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


def test_the_parts_that_come_from_the_code_are_as_the_code_says() -> None:
    done = subprocess.run([TOP / "scripts/make-chart", "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


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
    story.test_a_person_works_in_r_sleeps_and_finds_the_variables_again(installation, browser)


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
    assert set(found) - usual - homes - {"service/postgres"} == set()
    of_the_cluster = "validatingadmissionpolicies,validatingadmissionpolicybindings,clusterroles,clusterrolebindings"
    assert "rspark" not in cluster("get", of_the_cluster, "-o", "name")
