"""The peers: a Jupyter server started by hand, and JupyterHub with its local process spawner, in a Python of their own."""

import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from tests.installation import ROOT, free_port

BUILD = ROOT / ".build/benchmarks"
JUPYTERHUB = "jupyterhub==6.1.1"
PROXY = "configurable-http-proxy@5.3.0"


def wait_until_answers(url: str, headers: dict[str, str], process: "subprocess.Popen[bytes]", *, within: float = 60) -> None:
    """Wait until a server answers 200, looking every 5 ms."""
    deadline = time.monotonic() + within
    with httpx.Client(headers=headers, timeout=5) as http:
        while time.monotonic() < deadline:
            if process.poll() is not None:
                raise RuntimeError(f"the server at {url} ended with {process.returncode}")
            try:
                if http.get(url).status_code == 200:
                    return
            except httpx.TransportError:
                pass  # not listening yet
            time.sleep(0.005)
    raise TimeoutError(f"{url} did not answer within {within} s")


def end(process: "subprocess.Popen[bytes]") -> None:
    """End a process group that was started here, and wait for it."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@contextmanager
def jupyter_server(folder: Path) -> Iterator[tuple[str, dict[str, str], str]]:
    """Start `jupyter lab` as a person does by hand; gives its address, headers and the folder of connection files."""
    token, port = secrets.token_hex(16), free_port()
    environ = {**os.environ, "JUPYTER_RUNTIME_DIR": str(folder / "runtime"), "JUPYTER_DATA_DIR": str(folder / "data")}
    with (folder / "jupyter.log").open("wb") as log:
        process = subprocess.Popen(
            [
                *(ROOT / ".venv-session/bin/jupyter", "lab", "--no-browser", "--allow-root", f"--port={port}"),
                *(f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={folder}", "--ip=127.0.0.1"),
            ],
            env=environ,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    url, headers = f"http://127.0.0.1:{port}", {"Authorization": f"token {token}"}
    try:
        wait_until_answers(f"{url}/api/status", headers, process)
        yield url, headers, environ["JUPYTER_RUNTIME_DIR"]
    finally:
        end(process)


def prepare_jupyterhub() -> Path:
    """Install JupyterHub beside the same JupyterLab, and its proxy; gives the folder. Done once."""
    folder = BUILD / "jupyterhub"
    if (folder / "done").exists():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    uv = ROOT / ".build/uv/bin/uv"
    python = folder / "venv/bin/python"
    lock = ROOT / "requirements/session.txt"
    subprocess.run([uv, "venv", "-q", "--clear", folder / "venv", "--python", sys.executable], check=True)
    wanted = ("jupyterlab", "ipykernel", JUPYTERHUB)
    subprocess.run([uv, "pip", "install", "-q", "--python", python, "-c", lock, *wanted], check=True)
    subprocess.run(["npm", "install", "--silent", "--prefix", folder / "proxy", PROXY], check=True)
    (folder / "done").touch()
    return folder


@contextmanager
def jupyterhub(folder: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """Start JupyterHub with its local process spawner; gives its address and the headers of an administrator."""
    installed, token, port, inner = prepare_jupyterhub(), secrets.token_hex(16), free_port(), free_port()
    configuration = folder / "jupyterhub_config.py"
    configuration.write_text(
        f"""
c = get_config()
c.JupyterHub.bind_url = "http://127.0.0.1:{port}"
c.JupyterHub.hub_bind_url = "http://127.0.0.1:{inner}"
c.JupyterHub.authenticator_class = "dummy"
c.Authenticator.allow_all = True
c.JupyterHub.spawner_class = "simple"
c.SimpleLocalProcessSpawner.home_dir_template = {json.dumps(str(folder / "home-{username}"))}
c.Spawner.args = ["--allow-root"]
c.JupyterHub.services = [{{"name": "bench", "api_token": "{token}"}}]
scopes = ["admin:users", "admin:servers", "access:servers"]
c.JupyterHub.load_roles = [{{"name": "bench", "services": ["bench"], "scopes": scopes}}]
c.ConfigurableHTTPProxy.command = [{json.dumps(str(installed / "proxy/node_modules/.bin/configurable-http-proxy"))}]
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:{free_port()}"
"""
    )
    environ = {**os.environ, "PATH": f"{installed / 'venv/bin'}:{os.environ['PATH']}"}
    with (folder / "jupyterhub.log").open("wb") as log:
        process = subprocess.Popen(
            [installed / "venv/bin/jupyterhub", "-f", configuration],
            cwd=folder,
            env=environ,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    url, headers = f"http://127.0.0.1:{port}", {"Authorization": f"token {token}"}
    try:
        wait_until_answers(f"{url}/hub/api/", headers, process)
        yield url, headers
    finally:
        end(process)
