"""The chart of this checkout, installed on the cluster of this machine by the real Helm."""

import json
import os
import re
import subprocess
import time
from pathlib import Path

import httpx

from tests.installation import COMMAND

from .cluster import PLACE, TOP, Cluster

CHART = TOP / "deploy/helm/rsparkhub"
NAMESPACE, SESSIONS, RELEASE = "rsparkhub", "rspark-sessions", "rsparkhub"
LINK = re.compile(r"http://\S+/hub/\?token=\S+")
#: Makes a token of the administrator, inside of the hub's pod.
TOKEN = """
import asyncio
from datetime import UTC, datetime
from rsparkhub.cli.first_sign_in import administrator
from rsparkhub.factory import Factory
from rsparkhub.installed.settings import load_settings
async def main():
    async with Factory(load_settings()) as factory:
        owner = await administrator(factory.store)
        print((await factory.authenticator.make_token(owner.name, name="test", now=datetime.now(UTC)))[1])
asyncio.run(main())
"""


class Chart:
    """A release, and the way to its hub: a forwarded port of this machine."""

    def __init__(self, cluster: Cluster, *, port: int = 8000) -> None:
        self.cluster = cluster
        self.port = port
        self.url = f"http://localhost:{port}"
        self.link: str | None = None
        self._token = ""
        self._forwarding: subprocess.Popen[bytes] | None = None

    def helm(self, *words: str, check: bool = True) -> "subprocess.CompletedProcess[str]":
        command = [PLACE / "bin/helm", "--kubeconfig", self.cluster.kubeconfig, "--namespace", NAMESPACE, *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=400)
        assert done.returncode == 0 or not check, done.stdout + done.stderr
        return done

    def install(self, *values: str) -> None:
        words = [word for value in values for word in ("--set-json", value)]
        self.helm("upgrade", "--install", RELEASE, str(CHART), "--create-namespace", "--wait", "--timeout", "240s", *words)

    def uninstall(self) -> None:
        self.stop_forwarding()
        self.helm("uninstall", RELEASE, "--wait", "--timeout", "300s")

    def in_the_hub(self, *words: str) -> str:
        return self.cluster("-n", NAMESPACE, "exec", f"deployment/{RELEASE}-hub", "-c", "hub", "--", *words)

    def sign_in(self) -> str:
        """Get the one-time link, as the chart's notes tell."""
        found = LINK.search(self.in_the_hub("rsparkhub", "user", "link"))
        assert found
        self.link = found[0]
        return self.link

    def forward(self) -> None:
        self.stop_forwarding()
        command = self.cluster.command("-n", NAMESPACE, "port-forward", f"service/{RELEASE}", f"{self.port}:80")
        self._forwarding = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 30
        while True:
            try:
                if httpx.get(f"{self.url}/hub/").status_code == httpx.codes.OK:
                    return
            except httpx.TransportError:
                pass
            assert time.monotonic() < deadline
            time.sleep(0.1)

    def stop_forwarding(self) -> None:
        if self._forwarding is not None:
            self._forwarding.terminate()
            self._forwarding.wait()
            self._forwarding = None

    def client(self) -> httpx.Client:
        """Give an HTTP client that is the administrator."""
        self._token = self._token or self.in_the_hub("python", "-c", TOKEN).strip()
        return httpx.Client(base_url=self.url, headers={"Authorization": f"Bearer {self._token}"}, timeout=60)

    def command(self, *words: str, within: float = 240) -> "subprocess.CompletedProcess[str]":
        """Run `rsparkhub WORDS` of this machine as the administrator of the hub in the cluster."""
        self.client().close()
        environ = os.environ | {"RSPARKHUB_URL": self.url, "RSPARKHUB_TOKEN": self._token}
        return subprocess.run([COMMAND, *words], env=environ, capture_output=True, text=True, check=False, timeout=within)

    def start(self, environment: str) -> str:
        done = self.command("session", "start", environment, "--wait", "--json")
        assert done.returncode == 0, done.stderr
        return str(json.loads(done.stdout)["id"])

    def run(self, session: str, *words: str) -> str:
        done = self.command("session", "exec", session, "--", *words)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


def helm() -> Path:
    """Build Helm where it isn't there yet."""
    subprocess.run([TOP / "scripts/cluster", "helm"], check=True, capture_output=True)
    return PLACE / "bin/helm"
