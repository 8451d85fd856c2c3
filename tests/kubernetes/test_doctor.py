"""`rsparkhub doctor` on a cluster: what is missing is named, with the way to mend it."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.installation import COMMAND

from .cluster import Cluster
from .hub import IMAGE, NAMESPACE, settings

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]


def doctor(cluster: Cluster, data: Path, **more: str) -> dict[str, dict[str, Any]]:
    environ = settings(cluster) | {"RSPARKHUB_DATA": str(data)} | more
    done = subprocess.run([COMMAND, "doctor", "--json"], capture_output=True, text=True, check=False, env=environ)
    return {one["name"]: one for one in json.loads(done.stdout)["findings"]}


def test_a_cluster_that_has_all_is_well(namespace: Cluster, tmp_path: Path) -> None:
    found = doctor(namespace, tmp_path)
    for name in ("cluster", "clocks", "rights", "namespace", "storage", "images", "names", "policies"):
        assert found[name]["level"] == "ok", found[name]
    assert namespace("-n", NAMESPACE, "get", "pods", "-o", "name") == ""


def test_a_right_that_is_missing_is_named(namespace: Cluster, tmp_path: Path) -> None:
    """As somebody who may look and nothing else."""
    said = namespace("-n", NAMESPACE, "create", "serviceaccount", "looks", "--dry-run=client", "-o", "json")
    namespace.apply(json.loads(said))
    words = ("create", "rolebinding", "looks", "--clusterrole=view", f"--serviceaccount={NAMESPACE}:looks")
    binding = namespace("-n", NAMESPACE, *words, "--dry-run=client", "-o", "json")
    namespace.apply(json.loads(binding))
    config = yaml.safe_load(namespace.kubeconfig.read_text())
    config["users"][0]["user"] = {"token": namespace("-n", NAMESPACE, "create", "token", "looks").strip()}
    limited = tmp_path / "kubeconfig"
    limited.write_text(yaml.safe_dump(config))
    found = doctor(namespace, tmp_path / "data", RSPARKHUB_KUBERNETES__KUBECONFIG=str(limited))
    assert found["rights"]["level"] == "problem"
    assert "patch pods" in found["rights"]["says"]
    assert "get secrets" in found["rights"]["says"]
    assert "chart" in found["rights"]["mend"]


@pytest.mark.parametrize(
    ("name", "value", "finding", "words"),
    [
        ("KUBECONFIG", "/nonexistent", "cluster", "no way to a Kubernetes API server"),
        ("NAMESPACE", "not-there", "namespace", "There is no namespace not-there."),
        ("STORAGE_CLASS", "golden", "storage", "There is no StorageClass golden."),
        ("SERVICE_IMAGE", "localhost/rsparkhub/nowhere:1", "probe", "does not run"),
    ],
)
def test_what_is_wrong_is_said(namespace: Cluster, tmp_path: Path, name: str, value: str, finding: str, words: str) -> None:
    more = {f"RSPARKHUB_KUBERNETES__{name}": value, "RSPARKHUB_KUBERNETES__IMAGE_PULL_POLICY": "Never"}
    found = doctor(namespace, tmp_path, **more)
    assert found[finding]["level"] == "problem", found
    assert words in found[finding]["says"]


def test_policies_that_nobody_enforces_are_found_by_trying(namespace: Cluster, tmp_path: Path) -> None:
    everything = {"podSelector": {}, "policyTypes": ["Egress"], "egress": [{}]}
    namespace.apply(
        {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "open", "namespace": NAMESPACE},
         "spec": everything}
    )  # fmt: skip
    try:
        found = doctor(namespace, tmp_path, RSPARKHUB_KUBERNETES__SERVICE_IMAGE=IMAGE)
        assert found["policies"]["level"] == "problem"
    finally:
        namespace("-n", NAMESPACE, "delete", "networkpolicy", "open")
