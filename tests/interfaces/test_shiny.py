"""An app of Shiny from its environment's file to its visitors, and to its end."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import websockets.sync.client
import yaml

from tests.how_to.page import Write, steps
from tests.installation import ROOT, Installation
from tests.interfaces.waiting import until

pytestmark = pytest.mark.long


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    """The environment of the page `use-shiny`, without the database, which takes longer than all else."""
    folder = tmp_path / "environments"
    folder.mkdir()
    (written,) = [step for step in steps(ROOT / "docs/how-to/use-shiny.md") if isinstance(step, Write)]
    environment = yaml.safe_load(written.content)
    del environment["spec"]["services"]
    (folder / "app.yaml").write_text(yaml.safe_dump(environment))
    with Installation(tmp_path / "data", environ={"RSPARKHUB_ENVIRONMENTS": str(folder)}) as running:
        yield running


def spread(address: str, session: str, token: str) -> str:
    """Visit the example app as a browser does, and return what it says under its plot."""
    url = f"{address.replace('http', 'ws', 1)}/s/{session}/websocket/"
    headers = {"Authorization": f"Bearer {token}"}
    with websockets.sync.client.connect(url, additional_headers=headers, open_timeout=60) as socket:
        hidden = {".clientdata_output_spread_hidden": False, ".clientdata_output_means_hidden": True}
        data = {"distribution": "Normal", "size:shiny.number": 20, "again:shiny.action": 0, **hidden}
        socket.send(json.dumps({"method": "init", "data": data}))
        while True:
            values = json.loads(socket.recv(timeout=60)).get("values", {})
            if "spread" in values:
                return str(values["spread"])


@pytest.mark.timeout(600)
def test_an_app_is_started_shared_put_to_sleep_woken_and_stopped(installation: Installation) -> None:
    address = installation.address
    with installation.client() as http:
        session = http.post("/hub/api/sessions", json={"environment": "app"}).raise_for_status().json()["id"]

        def show() -> dict[str, Any]:
            found: dict[str, Any] = http.get(f"/hub/api/sessions/{session}").raise_for_status().json()
            return found

        until(show, lambda found: found["state"] == "running")
        until(lambda: http.get(f"/s/{session}/").text, lambda text: "The mean of a sample" in text)
        assert "Standard deviation of the means" in spread(address, session, installation.token)
        until(show, lambda found: found["last_activity"] is not None)

        known = {"name": "eve", "password": "a password of eve's"}
        http.post("/hub/api/users", json=known).raise_for_status()
        token = http.post("/hub/api/login", json=known).raise_for_status().json()["token"]
        eve = httpx.Client(base_url=address, headers={"Authorization": f"Bearer {token}"}, timeout=60)
        assert eve.get(f"/s/{session}/").status_code == 404, "not for others"
        assert installation.command("share", "add", session, "eve").returncode == 0
        until(lambda: eve.get(f"/s/{session}/").status_code, lambda status: status == 200)
        assert "Standard deviation of the means" in spread(address, session, token), "a viewer uses it"
        assert eve.post(f"/s/{session}/session/x/upload/1").status_code == 403

        until(show, lambda found: not found["busy"])
        http.post(f"/hub/api/sessions/{session}/suspend").raise_for_status()
        asleep = until(show, lambda found: found["state"] == "suspended")
        assert asleep["last_exit"]["code"] == 0
        http.post(f"/hub/api/sessions/{session}/resume").raise_for_status()
        until(show, lambda found: found["state"] == "running")
        assert "Standard deviation of the means" in spread(address, session, token)
        until(show, lambda found: not found["busy"])  # else it asks first
        http.post(f"/hub/api/sessions/{session}/stop").raise_for_status()
        assert until(show, lambda found: found["state"] == "stopped")["last_exit"]["code"] == 0
