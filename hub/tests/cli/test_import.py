"""`rsparkhub import`: people of a JupyterHub, by a file; tests/jupyterhub_site asks a real one."""

import csv
import json
import signal
import time
from pathlib import Path

import pytest
from command_line import Cli, RunningHub

from rsparkhub.domain.user import User
from rsparkhub.factory import Factory

PEOPLE = [
    {"kind": "user", "name": "ada", "admin": True, "groups": ["stats", "lab"]},
    {"kind": "user", "name": "bob", "admin": False, "groups": []},
    {"kind": "user", "name": "eve@uni.example", "admin": False, "groups": ["stats", "Team 1"]},
]


def write(folder: Path, people: object) -> str:
    file = folder / "users.json"
    file.write_text(json.dumps(people))
    return str(file)


def users(hub: RunningHub) -> dict[str, tuple[bool, frozenset[str]]]:
    """Return who is there, with whether they are an administrator, and their groups."""

    async def ask(factory: Factory) -> list[User]:
        return await factory.store.users.list()

    return {user.name: (user.admin, user.groups) for user in hub.do(ask)}


def test_people_are_added_once_with_their_groups_and_without_rights(cli: Cli, hub: RunningHub, tmp_path: Path) -> None:
    before = users(hub)
    file, links = write(tmp_path, PEOPLE), tmp_path / "links.csv"
    would = cli("import", "jupyterhub", file, "--dry-run", "--links", str(links))
    assert "2 would be added; 0 there already, who stay as they are; 2 names refused." in would.stdout, would.stderr
    assert "Administrators there, and not here: ada. --administrators makes them" in would.stdout
    assert users(hub) == before
    assert not links.exists()

    done = cli("import", "jupyterhub", file, "--links", str(links))
    assert done.returncode == 0, done.stderr
    assert "2 added; 0 there already, who stay as they are; 2 names refused." in done.stdout
    assert "The person eve@uni.example is refused: it has something else than lower-case letters" in done.stdout
    assert "The group Team 1 is refused: it does not begin with a lower-case letter" in done.stdout
    now = users(hub)
    assert now == {**before, "ada": (False, {"lab", "stats"}), "bob": (False, frozenset())}
    assert links.stat().st_mode & 0o777 == 0o600
    written = links.read_text()
    rows = list(csv.DictReader(written.splitlines()))
    assert [(row["name"], "/hub/?token=rsk_" in row["link"]) for row in rows] == [("ada", True), ("bob", True)]

    again = cli("import", "jupyterhub", file, "--links", str(links), "--administrators")
    assert "0 added; 2 there already" in again.stdout
    assert users(hub) == now
    assert links.read_text() == written

    # As after an interruption: the links of before are the only ones of who was added before.
    assert cli("import", "jupyterhub", write(tmp_path, [*PEOPLE, {"name": "cyd"}]), "--links", str(links)).returncode == 0
    assert links.read_text().startswith(written)
    assert [row["name"] for row in csv.DictReader(links.read_text().splitlines())] == ["ada", "bob", "cyd"]


def test_who_is_there_stays_as_they_are_and_it_is_told_which_groups_they_are_not_in(
    cli: Cli, hub: RunningHub, tmp_path: Path
) -> None:
    assert cli("user", "add", "ada").returncode == 0
    done = cli("import", "jupyterhub", write(tmp_path, PEOPLE), "--administrators")
    assert "1 added; 1 there already" in done.stdout
    assert "ada stays as they are, and is not in lab, stats." in done.stdout
    assert users(hub)["ada"] == (False, frozenset())
    groups = json.loads(cli("group", "list", "--json").stdout)["groups"]
    assert [(each["name"], each["members"]) for each in groups] == [("lab", []), ("stats", [])]


def test_administrators_are_made_where_that_is_asked_for(cli: Cli, hub: RunningHub, tmp_path: Path) -> None:
    done = cli("import", "jupyterhub", write(tmp_path, {"items": PEOPLE}), "--administrators", "--json")
    told = json.loads(done.stdout)
    assert told["added"][0] == {"name": "ada", "admin": True, "groups": ["lab", "stats"]}
    assert [each["name"] for each in told["refused"]] == ["Team 1", "eve@uni.example"]
    assert users(hub).items() >= {"ada": (True, frozenset({"lab", "stats"})), "bob": (False, frozenset())}.items()


def test_what_stops_it_in_the_middle_leaves_whole_people(cli: Cli, hub: RunningHub, tmp_path: Path) -> None:
    many = [{"name": f"s{number:04}", "groups": ["stats", "lab"]} for number in range(3000)]
    file = write(tmp_path, many)
    process = cli.start("import", "jupyterhub", file)
    deadline = time.monotonic() + 120
    while "s0002" not in users(hub):
        assert time.monotonic() < deadline
        assert process.poll() is None, process.communicate()
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 130, said
    assert "were added, as whole people, before this stopped. Run it again for the rest." in said
    there = {name: groups for name, (_, groups) in users(hub).items() if name.startswith("s")}
    assert 3 <= len(there) < 3000
    assert set(there.values()) == {frozenset({"stats", "lab"})}

    rest = json.loads(cli("import", "jupyterhub", file, "--dry-run", "--json").stdout)
    assert len(rest["added"]) + len(there) == 3000
    write(tmp_path, many[: len(there) + 2])
    assert f"2 added; {len(there)} there already" in cli("import", "jupyterhub", file).stdout


@pytest.mark.parametrize(
    ("words", "environ", "sentence"),
    [
        (("nowhere.json",), {}, "nowhere.json can't be read: No such file or directory. Name a file, or an address"),
        (("https://hub.example",), {}, "JupyterHub wants a token."),
        (("https://hub.example",), {"JUPYTERHUB_API_TOKEN": "two words"}, "A token of JupyterHub is one word"),
        (("https://hub.example", "--token-file", "nowhere"), {}, "nowhere can't be read: No such file or directory."),
        (("ftp://hub.example",), {"JUPYTERHUB_API_TOKEN": "t"}, "The address of a JupyterHub is like https://"),
        (("-",), {}, "is not what JupyterHub's /hub/api/users answers"),
    ],
)
def test_what_can_not_be_read_is_told_in_a_sentence_before_the_hub_is_asked(
    cli: Cli, words: tuple[str, ...], environ: dict[str, str], sentence: str
) -> None:
    cli.environ |= environ
    refused = cli("import", "jupyterhub", *words, given="people")
    assert refused.returncode == 1
    assert sentence in refused.stderr
    assert refused.stderr.count("\n") == 1


def test_a_file_of_links_that_can_not_be_written_adds_nobody(cli: Cli, hub: RunningHub, tmp_path: Path) -> None:
    before = users(hub)
    refused = cli("import", "jupyterhub", write(tmp_path, PEOPLE), "--links", str(tmp_path / "missing/links.csv"))
    assert refused.returncode == 1
    assert "can't be written: No such file or directory. Nobody was added." in refused.stderr
    assert users(hub) == before
