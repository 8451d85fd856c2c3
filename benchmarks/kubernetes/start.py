"""Click to R on a real node, cold and resumed, beside `kubectl run` of the same image until its pod is ready.

Needs a running cluster with the images: `make cluster images`.
"""

import argparse
import json
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import yaml
from tests.installation import COMMAND
from tests.kernels import RemoteKernel
from tests.kubernetes.cluster import Cluster
from tests.kubernetes.hub import IMAGE, NAMESPACE, Hub, environment, settings

from benchmarks.results import spread, table, versions, write_section

SCRATCH = "bench-start"
#: What the catalog's own environment has.
ROOM = {"cpu": 2, "memory": "4Gi"}

NAMES = {
    "kubectl": "`kubectl run` of the same image, until Ready",
    "cold": "click to JupyterLab ready, cold",
    "cold, R": "click to R's prompt, cold",
    "cold, result": "click to R's first result, cold",
    "resumed": "click to JupyterLab ready, resumed",
    "resumed, R": "click to R's prompt, resumed",
    "resumed, result": "click to R's first result, resumed",
}


def by_kubectl(cluster: Cluster, number: int) -> float:
    """Run a pod of the same image that does nothing, until Kubernetes says that it is ready."""
    name = f"bare-{number}"
    began = time.perf_counter()
    cluster("-n", SCRATCH, "run", name, f"--image={IMAGE}", "--image-pull-policy=Never", "--restart=Never", "--command", "--", "sleep", "600")  # fmt: skip  # noqa: E501
    cluster("-n", SCRATCH, "wait", "--for=condition=Ready", f"pod/{name}", "--timeout=60s")
    took = time.perf_counter() - began
    cluster("-n", SCRATCH, "delete", "pod", name, "--grace-period=0", "--force")
    return took


def until_running(hub: httpx.Client, ask: Callable[[], str]) -> tuple[str, float]:
    """Do what a click does, and wait as the page does: by the session's events."""
    began = time.perf_counter()
    session = ask()
    with hub.stream("GET", f"/hub/api/sessions/{session}/events") as events:
        for line in events.iter_lines():
            if line.startswith("data:") and json.loads(line[5:]).get("state") == "running":
                return session, time.perf_counter() - began
    raise AssertionError("its events ended before it ran")


def first_result(hub: Hub, http: httpx.Client, session: str, *, woken: bool) -> tuple[float, float]:
    """Take the kernel that slept, as an open notebook does, or a new one; give when R answered, and when it had computed."""
    began = time.perf_counter()
    url = f"{hub.address}/s/{session}"
    there = http.get(f"{url}/api/kernels").json()[0]["id"] if woken else None
    # The server opens the websocket when the kernel has said what it is.
    with RemoteKernel(url, {"Authorization": f"Bearer {hub.token}"}, kernel_id=there, http=http) as kernel:
        prompt = time.perf_counter() - began
        assert "[1] 2" in kernel.run("1+1").text
        return prompt, time.perf_counter() - began


def main(runs: int) -> None:
    cluster = Cluster()
    samples: dict[str, list[float]] = {name: [] for name in NAMES}
    with tempfile.TemporaryDirectory() as scratch:
        catalog = Path(scratch) / "environments"
        catalog.mkdir()
        (catalog / "lab.yaml").write_text(environment("lab", interface="jupyterlab", kernels=["r"], resources=ROOM))
        environ = settings(cluster) | {"RSPARKHUB_ENVIRONMENTS": str(catalog)}
        rendered = subprocess.run(
            [COMMAND, "render", "kubernetes", "namespace"], capture_output=True, text=True, check=True, env=environ
        ).stdout
        cluster.apply(*yaml.safe_load_all(rendered), {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SCRATCH}})
        try:
            with Hub(Path(scratch) / "data", environ=environ) as hub, hub.client() as client:
                for number in range(runs + 1):
                    figures = {"kubectl": by_kubectl(cluster, number)}
                    first, second = hub.client(), hub.client()  # what a browser has before anybody clicks
                    session, figures["cold"] = until_running(
                        client, lambda: str(client.post("/hub/api/sessions", json={"environment": "lab"}).json()["id"])
                    )
                    prompt, result = first_result(hub, first, session, woken=False)
                    figures |= {"cold, R": figures["cold"] + prompt, "cold, result": figures["cold"] + result}
                    hub.do("suspend", session)

                    def resume(session: str = session) -> str:
                        client.post(f"/hub/api/sessions/{session}/resume").raise_for_status()
                        return session

                    _, figures["resumed"] = until_running(client, resume)
                    prompt, result = first_result(hub, second, session, woken=True)
                    figures |= {"resumed, R": figures["resumed"] + prompt, "resumed, result": figures["resumed"] + result}
                    hub.delete(session)
                    if number:  # the first round warms the caches of the disk for all
                        for name, figure in figures.items():
                            samples[name].append(figure)
        finally:
            cluster("delete", "namespace", SCRATCH, NAMESPACE, "--timeout=120s")
            for kind in ("validatingadmissionpolicybinding", "validatingadmissionpolicy"):
                cluster("delete", kind, f"{NAMESPACE}-executors")
    middle = statistics.median(samples["kubectl"])
    rows = [
        [NAMES[name], spread(found, unit="s", digits=2), f"{statistics.median(found) - middle:+.2f} s"]
        for name, found in samples.items()
    ]
    body = f"{runs} rounds, each in turn; the image is on the node. Aim: + 0.5 s at most.\n\n" + table(
        ["", "median (min–max)", "beside kubectl run"], rows
    )
    write_section("Click to R on Kubernetes", body, with_versions=f"Kubernetes v1.36.3, {versions('aiohttp', 'kr8s')}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=7)
    main(parser.parse_args().runs)
