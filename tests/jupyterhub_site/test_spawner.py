"""A JupyterHub whose servers are sessions of an RSparkHub, by the configuration that the page says, in a real browser."""

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import yaml
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.how_to.page import Write, steps
from tests.installation import ROOT, Installation, free_port
from tests.jupyterhub_site.running import RunningJupyterHub
from tests.story.test_main_job import CHROMIUM, READY

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]


@dataclass(frozen=True)
class Site:
    hub: Installation
    jupyterhub: RunningJupyterHub

    def session_of(self, owner: str) -> dict[str, Any]:
        with self.hub.client() as client:
            (session,) = client.get("/hub/api/sessions", params={"owner": owner}).json()["sessions"]
        return dict(session)

    def has_server(self, name: str) -> bool:
        """Return whether JupyterHub has a server of a person that runs, starts or stops."""
        return "" in self.jupyterhub.api("GET", f"/users/{name}").json()["servers"]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    (folder / "environments").mkdir()
    environment = {
        "apiVersion": "rsparkhub/v1", "kind": "Environment", "metadata": {"name": "jupyterlab", "title": "JupyterLab"},
        "spec": {"interface": "jupyterlab", "image": "none:1", "kernels": ["python"]},
    }  # fmt: skip
    (folder / "environments/jupyterlab.yaml").write_text(yaml.safe_dump(environment))
    with Installation(folder / "data", environ={"RSPARKHUB_ENVIRONMENTS": str(folder / "environments")}) as hub:
        token = folder / "rsparkhub.token"
        token.write_text(hub.command("token", "create", "jupyterhub", "--scope", "users", "--scope", "sessions").stdout)
        token.chmod(0o600)
        page = ROOT / "docs/how-to/come-from-jupyterhub.md"
        (written,) = [step for step in steps(page) if isinstance(step, Write)]
        lines = written.content.replace("https://rspark.example.org", hub.url).replace(
            "/etc/jupyterhub/rsparkhub.token", str(token)
        )
        lines += f'c.RSparkHubSpawner.landing_url = "http://127.0.0.1:{free_port()}"\nc.Spawner.poll_interval = 1\n'
        with RunningJupyterHub(folder / "jupyterhub", groups={"lab": {"users": ["ada", "bob"]}}, more=lines) as jupyterhub:
            yield Site(hub, jupyterhub)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM)
        yield chromium
        chromium.close()


def signed_in(browser: Browser, site: Site, name: str) -> Page:
    """Sign in at JupyterHub, and return the page of a person's server."""
    page = browser.new_context().new_page()
    page.goto(f"{site.jupyterhub.url}/hub/login?next=%2Fhub%2Fhome")
    page.locator("#username_input").fill(name)
    page.locator("#password_input").fill("any")
    page.locator("#login_submit").click()
    expect(page.locator("#start")).to_be_visible(timeout=READY)
    return page


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def stop_is_heard(page: Page) -> bool:
    """Press JupyterHub's button; return whether its script was there to hear it, which comes after the page."""
    page.locator("#stop").click()
    return page.locator("#start").get_attribute("title") == "Your server is stopping"


def expect_jupyterlab(page: Page, site: Site, session: str) -> None:
    expect(page.locator("#jp-top-panel")).to_be_visible(timeout=READY)
    assert re.match(rf"http://{session}\.localhost:{site.hub.port}/s/{session}/", page.url), page.url


def test_a_server_is_a_session_from_its_start_to_exit_code_0(site: Site, browser: Browser) -> None:
    page = signed_in(browser, site, "ada")
    page.locator("#start").click()
    page.get_by_role("button", name="Sign in as ada").click(timeout=READY)
    session = site.session_of("ada")
    assert (session["state"], session["environment"]) == ("running", "jupyterlab")
    expect_jupyterlab(page, site, session["id"])

    # Who is signed in at both goes on at once, also after JupyterHub has been restarted.
    site.jupyterhub.stop()
    assert site.session_of("ada")["state"] == "running"
    site.jupyterhub.start()
    page.goto(f"{site.jupyterhub.url}/user/ada/lab")
    expect_jupyterlab(page, site, session["id"])

    # Nobody else gets in by that address, nor a link that signs in as ada.
    other = signed_in(browser, site, "bob")
    answer = other.goto(f"{site.jupyterhub.url}/user/ada/")
    assert answer is not None
    assert answer.status == 403
    expect(other.get_by_text("This server is another person's session of RSparkHub").first).to_be_visible()
    nobody = httpx.get(f"{site.jupyterhub.url}/user/ada/", follow_redirects=True)
    assert nobody.url.path == "/hub/login"

    page.goto(f"{site.jupyterhub.url}/hub/home")
    wait_until(lambda: stop_is_heard(page))
    wait_until(lambda: site.session_of("ada")["state"] == "stopped")
    assert site.session_of("ada")["last_exit"]["code"] == 0
    wait_until(lambda: not site.has_server("ada"))


def test_a_session_that_fell_asleep_is_a_stopped_server_and_the_next_start_wakes_it(site: Site, browser: Browser) -> None:
    page = signed_in(browser, site, "bob")
    page.locator("#start").click()
    page.get_by_role("button", name="Sign in as bob").click(timeout=READY)
    session = site.session_of("bob")["id"]
    expect_jupyterlab(page, site, session)
    assert site.hub.command("session", "suspend", session, "--wait").returncode == 0
    wait_until(lambda: not site.has_server("bob"))
    page.goto(f"{site.jupyterhub.url}/hub/home")
    page.locator("#start").click()
    expect_jupyterlab(page, site, session)
    assert site.session_of("bob")["generation"] == 2


def test_an_administrator_of_rsparkhub_is_not_let_in_by_a_name(site: Site, browser: Browser) -> None:
    with site.hub.client() as client:
        client.post("/hub/api/users", json={"name": "boss", "admin": True}).raise_for_status()
    page = signed_in(browser, site, "boss")
    page.locator("#start").click()
    expect(page.get_by_text("boss is an administrator of RSparkHub, and signs in there").first).to_be_visible(timeout=READY)
    with site.hub.client() as client:
        assert not client.get("/hub/api/sessions", params={"owner": "boss"}).json()["sessions"]


def test_a_name_that_nobody_can_have_here_is_told_in_a_sentence(site: Site, browser: Browser) -> None:
    page = signed_in(browser, site, "eve@uni.example")
    page.locator("#start").click()
    expect(page.get_by_text("Nobody can be called eve@uni.example at RSparkHub").first).to_be_visible(timeout=READY)
