"""A JupyterHub for tests: PyPI's, with npm's proxy, in a folder of its own; its people sign in with any password."""

import os
import secrets
import subprocess
import time
from pathlib import Path
from typing import Any, Self

import httpx

from tests.installation import ROOT, free_port

BIN = ROOT / ".venv-jupyterhub/bin"
PROXY = ROOT / "web/node_modules/.bin/configurable-http-proxy"
NODE = ROOT / ".build/bin"  # the first folder in which `node` is looked for

_SCOPES = ("list:users", "read:users", "list:groups", "read:groups")  # as the page says
#: Any name signs in with any password, as JupyterHub's DummyAuthenticator lets them.
_CONFIGURATION = """
c = get_config()
c.JupyterHub.bind_url = {url!r}
c.JupyterHub.hub_bind_url = "http://127.0.0.1:{inner}"
c.JupyterHub.db_url = "sqlite:///{folder}/jupyterhub.sqlite"
c.JupyterHub.cookie_secret_file = "{folder}/cookie_secret"
c.JupyterHub.authenticator_class = "dummy"
c.Authenticator.allow_all = True
c.Authenticator.admin_users = {{"root"}}
c.JupyterHub.services = [{{"name": "import", "api_token": {token!r}}}, {{"name": "blind", "api_token": {blind!r}}}]
c.JupyterHub.load_roles = [
    {{"name": "importer", "services": ["import"], "scopes": {scopes!r}}},
]
c.JupyterHub.load_groups = {groups!r}
c.JupyterHub.api_page_default_limit = 2
c.JupyterHub.api_page_max_limit = 2
c.ConfigurableHTTPProxy.command = [{proxy!r}]
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:{api}"
c.ConfigurableHTTPProxy.pid_file = "{folder}/proxy.pid"
"""


class RunningJupyterHub:
    """One JupyterHub, from `with` to its end.

    Parameters
    ----------
    groups
        Who is in which group; everybody who is named is a user.
    more
        More lines of its configuration.
    """

    def __init__(self, folder: Path, *, groups: dict[str, Any], more: str = "") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.log = folder, folder / "jupyterhub.log"
        self.url = f"http://127.0.0.1:{free_port()}"
        self.token, self.blind_token = secrets.token_hex(16), secrets.token_hex(16)
        text = _CONFIGURATION.format(
            url=self.url, scopes=[*_SCOPES, "read:servers"], inner=free_port(), api=free_port(), folder=folder, groups=groups,
            token=self.token, blind=self.blind_token, proxy=str(PROXY),
        )  # fmt: skip
        (folder / "jupyterhub_config.py").write_text(text + more)

    def start(self) -> None:
        path = f"{NODE}:{BIN}:{os.environ['PATH']}"
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [BIN / "jupyterhub", "--config", self.folder / "jupyterhub_config.py"],
                cwd=self.folder, env={**os.environ, "PATH": path, "CONFIGPROXY_AUTH_TOKEN": "x" * 32}, stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        deadline = time.monotonic() + 120
        while not self._answers():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.1)

    def stop(self) -> None:
        """End it; its proxy ends with it, and what its spawners started goes on."""
        self.process.terminate()
        self.process.wait(60)

    def api(self, method: str, path: str, **more: Any) -> httpx.Response:
        headers = {"Authorization": f"token {self.token}", **more.pop("headers", {})}
        return httpx.request(method, f"{self.url}/hub/api{path}", headers=headers, timeout=60, **more)

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/hub/api/").status_code == 200
        except httpx.TransportError:
            return False

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
