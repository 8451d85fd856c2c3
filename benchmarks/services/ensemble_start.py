"""The whole ensemble from nothing to healthy, cold and warm, beside its parts one after another; and its memory at rest."""

import argparse
import json
import os
import subprocess
import tempfile
import time
from pathlib import Path

import psutil
from tests.install.running import Running
from tests.installation import ROOT

from benchmarks.results import table, versions, write_section
from benchmarks.services.whole import hub
from rsparkhub.services.base import AnyService
from rsparkhub.services.hdfs import Hdfs
from rsparkhub.services.hive import Hive
from rsparkhub.services.postgres import Postgres
from rsparkhub.services.s3 import S3

PYTHON = ROOT / ".venv-session/bin/python"
SHARED: tuple[AnyService, ...] = (Postgres(), Hdfs(), Hive(), S3())
#: What is left of the environment when nothing in it is shared: its interface, Spark and MapReduce.
ALONE = """
apiVersion: rsparkhub/v1
kind: Environment
metadata: {name: alone, title: Nothing shared}
spec:
  interface: jupyterlab
  kernels: [r, python, bash]
  resources: {cpu: 2, memory: 4Gi}
  services: {spark: {mode: local, memory: 1Gi}}
"""
_PATIENCE = 240.0  # seconds
_SETTLES = 20.0
MIB = 2**20


def start_part(service: AnyService, root: Path) -> float:
    """Start a shared service alone as a backend does, and end it; return the seconds until it could be used."""
    (instance,) = service.instances()
    (component,) = instance.components
    run = root / "run" / service.name
    run.mkdir(parents=True, exist_ok=True)
    places = {"python": str(PYTHON), "data": str(root / service.name), "run": str(run), "host": "127.0.0.1"}
    ready = Path(component.ready["file"].format_map(places))
    with (run / "log").open("a") as log:
        began = time.perf_counter()
        server = subprocess.Popen([word.format_map(places) for word in component.command], stdout=log, stderr=log)
        try:
            while not ready.exists():
                if server.poll() is not None or time.perf_counter() - began > _PATIENCE:
                    raise RuntimeError((run / "log").read_text())
                time.sleep(0.01)
            return time.perf_counter() - began
        finally:
            server.terminate()
            server.wait(90)


def start_session(running: Running, environment: str) -> tuple[str, float]:
    """Start a session as the page does; return its id and the seconds from the click until all of it is ready."""
    with running.client() as client:
        began = time.perf_counter()
        session = client.post("/hub/api/sessions", json={"environment": environment}).raise_for_status().json()["id"]
        with client.stream("GET", f"/hub/api/sessions/{session}/events", timeout=_PATIENCE) as events:
            for line in events.iter_lines():
                state = json.loads(line[5:]).get("state") if line.startswith("data:") else None
                if state == "failed":
                    raise RuntimeError(running.command("session", "show", session).stdout)
                if state == "running" and json.loads(line[5:]).get("id") == session:
                    return str(session), time.perf_counter() - began
    raise RuntimeError("the stream of events ended")


def memory_of(running: Running) -> dict[str, int]:
    """Return the bytes (PSS) of each session and each shared service, by its id."""
    found: dict[str, int] = {}
    for process in psutil.process_iter():
        try:
            name = process.environ().get("RSPARK_ENSEMBLE")
            if name and str(running.data) in process.environ().get("RSPARK_HOME", "") + " ".join(process.cmdline()):
                ensemble = name.rpartition(".")[0]
                found[ensemble] = found.get(ensemble, 0) + process.memory_full_info().pss
        except (psutil.Error, OSError):  # it has ended meanwhile
            continue
    return found


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        root.chmod(0o755)  # where root runs it, servers have accounts of their own
        parts = [{service.title: start_part(service, root / "parts") for service in SHARED} for _ in range(2)]
        wholes, alone = [], []
        for _ in range(2):  # the second time there is data, and nothing runs
            with hub(root, alone=ALONE) as running:
                session, took = start_session(running, "rspark-full")
                wholes.append(took)
                if len(wholes) == 2:
                    time.sleep(_SETTLES)
                    memory = memory_of(running)
                    start_session(running, "rspark-full")
                    time.sleep(_SETTLES)
                    after = memory_of(running)
            os.sync()
            with hub(root, alone=ALONE) as running:
                alone.append(start_session(running, "alone")[1])
    sums = [sum(each.values()) + rest for each, rest in zip(parts, alone, strict=True)]
    names = [service.title for service in SHARED]
    rows = [[name, *(f"{each[name]:.1f} s" for each in parts)] for name in names]
    rows.append(["the session without them: JupyterLab and Spark", *(f"{rest:.1f} s" for rest in alone)])
    rows.append(["one after another", *(f"{each:.1f} s" for each in sums)])
    rows.append(["the whole ensemble, from the click", *(f"{whole:.1f} s" for whole in wholes)])
    rows.append(["ratio (aim: under 0.5)", *(f"{whole / each:.2f}" for whole, each in zip(wholes, sums, strict=True))])
    body = "Once each. Cold: nothing is there, and each part makes its files. Warm: they are there, and nothing runs.\n\n"
    body += table(["", "cold", "warm"], rows)
    total, further = sum(memory.values()), sum(after[name] for name in set(after) - set(memory))
    each = ", ".join(
        f"{'the session' if name == session else name} {bytes_ // MIB} MiB" for name, bytes_ in sorted(memory.items())
    )
    body += f"\n\nAt rest, before the first call of Spark, in PSS: {total / MIB:,.0f} MiB in all (aim: under 1,500): {each}."
    body += f" A second session adds {further / MIB:,.0f} MiB of its own (aim: under 300)."
    write_section("A whole ensemble", body, with_versions=versions("rsparkhub"))


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__).parse_args()
    main()
