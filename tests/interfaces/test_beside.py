"""Several interfaces of one session, from its environment's file through the edge to its sleep and back."""

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

PAGE = {"Accept": "text/html"}  # what a browser wants to show


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    """The environment of the page `open-several-interfaces`."""
    folder = tmp_path / "environments"
    folder.mkdir()
    (written,) = [step for step in steps(ROOT / "docs/how-to/open-several-interfaces.md") if isinstance(step, Write)]
    environment = yaml.safe_load(written.content)
    environment["spec"]["kernels"] = ["python"]  # R takes longer, and is tried beside the first elsewhere
    (folder / "several.yaml").write_text(yaml.safe_dump(environment))
    with Installation(tmp_path / "data", environ={"RSPARKHUB_ENVIRONMENTS": str(folder)}) as running:
        yield running


@pytest.mark.long
@pytest.mark.timeout(600)
def test_what_an_environment_has_beside_its_interface_is_opened_slept_and_woken(installation: Installation) -> None:
    address = installation.address
    with installation.client() as http:
        session = http.post("/hub/api/sessions", json={"environment": "several"}).raise_for_status().json()["id"]

        def show() -> dict[str, Any]:
            found: dict[str, Any] = http.get(f"/hub/api/sessions/{session}").raise_for_status().json()
            return found

        ready = until(show, lambda found: found["state"] == "running")
        assert [part["name"] for part in ready["services"]] == ["interface"], "nothing runs that nobody opened"
        urls = {each["title"]: each["url"] for each in ready["beside"]}
        assert urls == {"shell": f"/s/{session}/interfaces/shell/", "app": f"/s/{session}/interfaces/app/"}
        assert urls["shell"] in installation.command("session", "show", session).stdout

        until(lambda: http.get(urls["app"], headers=PAGE).text, lambda text: "The mean of a sample" in text)
        until(lambda: http.get(f"{urls['shell']}api/status", headers=PAGE).status_code, lambda status: status == 200)
        terminal = http.post(f"{urls['shell']}api/terminals", json={}).raise_for_status().json()["name"]
        parts = until(show, lambda found: len(found["services"]) == 3)["services"]
        assert {part["name"] for part in parts} == {"interface", "interface-app", "interface-shell"}

        known = {"name": "eve", "password": "a password of eve's"}
        http.post("/hub/api/users", json=known).raise_for_status()
        token = http.post("/hub/api/login", json=known).raise_for_status().json()["token"]
        eve = httpx.Client(base_url=address, headers={"Authorization": f"Bearer {token}"}, timeout=60)
        assert eve.get(urls["app"]).status_code == 404, "not for others"
        viewer = installation.command("share", "add", session, "eve")
        assert "who only looks is shown none of them" in viewer.stderr
        assert installation.command("share", "add", session, "eve", "--role", "editor").returncode == 0
        until(lambda: eve.get(urls["app"]).status_code, lambda status: status == 200)
        with websockets.sync.client.connect(
            f"{address.replace('http', 'ws', 1)}{urls['shell']}terminals/websocket/{terminal}",
            additional_headers={"Authorization": f"Bearer {token}"},
            open_timeout=60,
        ) as socket:
            assert "setup" in str(socket.recv(timeout=60))

        until(show, lambda found: not found["busy"])
        http.post(f"/hub/api/sessions/{session}/suspend").raise_for_status()
        asleep = until(show, lambda found: found["state"] == "suspended")
        assert asleep["last_exit"]["code"] == 0
        http.post(f"/hub/api/sessions/{session}/resume").raise_for_status()
        until(show, lambda found: found["state"] == "running")
        until(lambda: http.get(f"{urls['shell']}api/terminals").status_code, lambda status: status == 200)
        until(
            lambda: http.get(f"{urls['shell']}api/terminals").json(), lambda found: [one["name"] for one in found] == [terminal]
        )
