"""Takes the picture of the README: what a person sees in the middle of a day, with one session running and one asleep."""

import argparse
import tempfile
import time
from pathlib import Path

import httpx
from playwright.sync_api import ViewportSize, expect, sync_playwright
from tests.installation import ROOT, Installation

PICTURE = ROOT / "docs/pictures/home.png"
PASSWORD = "correct horse"  # noqa: S105  of nobody: the installation is gone when the picture is there
READY = 180.0  # seconds
SIZE: ViewportSize = {"width": 1280, "height": 680}


def _start(hub: httpx.Client, environment: str, name: str) -> str:
    return str(hub.post("/hub/api/sessions", json={"environment": environment, "name": name}).raise_for_status().json()["id"])


def _wait(hub: httpx.Client, session: str, state: str) -> None:
    deadline = time.monotonic() + READY
    while (seen := hub.get(f"/hub/api/sessions/{session}").json())["state"] != state:
        if seen["state"] == "failed" or time.monotonic() > deadline:
            raise SystemExit(f"The session {seen['name']} is {seen['state']}, and not {state}: {seen['reason']}")
        time.sleep(0.5)


def _live(installation: Installation) -> None:
    """Have a person and their sessions: a terminal asleep, and R with Spark running."""
    with installation.client() as admin:
        admin.post("/hub/api/users", json={"name": "ada", "password": PASSWORD}).raise_for_status()
    with httpx.Client(base_url=installation.address, timeout=60) as hub:
        signed_in = hub.post("/hub/api/login", json={"name": "ada", "password": PASSWORD}).raise_for_status()
        hub.cookies.clear()
        hub.headers["Authorization"] = f"Bearer {signed_in.json()['token']}"
        asleep, running = _start(hub, "terminal", "Homework 3"), _start(hub, "rspark", "Flight delays")
        _wait(hub, asleep, "running")
        hub.post(f"/hub/api/sessions/{asleep}/suspend", json={"force": True}).raise_for_status()
        _wait(hub, asleep, "suspended")
        _wait(hub, running, "running")


def _photograph(installation: Installation, picture: Path) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport=SIZE, reduced_motion="reduce", color_scheme="light", locale="en-GB")
        page.goto(f"{installation.url}/hub/")
        page.get_by_label("Name", exact=True).fill("ada")
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("link", name="Flight delays", exact=True)).to_be_visible()
        expect(page.get_by_role("button", name="Resume Homework 3")).to_be_visible()
        page.evaluate("document.fonts.ready")
        page.screenshot(path=picture)
        browser.close()


def main() -> None:
    """Start, live a little, take the picture, and end everything."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--to", type=Path, default=PICTURE, help="where to write it")
    to = parser.parse_args().to
    with tempfile.TemporaryDirectory(prefix="rsh-") as folder, Installation(Path(folder) / "data") as installation:
        _live(installation)
        _photograph(installation, to)
    print(f"{to} was made.")


if __name__ == "__main__":
    main()
