"""People and groups of a real JupyterHub come over by one command."""

import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.how_to.page import Expect, Type, steps
from tests.installation import ROOT, Installation, free_port
from tests.jupyterhub_site.running import RunningJupyterHub

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]

GROUPS = {"stats": {"users": ["ada", "bob"]}, "lab": {"users": ["ada"]}, "Physik 2": {"users": ["ada"]}}


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningJupyterHub]:
    """A JupyterHub with three people and two groups, and one whose name we can't have, which tells two people a page."""
    with RunningJupyterHub(tmp_path_factory.mktemp("jupyterhub"), groups=GROUPS) as running:
        yield running


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with Installation(tmp_path_factory.mktemp("rsparkhub") / "data") as running:
        yield running


def test_the_page_says_what_is_to_be_typed(there: RunningJupyterHub, here: Installation, tmp_path: Path) -> None:
    (tmp_path / "jupyterhub.token").write_text(there.token)
    printed = ""
    for step in steps(ROOT / "docs/how-to/come-from-jupyterhub.md"):
        match step:
            case Type(commands):
                for command in commands:
                    words = shlex.split(command.replace("https://jupyter.example.org", there.url))[1:]
                    words = [str(tmp_path / word) if word in {"jupyterhub.token", "links.csv"} else word for word in words]
                    done = here.command(*words)
                    assert done.returncode == 0, done.stderr
                    printed = done.stdout
            case Expect(text):
                assert text in printed
    assert people(here).items() >= {"ada": (False, ["lab", "stats"]), "bob": (False, ["stats"])}.items()
    assert [line.split(",")[0] for line in (tmp_path / "links.csv").read_text().splitlines()] == ["name", "ada", "bob"]


def import_from(here: Installation, address: str, token: str, *words: str) -> "subprocess.CompletedProcess[str]":
    here.environ["JUPYTERHUB_API_TOKEN"] = token
    return here.command("import", "jupyterhub", address, *words)


def people(here: Installation) -> dict[str, tuple[bool, list[str]]]:
    with here.client() as client:
        users = client.get("/hub/api/users").json()["users"]
    return {user["name"]: (user["admin"], user["groups"]) for user in users}


def test_who_came_over_comes_once(there: RunningJupyterHub, here: Installation) -> None:
    assert import_from(here, there.url, there.token).returncode == 0
    before = people(here)
    again = import_from(here, f"{there.url}/hub/", there.token, "--administrators")
    assert "0 added; 3 there already, who stay as they are; 1 names refused." in again.stdout, again.stderr
    assert "The group Physik 2 is refused" in again.stdout
    assert people(here) == before
    assert there.token not in again.stdout + again.stderr + here.data.with_suffix(".up.log").read_text()


def test_an_export_of_all_of_them_says_the_same(there: RunningJupyterHub, here: Installation, tmp_path: Path) -> None:
    assert import_from(here, there.url, there.token).returncode == 0
    answer = there.api("GET", "/users?limit=1")
    page = tmp_path / "page.json"
    page.write_bytes(answer.content)  # a JupyterHub cuts an answer without pages at its own limit, and doesn't say so
    assert "1 there already" in import_from(here, str(page), "", "--dry-run").stdout
    paged = there.api("GET", "/users", headers={"Accept": "application/jupyterhub-pagination+json"})
    page.write_bytes(paged.content)
    refused = import_from(here, str(page), "", "--dry-run")
    assert refused.returncode == 1
    assert "The file holds one page of several." in refused.stderr


@pytest.mark.parametrize("token", ["wrong", "blind"])
def test_a_token_that_may_not_read_is_refused_with_what_it_needs(
    there: RunningJupyterHub, here: Installation, token: str
) -> None:
    refused = import_from(here, there.url, there.blind_token if token == "blind" else token)
    assert refused.returncode == 6
    assert "It needs the scopes list:users, read:users, list:groups and read:groups." in refused.stderr


def test_something_else_than_a_jupyterhub_is_told_as_that(here: Installation) -> None:
    itself = import_from(here, here.address, "x")
    assert itself.returncode in {5, 6}, itself.stdout
    assert itself.stderr.count("\n") == 1
    nobody = import_from(here, f"http://127.0.0.1:{free_port()}", "x")
    assert nobody.returncode == 5
    assert "There is no JupyterHub to be reached at" in nobody.stderr
