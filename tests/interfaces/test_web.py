"""Any web program as an interface: an environment's file is all that it takes."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import websockets.sync.client
import yaml

from tests.installation import ROOT, Installation
from tests.interfaces.waiting import until

PROGRAM = [str(ROOT / ".venv-session/bin/python"), str(ROOT / "session/tests/interfaces/web_server.py"), "{port}", "{base}"]


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    folder = tmp_path / "environments"
    folder.mkdir()
    environment = {
        "apiVersion": "rsparkhub/v1",
        "kind": "Environment",
        "metadata": {"name": "pages", "title": "The lab's pages"},
        "spec": {"interface": {"web": {"command": PROGRAM, "health": "{base}healthz"}}, "image": "none:1", "kernels": []},
    }
    (folder / "pages.yaml").write_text(yaml.safe_dump(environment, allow_unicode=True))
    with Installation(tmp_path / "data", environ={"RSPARKHUB_ENVIRONMENTS": str(folder)}) as running:
        yield running


@pytest.mark.timeout(600)
def test_a_web_program_starts_is_reached_counts_as_used_and_busy_and_goes_to_sleep(installation: Installation) -> None:
    with installation.client() as http:
        answer = http.post("/hub/api/sessions", json={"environment": "pages"})
        answer.raise_for_status()
        session = answer.json()["id"]

        def show() -> dict[str, Any]:
            found: dict[str, Any] = http.get(f"/hub/api/sessions/{session}").raise_for_status().json()
            return found

        until(show, lambda found: found["state"] == "running")
        page = http.get(f"/s/{session}/deep/page")
        assert (page.status_code, page.text) == (200, f"page /s/{session}/deep/page")
        assert httpx.get(f"{installation.address}/s/{session}/deep/page").status_code in (302, 303, 401), "not for strangers"

        before = show()["last_activity"]
        socket = f"{installation.address.replace('http', 'ws', 1)}/s/{session}/echo"
        with websockets.sync.client.connect(
            socket, additional_headers={"Authorization": f"Bearer {installation.token}"}
        ) as connection:
            connection.send("through the edge and the agent")
            assert connection.recv(timeout=30) == "through the edge and the agent"
        until(show, lambda found: found["last_activity"] is not None and found["last_activity"] != before)

        http.post(f"/s/{session}/compute/apart", params={"seconds": "20"}).raise_for_status()
        until(show, lambda found: found["busy"])
        until(show, lambda found: not found["busy"])

        http.post(f"/hub/api/sessions/{session}/suspend").raise_for_status()
        asleep = until(show, lambda found: found["state"] == "suspended")
        assert asleep["last_exit"]["code"] == 0
        http.post(f"/hub/api/sessions/{session}/resume").raise_for_status()
        until(show, lambda found: found["state"] == "running")
        assert http.get(f"/s/{session}/again").text == f"page /s/{session}/again"
        until(show, lambda found: not found["busy"])  # else it asks first
        http.post(f"/hub/api/sessions/{session}/stop").raise_for_status()
        assert until(show, lambda found: found["state"] == "stopped")["last_exit"]["code"] == 0
