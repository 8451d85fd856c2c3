"""`rsparkhub doctor` on a cluster: what is missing is named, with the way to mend it."""

import json
import subprocess
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import yaml

from tests.installation import COMMAND

from .cluster import Cluster
from .hub import ENVIRONMENTS, IMAGE, NAMESPACE, settings

pytestmark = [pytest.mark.timeout(600)]


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


@pytest.fixture
def older(namespace: Cluster, tmp_path: Path) -> Iterator[Path]:
    """The API server once more, as the oldest version that it can be, on a store of its own; give the kubeconfig."""
    line = namespace.program("kube-apiserver").cmdline()
    changed = ("--secure-port", "--audit-log-path", "--etcd-prefix")
    command = [word for word in line if word.partition("=")[0] not in changed]
    command += [
        "--secure-port=6444",
        f"--etcd-prefix=/older-{time.time_ns()}",
        "--emulated-version=1.33",
        "--min-compatibility-version=1.33",
    ]
    with (tmp_path / "older.log").open("w") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log)
    config = yaml.safe_load(namespace.kubeconfig.read_text())
    config["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:6444"
    kubeconfig = tmp_path / "older"
    kubeconfig.write_text(yaml.safe_dump(config))
    asks = namespace.command("--kubeconfig", str(kubeconfig), "get", "--raw", "/readyz")
    deadline = time.monotonic() + 60
    while subprocess.run(asks, capture_output=True, check=False).returncode:
        assert server.poll() is None, (tmp_path / "older.log").read_text()[-3000:]
        assert time.monotonic() < deadline
        time.sleep(0.2)
    yield kubeconfig
    server.terminate()
    server.wait(60)


def test_an_api_server_of_an_older_minor_takes_all_that_is_applied(namespace: Cluster, older: Path, tmp_path: Path) -> None:
    (tmp_path / "environments").mkdir()
    for name, text in ENVIRONMENTS.items():
        (tmp_path / "environments" / f"{name}.yaml").write_text(text)
    environ = settings(namespace) | {"RSPARKHUB_ENVIRONMENTS": str(tmp_path / "environments")}
    asks = namespace.command("--kubeconfig", str(older))

    def apply(what: str) -> None:
        command = [COMMAND, "render", "kubernetes", what, "--session", what]
        rendered = subprocess.run(command, capture_output=True, text=True, check=True, env=environ).stdout
        command = [*asks, "apply", "--server-side", "--force-conflicts", "--validate=strict", "-f", "-"]
        applied = subprocess.run(command, input=rendered, capture_output=True, text=True, check=False)
        assert applied.returncode == 0, (what, applied.stderr)

    apply("namespace")
    # No controller runs there that would make it.
    subprocess.run([*asks, "-n", NAMESPACE, "create", "serviceaccount", "default"], check=True, capture_output=True)
    for what in ("shell", "lab", "spark", "closed"):
        apply(what)
    found = doctor(namespace, tmp_path / "data", RSPARKHUB_KUBERNETES__KUBECONFIG=str(older))
    assert found["cluster"]["level"] == "ok", found["cluster"]
    assert "Kubernetes 1.33 " in found["cluster"]["says"]


class _TooOld(BaseHTTPRequestHandler):
    """A stand-in for an API server that is too old to be built beside this one: it says its version, and nothing else."""

    def do_GET(self) -> None:
        text = json.dumps({"major": "1", "minor": "27+", "gitVersion": "v1.27.3"}).encode()
        self.send_response(200 if self.path.strip("/") == "version" else 404)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_one_that_is_too_old_is_said_with_what_to_do(cluster: Cluster, tmp_path: Path) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), _TooOld) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        config = yaml.safe_load(cluster.kubeconfig.read_text())
        config["clusters"][0]["cluster"] = {"server": f"http://127.0.0.1:{server.server_port}"}
        (tmp_path / "old").write_text(yaml.safe_dump(config))
        found = doctor(cluster, tmp_path / "data", RSPARKHUB_KUBERNETES__KUBECONFIG=str(tmp_path / "old"))
        server.shutdown()
    assert found["cluster"]["level"] == "problem"
    assert found["cluster"]["says"] == "Kubernetes is version 1.27."
    assert found["cluster"]["mend"] == "Upgrade it to 1.31 or newer."
