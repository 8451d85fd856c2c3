"""Starts and ends what is compared: JupyterHub with KubeSpawner, and RSparkHub, each on the same simulated nodes."""

import base64
import json
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import yaml
from tests.installation import COMMAND, ROOT, free_port
from tests.kubernetes import simulated
from tests.kubernetes.cluster import Cluster
from tests.kubernetes.hub import Hub, environment, settings

from benchmarks.session.peers import BUILD, PROXY, end, wait_until_answers

PYTHON = BUILD / "launch/venv/bin/python"
_LOCK = ROOT / "requirements/launch.txt"
#: The cluster's own programs whose CPU is told.
_PROGRAMS = ("kube-apiserver", "etcd", "kube-controller-manager", "kube-scheduler", "kwok")
#: So high that no queue is what is measured.
_MOST = "100000"
NAMESPACE = "bench-launch"

_JUPYTERHUB = """
c = get_config()
c.JupyterHub.bind_url = "http://127.0.0.1:{port}"
c.JupyterHub.hub_bind_url = "http://127.0.0.1:{inner}"
c.JupyterHub.authenticator_class = "dummy"
c.Authenticator.allow_all = True
c.JupyterHub.spawner_class = "kubespawner.KubeSpawner"
c.JupyterHub.concurrent_spawn_limit = 0
c.Spawner.consecutive_failure_limit = 0
c.ConfigurableHTTPProxy.should_start = False
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:{proxy}"
c.KubeSpawner.namespace = "{namespace}"
c.KubeSpawner.image = "x"
c.KubeSpawner.node_selector = {{"type": "kwok"}}
c.KubeSpawner.tolerations = [{{"key": "kwok.x-k8s.io/node", "operator": "Exists", "effect": "NoSchedule"}}]
c.JupyterHub.services = [{{"name": "bench", "api_token": "{token}"}}]
c.JupyterHub.load_roles = [{{"name": "bench", "services": ["bench"], "scopes": ["admin:users", "admin:servers"]}}]
"""


def prepare() -> None:
    """Install JupyterHub, KubeSpawner, its proxy and what drives and draws, in a place of their own. Done once."""
    folder = BUILD / "launch"
    if (folder / "lock").exists() and (folder / "lock").read_bytes() == _LOCK.read_bytes():
        return
    folder.mkdir(parents=True, exist_ok=True)
    uv = ROOT / ".build/uv/bin/uv"
    subprocess.run([uv, "venv", "-q", "--clear", folder / "venv", "--python", sys.executable], check=True)
    subprocess.run([uv, "pip", "install", "-q", "--python", PYTHON, "--require-hashes", "-r", _LOCK], check=True)
    subprocess.run(["npm", "install", "--silent", "--prefix", folder / "proxy", PROXY], check=True)
    (folder / "lock").write_bytes(_LOCK.read_bytes())


def cluster_processes(cluster: Cluster) -> dict[str, list[int]]:
    """Return the process ids of the cluster's own programs, by name."""
    return {name: [cluster.program(name).pid] for name in _PROGRAMS}


@contextmanager
def namespace(cluster: Cluster, *manifests: dict[str, Any]) -> Iterator[None]:
    """Make the namespace of one contender, fresh, since old events slow who reads them; delete it with all that is in it."""
    cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}, *manifests)
    cluster("-n", NAMESPACE, "wait", "--for=create", "serviceaccount/default", "--timeout=30s")
    try:
        yield
    finally:
        for pod in cluster(
            "-n", NAMESPACE, "get", "pods", "-o", "name"
        ).split():  # of a run that broke: nobody reads their records
            cluster("-n", NAMESPACE, "patch", pod, "--type=merge", "--patch", '{"metadata": {"finalizers": null}}')
        cluster("delete", "namespace", NAMESPACE, "--timeout=120s")


@contextmanager
def pods() -> Iterator[None]:
    """Answer for all that would run in pods, in a process of its own."""
    stub = Path(__file__).with_name("stub.py")
    process = subprocess.Popen([sys.executable, stub, "8888", "6.1.1"], start_new_session=True)
    try:
        wait_until_answers("http://127.0.0.1:8888/", {}, process, within=10)
        yield
    finally:
        end(process)


@contextmanager
def bare(cluster: Cluster, folder: Path) -> Iterator[dict[str, Any]]:
    """Return how the API server itself is asked for pods."""
    folder.mkdir()
    kubeconfig = yaml.safe_load(cluster.kubeconfig.read_text())
    server, user = kubeconfig["clusters"][0]["cluster"], kubeconfig["users"][0]["user"]
    certificate, authority = folder / "client.pem", folder / "authority.pem"
    certificate.touch(0o600)
    certificate.write_bytes(_content(user, "client-certificate") + _content(user, "client-key"))
    authority.write_bytes(_content(server, "certificate-authority"))
    with namespace(cluster):
        yield {
            "what": "bare",
            "url": server["server"],
            "certificate": str(certificate),
            "authority": str(authority),
            "namespace": NAMESPACE,
        }


def _content(of: dict[str, str], name: str) -> bytes:
    return base64.b64decode(of[f"{name}-data"]) if f"{name}-data" in of else Path(of[name]).read_bytes()


@contextmanager
def jupyterhub(cluster: Cluster, folder: Path) -> Iterator[dict[str, Any]]:
    """Start JupyterHub outside the cluster, with its proxy and SQLite; return how it is driven."""
    folder.mkdir()
    token, port, inner, api = secrets.token_hex(16), free_port(), free_port(), free_port()
    configuration = folder / "jupyterhub_config.py"
    configuration.write_text(_JUPYTERHUB.format(port=port, inner=inner, proxy=api, namespace=NAMESPACE, token=token))
    command = BUILD / "launch/proxy/node_modules/.bin/configurable-http-proxy"
    environ = {**os.environ, "KUBECONFIG": str(cluster.kubeconfig), "CONFIGPROXY_AUTH_TOKEN": secrets.token_hex(16)}
    with namespace(cluster), (folder / "jupyterhub.log").open("wb") as log, (folder / "proxy.log").open("wb") as proxy_log:
        proxy = subprocess.Popen(
            [
                *(command, "--ip", "127.0.0.1", "--port", str(port), "--api-ip", "127.0.0.1", "--api-port", str(api)),
                *("--error-target", f"http://127.0.0.1:{inner}/hub/error", "--log-level", "warn"),
            ],
            env=environ,
            stdout=proxy_log,
            stderr=proxy_log,
            start_new_session=True,
        )
        hub = subprocess.Popen(
            [PYTHON, "-m", "jupyterhub", "-f", configuration],
            cwd=folder,
            env=environ,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            url = f"http://127.0.0.1:{port}"
            wait_until_answers(f"{url}/hub/api/", {"Authorization": f"token {token}"}, hub)
            yield {
                "what": "jupyterhub",
                "url": url,
                "token": token,
                "log": str(folder / "jupyterhub.log"),
                "processes": {"hub": [hub.pid], "proxy": [proxy.pid]},
            }
        finally:
            end(hub)
            end(proxy)


@contextmanager
def rsparkhub(cluster: Cluster, folder: Path, *, store_url: str | None = None) -> Iterator[dict[str, Any]]:
    """Start RSparkHub outside the cluster; return how it is driven."""
    folder.mkdir()
    catalog = folder / "environments"
    catalog.mkdir()
    (catalog / "simulated.yaml").write_text(environment("simulated", kubernetes=simulated.PLACEMENT))
    environ = os.environ | {
        name: value for name, value in settings(cluster).items() if not name.endswith(("_EVERY", "LOST_NODE"))
    }
    environ |= {
        "RSPARKHUB_ENVIRONMENTS": str(catalog),
        "RSPARKHUB_KUBERNETES__NAMESPACE": NAMESPACE,
        "RSPARKHUB_MOST_RUNNING": _MOST,
        "RSPARKHUB_MOST_STARTING": _MOST,
        "RSPARKHUB_MOST_SESSIONS_PER_PERSON": _MOST,
        **({"RSPARKHUB_STORE_URL": store_url} if store_url else {}),
    }
    rendered = subprocess.run(
        [COMMAND, "render", "kubernetes", "namespace"], capture_output=True, text=True, check=True, env=environ
    ).stdout
    baseline = list(yaml.safe_load_all(rendered))
    of_the_cluster = [f"{one['kind']}/{one['metadata']['name']}" for one in baseline if one["kind"].startswith("Validating")]
    with namespace(cluster, *baseline):
        try:
            with Hub(folder / "data", environ=environ) as hub:
                held = json.loads((hub.data / "lock").read_text())["processes"]
                edge = psutil.Process(held["edge"][0])
                yield {
                    "what": "rsparkhub",
                    "url": hub.address,
                    "token": hub.token,
                    "holder": str(hub.data / "lock"),
                    "processes": {
                        "hub": [held["hub"][0]],
                        "controller": [held["controller"][0]],
                        "proxy": [edge.pid, *(child.pid for child in edge.children(recursive=True))],
                    },
                }
        finally:
            cluster("delete", *of_the_cluster)
