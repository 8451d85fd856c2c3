"""What a person types, and what comes back."""

import json
import re
import subprocess
import sys
import zipfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
import yaml
from command_line import Cli, RunningHub

from rspark_contract.status import ComponentState
from rsparkhub.cli.first_sign_in import own_name
from rsparkhub.domain.session import Component, Session, State, Wanted
from rsparkhub.factory import Factory


def come_to(hub: RunningHub, session: str, **what: object) -> None:
    """Write what came of what was wanted, as a controller does."""

    async def save(factory: Factory) -> None:
        now, lease = datetime.now(UTC), timedelta(seconds=5)
        claimed = await factory.store.leases.claim_one(session, holder="test", now=now, lease=lease)
        assert claimed is not None
        after: Session = replace(claimed.session, **what)
        assert await factory.store.leases.save(claimed, after, holder="test", next_reconcile_at=None, now=now)

    hub.do(save)


def test_a_session_is_started_listed_and_shown(cli: Cli, hub: RunningHub) -> None:
    started = cli("session", "start", "rspark", "--name", "analysis")
    assert started.returncode == 0, started.stderr
    session = started.stdout.split()[0]
    come_to(hub, session, state=State.RUNNING, upstream="127.0.0.1:1", memory=3 * 2**29, busy=True, busy_with=("R, a.ipynb",),
            components=(Component(name="interface", title="JupyterLab", state=ComponentState.READY),))  # fmt: skip
    listed = cli("session", "list").stdout.splitlines()
    assert listed[0].split() == ["ID", "PERSON", "NAME", "ENVIRONMENT", "STATE", "BUSY", "MEMORY", "LAST", "ACTIVITY"]
    assert listed[1].split()[:7] == [session, own_name(), "analysis", "rspark", "running", "busy", "1.5"]
    shown = cli("session", "show", session).stdout
    assert "JupyterLab: ready" in shown
    assert "R, a.ipynb" in shown
    assert f"{hub.settings.url}/s/{session}/" in shown


def test_options_are_checked_before_anything_starts(cli: Cli, hub: RunningHub) -> None:
    refused = cli("session", "start", "rspark", "--option", "size=large")
    assert (refused.returncode, "has no options. Leave `options` out (size)" in refused.stderr) == (1, True)
    assert cli("session", "start", "rspark", "--option", "size").returncode == 2


@pytest.mark.long
def test_the_sleep_of_a_session_is_put_off_and_it_gets_another_name(cli: Cli, hub: RunningHub) -> None:
    session = json.loads(cli("session", "start", "rspark", "--json").stdout)["id"]
    ready = datetime.now(UTC)
    come_to(hub, session, state=State.RUNNING, generation=1, started=ready, ready=ready)
    extended = cli("session", "extend", session, "--by", "30m")
    at = json.loads(cli("session", "show", session, "--json").stdout)["sleeps"]["at"]
    assert datetime.fromisoformat(at) == ready + timedelta(hours=2, minutes=30)
    assert extended.stdout == f"{session} sleeps at {datetime.fromisoformat(at).astimezone():%Y-%m-%d %H:%M}.\n", extended.stderr
    assert extended.stdout.removeprefix(session).strip(" .\n") in cli("session", "show", session).stdout
    assert ", as late as it may." in cli("session", "extend", session, "--by", "20h").stdout
    refused = cli("session", "extend", session)
    assert (refused.returncode, "sleeps as late as it may" in refused.stderr) == (1, True)
    assert cli("session", "extend", session, "--by", "soon").returncode == 2
    assert cli("session", "rename", session, "Größe & 大小").stdout == f"{session} is called Größe & 大小.\n"
    assert "Größe & 大小" in cli("session", "list").stdout
    assert cli("session", "rename", session, "x" * 81).returncode == 1


@pytest.mark.long
def test_a_session_is_shared_and_shared_no_longer(cli: Cli, hub: RunningHub) -> None:
    cli("user", "add", "eve")
    session = json.loads(cli("session", "start", "rspark", "--json").stdout)["id"]
    shared = cli("share", "add", session, "eve", "--role", "editor", "--for", "7d")
    assert shared.stdout.startswith(f"{session} is shared with eve, as an editor, until "), shared.stderr
    listed = cli("share", "list", session).stdout.splitlines()
    assert listed[0].split() == ["ID", "WITH", "ROLE", "UNTIL"]
    assert listed[1].split()[1:3] == ["eve", "editor"]
    assert cli("share", "remove", session, listed[1].split()[0]).returncode == 0
    assert "is shared with nobody" in cli("share", "list", session).stdout
    assert cli("share", "list").stdout == "Nobody shares a session with you.\n"
    for wrong in (("eve", "--for", "soon"), ()):
        refused = cli("share", "add", session, *wrong)
        assert refused.returncode == 2, refused.stdout


@pytest.mark.long
def test_a_class_is_added_at_once_or_not_at_all(cli: Cli, hub: RunningHub, tmp_path: Path) -> None:
    links = tmp_path / "links.csv"
    refused = cli("user", "import", "-", given="zoe,Zoe Zed,,stats\nYan\n")
    assert refused.returncode == 1
    assert "line 2: Yan is no name" in refused.stderr
    nowhere = cli("user", "import", "-", "--links", str(tmp_path / "missing/links.csv"), given="zoe\n")
    assert nowhere.returncode == 1
    assert "can't be written: No such file or directory. Nobody was added." in nowhere.stderr
    links.write_text("of last year")
    links.chmod(0o644)
    added = cli("user", "import", "-", "--links", str(links), given="zoe,Zoe Zed,,stats\nyan\n")
    assert added.stdout.startswith("2 added, 0 there already."), added.stderr
    assert links.stat().st_mode & 0o777 == 0o600
    assert [line.split(",")[0] for line in links.read_text().splitlines()] == ["name", "zoe", "yan"]


@pytest.mark.long
def test_the_same_key_gives_the_same_session(cli: Cli, hub: RunningHub) -> None:
    first = json.loads(cli("session", "start", "rspark", "--key", "monday", "--json").stdout)
    second = json.loads(cli("session", "start", "rspark", "--key", "monday", "--json").stdout)
    assert first["id"] == second["id"]
    assert len(json.loads(cli("session", "list", "--json").stdout)["sessions"]) == 1


def test_waiting_ends_well_when_the_session_is_ready(cli: Cli, hub: RunningHub) -> None:
    session = json.loads(cli("session", "start", "rspark", "--json").stdout)["id"]
    come_to(hub, session, state=State.RUNNING, upstream="127.0.0.1:1")
    waited = cli("session", "resume", session, "--wait")
    assert waited.returncode == 0, waited.stderr
    assert waited.stdout == f"{session} is running: {hub.settings.url}/s/{session}/\n"


def test_waiting_tells_each_part_also_when_it_was_ready_together_with_the_session(cli: Cli, hub: RunningHub) -> None:
    session = json.loads(cli("session", "start", "rspark", "--json").stdout)["id"]
    parts = (Component(name="interface", title="JupyterLab", state=ComponentState.READY),)
    come_to(hub, session, state=State.RUNNING, upstream="127.0.0.1:1", components=parts)
    assert "JupyterLab: ready" in cli("session", "resume", session, "--wait").stderr


@pytest.mark.long
def test_waiting_for_a_session_that_fails_is_exit_code_1_with_its_reason(cli: Cli, hub: RunningHub) -> None:
    session = json.loads(cli("session", "start", "rspark", "--json").stdout)["id"]
    come_to(hub, session, state=State.FAILED, wanted=Wanted.RUNNING, reason="Java is missing.")
    waited = cli("session", "suspend", session, "--wait")
    assert waited.returncode == 1
    assert "Java is missing." in waited.stderr
    assert "Traceback" not in waited.stderr


def test_waiting_too_long_is_exit_code_1(cli: Cli, hub: RunningHub) -> None:
    waited = cli("session", "start", "rspark", "--wait", "--timeout", "1")
    assert waited.returncode == 1
    assert "took longer than 1 seconds. It waits in the queue." in waited.stderr


@pytest.mark.long
def test_wishes_are_told_and_kept(cli: Cli, hub: RunningHub) -> None:
    session = json.loads(cli("session", "start", "terminal", "--json").stdout)["id"]
    for word, wanted in (("suspend", "suspended"), ("stop", "stopped"), ("resume", "running")):
        told = cli("session", word, session, "--json")
        assert told.returncode == 0, told.stderr
        assert json.loads(told.stdout)["wanted"] == wanted
    assert cli("session", "delete", session).stdout == f"{session} is being deleted.\n"
    assert cli("session", "list").stdout == "There is no session. `rsparkhub session start ENV` starts one.\n"


def test_what_computes_is_ended_only_where_somebody_agrees(cli: Cli, hub: RunningHub) -> None:
    for word, wanted in (("suspend", Wanted.SUSPENDED), ("stop", Wanted.STOPPED), ("delete", Wanted.DELETED)):
        session = json.loads(cli("session", "start", "terminal", "--json").stdout)["id"]
        come_to(hub, session, state=State.RUNNING, upstream="127.0.0.1:1", busy=True, busy_with=("R, a.ipynb",))

        def now(session: str = session) -> Wanted:
            return hub.do(lambda factory: factory.store.sessions.get(session)).wanted

        alone = cli("session", word, session)
        assert (alone.returncode, "R, a.ipynb" in alone.stderr, "--yes" in alone.stderr) == (1, True, True)
        assert "\n" not in alone.stderr.rstrip("\n")
        code, said = cli.typed("session", word, session, keys="n\n")
        assert (code, "This ends what computes: R, a.ipynb. Go on?" in said, now()) == (1, True, Wanted.RUNNING)
        if word == "stop":
            assert cli("session", word, session, "--yes").returncode == 0
        else:
            assert cli.typed("session", word, session, keys="y\n")[0] == 0
        assert now() is wanted


def test_down_asks_before_it_ends_what_computes(cli: Cli, hub: RunningHub) -> None:
    session = json.loads(cli("session", "start", "terminal", "--json").stdout)["id"]
    come_to(hub, session, state=State.RUNNING, upstream="127.0.0.1:1", busy=True, busy_with=("R, a.ipynb",))
    (cli.data / "lock").touch()
    code, said = cli.typed("down", keys="n\n")
    assert (code, "(R, a.ipynb). Go on?" in said) == (1, True)
    assert hub.do(lambda factory: factory.store.sessions.get(session)).wanted is Wanted.RUNNING


def test_a_session_that_does_not_exist_is_one_sentence(cli: Cli, hub: RunningHub) -> None:
    told = cli("session", "show", "nosuchone2")
    assert told.returncode == 1
    assert told.stderr.count("\n") == 1
    assert "no such session" in told.stderr


@pytest.mark.long
@pytest.mark.parametrize(
    "words",
    [
        ("session", "show", "../me"),
        ("session", "logs", "../users"),
        ("session", "suspend", "../.."),
        ("session", "stop", ""),
        ("session", "show", "?x=1"),
        ("session", "show", "https://hub.example/s/dbnzs2k42j/"),
        ("session", "exec", "a/b", "true"),
        ("user", "remove", "../root"),
        ("user", "disable", ".."),
        ("group", "remove", "a/b"),
        ("token", "remove", "../me"),
    ],
)
def test_a_word_with_a_slash_asks_for_nothing_else(cli: Cli, hub: RunningHub, words: tuple[str, ...]) -> None:
    told = cli(*words)
    assert told.returncode == 1
    assert told.stderr.startswith("rsparkhub: There is no ")
    assert told.stderr.count("\n") == 1


def test_a_file_in_the_place_of_the_data_folder_is_told(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    told = cli("session", "list", "--data", str(tmp_path / "file"))
    assert "Name a folder as the data folder, with --data." in told.stderr
    assert told.stderr.count("\n") == 1


@pytest.mark.parametrize("words", [("--option", "r"), ("--project", "https://git.example/bob/hw.git")])
def test_what_no_session_would_do_is_a_usage_error(cli: Cli, words: tuple[str, str]) -> None:
    assert cli("session", "start", "rspark", *words).returncode == 2


def test_the_catalog_is_listed(cli: Cli, hub: RunningHub) -> None:
    names = {environment["name"] for environment in json.loads(cli("environment", "list", "--json").stdout)["environments"]}
    assert {"rspark", "r", "python", "tensorflow", "jupyterlab", "terminal"} <= names
    hidden = "r-basics is hidden: the page where people start sessions leaves it out."
    assert hidden in cli("environment", "list").stdout


def test_people_are_added_with_a_link_listed_and_removed(cli: Cli, hub: RunningHub) -> None:
    added = json.loads(cli("user", "add", "ana", "--json").stdout)
    assert added["link"].startswith(f"{hub.settings.url}/hub/?token=")
    assert "ana" in cli("user", "list").stdout
    assert json.loads(cli("user", "remove", "ana", "--json").stdout) == {"removed": "ana", "data": "keep"}
    assert "ana" not in {user["name"] for user in json.loads(cli("user", "list", "--json").stdout)["users"]}
    assert cli("user", "remove", "ana").returncode == 1
    (left,) = json.loads(cli("user", "removed", "--json").stdout)["removed"]
    assert (left["id"], left["name"], left["data"], left["left"]) == ("ana", "ana (removed)", "keep", ["home"])
    assert "ana (removed)" in cli("user", "removed").stdout
    assert cli("user", "discard", "ana").returncode == 2  # whether it is archived or deleted is not for us to choose
    done = cli("user", "discard", "ana (removed)", "--delete", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["data"] == "delete"
    assert "being deleted" in cli("user", "removed").stdout
    assert cli("user", "discard", "ben", "--delete").returncode == 1
    cli("user", "add", "ben")
    assert cli("user", "remove", "ben", "--data", "delete").returncode == 0
    assert "ben (removed)  " in cli("user", "removed").stdout
    assert cli("user", "removed").stdout.count("being deleted") == 2


@pytest.mark.long
def test_a_password_is_read_from_standard_input(cli: Cli, hub: RunningHub) -> None:
    assert cli("user", "add", "ben", "--password", given="correct horse battery\n").returncode == 0
    [ben] = [user for user in json.loads(cli("user", "list", "--json").stdout)["users"] if user["name"] == "ben"]
    assert ben["has_password"]
    assert cli("user", "password", "ben", given="another horse battery\n").returncode == 0


@pytest.mark.long
def test_a_course_gives_data_and_takes_work(cli: Cli, hub: RunningHub, tmp_path: Path) -> None:
    cli("group", "add", "stats", own_name())
    assert cli("group", "folder", "stats").stdout == "The course folder of stats is closed, and takes no work.\n"
    told = cli("group", "folder", "stats", "--open", "--due", "2026-01-05T23:59").stdout
    zone = datetime(2026, 1, 5, 23, 59).astimezone().tzname()  # here, as the command has it
    assert told == f"The course folder of stats is open; work is due 2026-01-05 23:59 {zone}.\n"
    # Until 23:59 is to the end of that minute; who gives the seconds means them.
    assert json.loads(cli("group", "folder", "stats", "--json").stdout)["due"].endswith(":59Z")
    exact = cli("group", "folder", "stats", "--due", "2026-01-05T23:59:00+00:00", "--json").stdout
    assert json.loads(exact)["due"].startswith("2026-01-05T23:59:00")
    assert cli("group", "folder", "stats", "--due", "Friday").returncode == 2
    file = tmp_path / "lab1.R"
    file.write_text("1 + 1\n")
    assert cli("group", "give", "stats", str(file), "--as", "week1/lab1.R").stdout == "stats has week1/lab1.R.\n"
    data = json.loads(cli("group", "data", "--json").stdout)["courses"][0]["data"]
    assert cli("group", "take-away", "stats", data[0]["id"]).stdout == "stats has it no longer.\n"
    assert "No course of yours has data." in cli("group", "data").stdout
    assert cli("group", "hand-in", "stats", str(file)).stdout == (
        f"lab1.R is handed in to stats, late: it was due 2026-01-05 23:59 {zone}.\n"
    )
    (done,) = json.loads(cli("group", "hand-ins", "stats", "--own", "--json").stdout)["hand_ins"]
    assert cli("group", "return", "stats", done["id"], str(file)).stdout == "lab1.R is given back.\n"
    assert re.search(rf"{done['id']} +{own_name()} +lab1.R .* late +6 +1", cli("group", "hand-ins", "stats").stdout)
    own = cli("group", "folder", "stats", "--due", "lab2=2099-01-05T23:59", "--due", "Lab1=2026-01-07T12:00").stdout.splitlines()
    assert own[1:] == [f"Lab1 is due 2026-01-07 12:00 {zone}.", f"lab2 is due 2099-01-05 23:59 {zone}."]
    lab2 = tmp_path / "lab2.tar.gz"
    lab2.write_text("1 + 1\n")
    told = cli("group", "hand-in", "stats", str(lab2)).stdout
    assert told == f"lab2.tar.gz is handed in to stats for lab2, due 2099-01-05 23:59 {zone}.\n"
    second = json.loads(cli("group", "hand-ins", "stats", "--own", "--json").stdout)["hand_ins"][1]
    assert (second["assignment"], second["late"]) == ("lab2", False)
    assert cli("group", "remove-hand-in", "stats", second["id"]).returncode == 0
    assert cli("group", "folder", "stats", "--due", "lab1=none").stdout.splitlines()[1:] == own[2:]
    cli("group", "folder", "stats", "--due", "lab2=none")
    everything = tmp_path / "all.zip"
    assert cli("group", "collect", "stats", str(everything)).returncode == 0
    assert [name.rpartition("/")[2] for name in zipfile.ZipFile(everything).namelist()] == ["lab1.R"]
    assert cli("group", "folder", "stats", "--due", "none").stdout == "The course folder of stats is open.\n"
    cli("group", "folder", "stats", "--due", "2026-01-05T23:59")
    told = cli("group", "folder", "stats", "--close").stdout
    assert told == f"The course folder of stats is closed, and takes no work; work is due 2026-01-05 23:59 {zone}.\n"
    refused = cli("group", "hand-in", "stats", str(file))
    assert (refused.returncode, "stats takes no work now." in refused.stderr) == (1, True)
    (more,) = json.loads(cli("group", "show", "stats", "--json").stdout)["people"]
    assert more["hand_ins"] == 1
    assert cli("group", "remove-hand-in", "stats", done["id"]).stdout == "stats has it no longer.\n"
    assert cli("group", "remove-hand-in", "stats", done["id"]).returncode == 1
    cli("group", "folder", "stats", "--open")
    cli("group", "hand-in", "stats", str(file))
    cli("group", "remove", "stats")
    assert "course folder" in cli("group", "removed").stdout
    assert cli("group", "collect", "stats", str(everything), "--removed").returncode == 0
    assert "is not archived" in cli("group", "discard", "stats", "--archive").stderr
    assert cli("group", "discard", "stats", "--delete").returncode == 0
    assert "nothing is left" in cli("group", "discard", "stats", "--delete").stderr


@pytest.mark.long
def test_groups_are_made_filled_and_removed(cli: Cli, hub: RunningHub) -> None:
    cli("user", "add", "ana")
    assert cli("group", "add", "stats", "ana").stdout == "In stats: ana.\n"
    assert cli("group", "set", "stats").stdout == "In stats: nobody.\n"
    [group] = json.loads(cli("group", "list", "--json").stdout)["groups"]
    assert (group["name"], group["members"], group["instructors"]) == ("stats", [], [])
    assert cli("group", "instructors", "stats", "ana").stdout == "Instructors of stats: ana.\n"
    assert cli("group", "rule", "stats").stdout == "Instructors of stats do not look into the sessions of the others in it.\n"
    assert cli("group", "rule", "stats", "--view").stdout == "Instructors of stats look into the sessions of the others in it.\n"
    assert cli("group", "announce", "stats", "Lab 1 is out.").stdout == "stats is told: Lab 1 is out.\n"
    assert cli("group", "join", "stats", "ana").stdout == "In stats: ana.\n"
    shown = cli("group", "show", "stats").stdout
    assert "instructor" in shown
    assert "Nobody in it has a session." in shown
    removed = cli("group", "remove", "stats")
    assert removed.returncode == 0
    assert "kept where they are" in removed.stdout
    assert json.loads(cli("group", "removed", "--json").stdout) == {"removed": []}  # no service runs here
    cli("group", "add", "stats")
    assert json.loads(cli("group", "remove", "stats", "--data", "delete", "--json").stdout) == {
        "removed": "stats",
        "data": "delete",
    }
    assert "Nothing is left" in cli("group", "removed").stdout
    assert cli("group", "discard", "stats").returncode == 2
    assert "nothing is left here" in cli("group", "discard", "stats", "--delete").stderr


@pytest.mark.long
def test_a_token_lets_a_program_in_from_elsewhere_until_it_is_removed(cli: Cli, hub: RunningHub, tmp_path: Path) -> None:
    made = json.loads(cli("token", "create", "cron", "--days", "7", "--json").stdout)
    elsewhere = Cli(tmp_path / "elsewhere", {"RSPARKHUB_URL": hub.settings.url, "RSPARKHUB_TOKEN": made["token"]})
    assert elsewhere("session", "list").returncode == 0
    assert "cron" in cli("token", "list").stdout
    assert cli("token", "remove", made["id"]).returncode == 0
    refused = elsewhere("session", "list")
    assert refused.returncode == 6
    assert refused.stderr.count("\n") == 1


@pytest.mark.long
def test_a_token_with_a_scope_may_do_no_more(cli: Cli, hub: RunningHub, tmp_path: Path) -> None:
    made = cli("token", "create", "dashboard", "--scope", "read", "--scope", "tokens").stdout.strip()
    assert re.search(r"dashboard +read, tokens ", cli("token", "list").stdout)
    assert "token: dashboard (read, tokens)" in cli("user", "access", own_name()).stdout
    elsewhere = Cli(tmp_path / "elsewhere", {"RSPARKHUB_URL": hub.settings.url, "RSPARKHUB_TOKEN": made})
    assert elsewhere("session", "list").returncode == 0
    refused = elsewhere("session", "start", "rspark")
    assert refused.returncode == 6
    assert "This needs a token with the scope sessions, and this one has read, tokens." in " ".join(refused.stderr.split())
    unknown = cli("token", "create", "x", "--scope", "everything")
    assert unknown.returncode == 2
    assert "sessions" in unknown.stderr


@pytest.mark.long
def test_who_is_no_administrator_may_not_add_people(cli: Cli, hub: RunningHub, tmp_path: Path) -> None:
    cli("user", "add", "ana", "--password", given="correct horse battery\n")

    async def token_of_ana(factory: Factory) -> str:
        return (await factory.authenticator.make_token("ana", name="test", now=datetime.now(UTC)))[1]

    ana = Cli(tmp_path / "ana", {"RSPARKHUB_URL": hub.settings.url, "RSPARKHUB_TOKEN": hub.do(token_of_ana)})
    assert ana("user", "add", "eve").returncode == 6


@pytest.mark.long
def test_the_audit_is_shown_newest_first_and_chosen(cli: Cli, hub: RunningHub) -> None:
    assert cli("token", "create", "for the audit").returncode == 0
    lines = cli("audit", "--kind", "token", "--person", own_name()).stdout.splitlines()
    assert "makes the token “for the audit”." in lines[1]
    found = json.loads(cli("audit", "--limit", "3", "--json").stdout)
    assert [each["id"] for each in found] == sorted((each["id"] for each in found), reverse=True)
    assert len(found) <= 3
    assert cli("audit", "--kind", "gossip").returncode == 2
    assert cli("audit", "--session", "no-such-session").stdout.strip() == "Nothing like this happened."


@pytest.mark.long
def test_usage_is_told_per_person_and_per_session(cli: Cli, hub: RunningHub) -> None:
    session = json.loads(cli("session", "start", "rspark", "--json").stdout)["id"]
    come_to(hub, session, state=State.STARTING, generation=1, started=datetime.now(UTC))
    come_to(hub, session, state=State.RUNNING, generation=1)
    assert own_name() in cli("usage").stdout
    assert session in cli("usage", "--sessions").stdout
    assert json.loads(cli("usage", "--json").stdout)["people"][0]["starts"] == 1


def test_a_link_is_made_on_the_data_folder_itself_also_for_the_first_administrator(cli: Cli) -> None:
    made = cli("user", "link")
    assert made.returncode == 0, made.stderr
    assert made.stdout.startswith("http://localhost:8000/hub/?token=")
    assert cli("user", "link", "nobody").returncode == 1


def test_without_a_hub_a_sentence_says_how_to_get_one(cli: Cli) -> None:
    told = cli("session", "list")
    assert told.returncode == 5
    assert "Start it with `rsparkhub up`" in told.stderr
    assert not cli.data.exists()


def test_a_hub_that_has_ended_is_unreachable(cli: Cli) -> None:
    cli.data.mkdir()
    (cli.data / "cli.json").write_text('{"url": "http://127.0.0.1:9", "token": "x"}')
    told = cli("session", "list")
    assert told.returncode == 5
    assert "There is no RSparkHub at http://127.0.0.1:9" in told.stderr


def test_an_address_without_a_token_is_told(tmp_path: Path) -> None:
    told = Cli(tmp_path, {"RSPARKHUB_URL": "http://127.0.0.1:9"})("session", "list")
    assert told.returncode == 6
    assert "RSPARKHUB_TOKEN" in told.stderr


def test_a_table_in_a_pipe_is_as_wide_as_it_needs_to_be(cli: Cli, hub: RunningHub) -> None:
    name = "a long name that no narrow screen would show in one line ok"
    cli("session", "start", "rspark", "--name", name)
    assert name in cli("session", "list").stdout


@pytest.mark.parametrize("words", [("environment", "build", "rspark"), ("render", "compose", "rspark")])
def test_what_a_later_version_does_is_told_in_a_sentence(cli: Cli, words: tuple[str, ...]) -> None:
    told = cli(*words)
    assert told.returncode == 1
    assert told.stderr.count("\n") == 1
    assert "version" in told.stderr


def test_an_unexpected_error_is_one_line_and_its_details_are_in_the_log(cli: Cli) -> None:
    (cli.data / "log").mkdir(parents=True)
    (cli.data / "cli.json").mkdir()  # reading a folder is an error that nobody expects
    told = cli("session", "list")
    assert told.returncode == 70
    assert told.stderr.count("\n") == 1
    assert "IsADirectoryError" in (cli.data / "log/cli.log").read_text()


def test_down_where_nothing_runs_makes_nothing(cli: Cli) -> None:
    assert cli("down").stdout == "Nothing was running.\n"
    assert not cli.data.exists()


@pytest.mark.long
def test_what_is_waited_for_is_told_once_and_part_by_part(cli: Cli, hub: RunningHub) -> None:
    session = json.loads(cli("session", "start", "rspark", "--json").stdout)["id"]
    waiting = cli.start("session", "resume", session, "--wait", "--timeout", "50")
    told: list[str] = []

    def until(text: str) -> None:
        assert waiting.stderr is not None
        while text not in (line := waiting.stderr.readline()):
            assert line, f"{text!r} was not told: {told}"
            told.append(line.strip())
        told.append(line.strip())

    try:
        until("waits in the queue")
        for state in (ComponentState.STARTING, ComponentState.READY):
            part = Component(name="interface", title="JupyterLab", state=state)
            come_to(hub, session, state=State.STARTING, generation=1, components=(part,))
            until(f"JupyterLab: {state}")
        come_to(hub, session, state=State.RUNNING, upstream="127.0.0.1:1")
        _, rest = waiting.communicate(timeout=30)
        told += rest.strip().splitlines()
    finally:
        waiting.kill()
        waiting.communicate()
    assert waiting.returncode == 0
    assert len(told) == len(set(told)), told
    assert told[-1] == f"{session} is running"


@pytest.mark.long
def test_what_is_rendered_is_what_is_applied(cli: Cli) -> None:
    told = cli("render", "kubernetes", "rspark", "--user", "grace", "--session", "abc")
    assert told.returncode == 0, told.stderr
    kinds = [(one["kind"], one["metadata"]["name"]) for one in yaml.safe_load_all(told.stdout)]
    assert kinds == [("PersistentVolumeClaim", "home-grace"), ("Secret", "rspark-abc-1"), ("Pod", "rspark-abc-1")]
    standing = cli("render", "kubernetes", "namespace")
    assert {"Namespace", "NetworkPolicy", "ValidatingAdmissionPolicy"} <= {
        one["kind"] for one in yaml.safe_load_all(standing.stdout)
    }
    assert cli("render", "kubernetes", "nothing").returncode == 1


@pytest.mark.long
def test_a_link_has_the_address_that_the_data_folder_s_hub_says(cli: Cli, hub: RunningHub) -> None:
    """Whatever this command's own settings are: it may be run without those of `up`."""
    cli.environ.pop("RSPARKHUB_DATA", None)
    made = cli("user", "link", "--data", str(hub.settings.data))
    assert made.stdout.startswith(f"{hub.settings.url}/hub/?token=")


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_streams_that_are_closed_are_no_connections(closed: str) -> None:
    uses = "os.write(1, b'x'); os.write(2, b'x'); os.read(0, 1)"
    script = f"import os; from rsparkhub.cli import streams; streams.prepare_streams(); {uses}"
    command = ["sh", "-c", f'exec "$@" {closed}', "sh", sys.executable, "-c", script]
    assert subprocess.run(command, check=False, stdin=subprocess.DEVNULL, timeout=60).returncode == 0


def _with_stdin(cli: Cli, given: bytes, *words: str, environ: dict[str, str] | None = None) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "rsparkhub", *words]
    return subprocess.run(
        command, input=given, env={**cli.environ, **(environ or {})}, capture_output=True, check=False, timeout=60
    )


@pytest.mark.long
def test_commands_do_without_streams_that_are_closed(cli: Cli, hub: RunningHub) -> None:
    def closed(streams: str, *words: str) -> subprocess.CompletedProcess[str]:
        command = ["sh", "-c", f'exec "$@" {streams}', "sh", sys.executable, "-m", "rsparkhub", *words]
        return subprocess.run(command, env=cli.environ, check=False, capture_output=True, text=True, timeout=60)

    assert "at least 8 characters" in closed("<&-", "user", "add", "kim", "--password").stderr
    assert closed("<&-", "user", "import", "-").returncode == 1  # there is nobody in it
    assert closed(">&-", "user", "list").returncode == 0
    assert closed("<&- >&- 2>&-", "user", "list").returncode == 0


@pytest.mark.long
def test_what_is_given_may_have_the_line_ends_and_the_mark_of_windows(cli: Cli, hub: RunningHub) -> None:
    cli("user", "add", "ben")
    assert _with_stdin(cli, b"\xef\xbb\xbfcorrect horse battery\r\n", "user", "password", "ben").returncode == 0
    assert httpx.post(f"{hub.settings.url}/hub/api/login", json={"name": "ben", "password": "correct horse battery"}).is_success


@pytest.mark.long
@pytest.mark.parametrize("locale", [{}, {"LC_ALL": "C"}, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}])
def test_what_is_given_is_utf_8_whatever_the_locale(cli: Cli, hub: RunningHub, locale: dict[str, str]) -> None:
    assert _with_stdin(cli, "zoe,Zoë Žák\n".encode(), "user", "import", "-", environ=locale).returncode == 0
    users = json.loads(cli("user", "list", "--json").stdout)["users"]
    assert [user["full_name"] for user in users if user["name"] == "zoe"] == ["Zoë Žák"]
    for words in (("user", "import", "-"), ("user", "password", "zoe")):
        refused = _with_stdin(cli, "yan,Müller\n".encode("latin-1"), *words, environ=locale)
        assert (refused.returncode, b"not text in UTF-8" in refused.stderr) == (1, True), refused.stderr


@pytest.mark.long
def test_what_a_terminal_has_no_letters_for_is_printed_by_its_number(cli: Cli, hub: RunningHub) -> None:
    name = "Größe & 大小 \N{GRINNING FACE}"
    cli("session", "start", "rspark", "--name", name)
    session = json.loads(cli("session", "list", "--json").stdout)["sessions"][0]["id"]
    latin = {"PYTHONIOENCODING": "latin-1"}
    listed = _with_stdin(cli, b"", "session", "list", environ=latin)
    assert (listed.returncode, "Größe & \\u5927\\u5c0f" in listed.stdout.decode("latin-1")) == (0, True), listed.stderr
    shown = _with_stdin(cli, b"", "session", "show", session, "--json", environ=latin)
    assert json.loads(shown.stdout.decode("latin-1"))["name"] == name
