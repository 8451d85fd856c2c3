"""The functions `hub_*` of the R package, on a hub that runs: the command line's calls, with data frames for answers."""

import json
import os
import subprocess
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import psutil
import pytest
import yaml

from tests.installation import ROOT, Installation, free_port

BEGIN = f'.libPaths(c("{ROOT}/.r-library", .libPaths())); suppressMessages(library(rspark)); '


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    folder = tmp_path_factory.mktemp("hub")
    (folder / "environments").mkdir()
    environment = {
        "apiVersion": "rsparkhub/v1", "kind": "Environment", "metadata": {"name": "shell", "title": "A shell"},
        "spec": {"interface": "terminal", "image": "none:1"},
    }  # fmt: skip
    (folder / "environments/shell.yaml").write_text(yaml.safe_dump(environment))
    with Installation(folder / "data", environ={"RSPARKHUB_ENVIRONMENTS": str(folder / "environments")}) as installation:
        yield installation


def run(code: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    """Run R with these variables and none of a hub's beside them."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("RSPARK_", "RSPARKHUB_"))}
    return subprocess.run(
        ["Rscript", "--no-init-file", "-e", BEGIN + code],
        env={**clean, "LANG": "C.UTF-8", **variables},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def answer(code: str, **variables: str) -> Any:
    """Return what R code returns."""
    done = run(f"cat(jsonlite::toJSON({{ {code} }}, auto_unbox = TRUE, na = 'null'))", **variables)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def refusal(code: str, **variables: str) -> str:
    """Return the sentence with which R code ends: without a call, a function's own names, or a second line."""
    done = run(f"options(warning.length = 8000, width = 10000); {code}", **variables)
    assert done.returncode != 0, done.stdout
    told = done.stderr.removesuffix("Execution halted\n").strip()
    assert told.startswith("Error: "), told
    assert "\n" not in told, told
    return told.removeprefix("Error: ")


def told(hub: Installation, *scopes: str) -> dict[str, str]:
    """Return the variables by which a person has said where the hub is, and given a token."""
    if not scopes:
        return {"RSPARKHUB_URL": hub.url, "RSPARKHUB_TOKEN": hub.token}
    words = [word for scope in scopes for word in ("--scope", scope)]
    return {"RSPARKHUB_URL": hub.url, "RSPARKHUB_TOKEN": hub.command("token", "create", "r", *words).stdout.strip()}


def test_a_session_is_started_put_to_sleep_woken_renamed_and_ended(hub: Installation) -> None:
    seen = answer(
        """
        none <- hub_sessions()
        started <- hub_start("shell", name = "Böhm's work", wait = TRUE)
        again <- hub_start("shell", reuse = TRUE)
        log <- hub_logs(started, service = NULL)
        hub_sleep(started); asleep <- hub_wait(started)
        listed <- hub_sessions(state = c("suspended", "failed"))
        woken <- hub_wake(asleep, wait = TRUE)
        later <- hub_extend(woken, hours = 1.5)
        address <- hub_open(woken)
        named <- hub_rename(woken$id, "Thesis")
        hub_stop(named); stopped <- hub_wait(named)
        usage <- hub_usage()
        hub_delete(stopped)
        list(none = c(nrow(none), ncol(none)), started = started, again = again$id, log = log, asleep = asleep$state,
             listed = listed$name, woken = woken$state, later = later$id, address = address, named = named$name,
             stopped = stopped$state, usage = usage, times = class(started$created)[1],
             minutes = abs(as.numeric(difftime(Sys.time(), started$created, units = "mins"))) < 60)
        """,
        **told(hub),
    )
    (started,) = seen["started"]
    assert seen["none"] == [0, 14]
    assert (started["name"], started["environment"], started["state"]) == ("Böhm's work", "shell", "running")
    assert started["url"] == f"{hub.url}/s/{started['id']}/" == seen["address"]
    assert seen["again"] == started["id"] == seen["later"]
    assert "agent" in seen["log"]
    assert (seen["asleep"], seen["woken"], seen["stopped"]) == ("suspended", "running", "stopped")
    assert (seen["listed"], seen["named"]) == ("Böhm's work", "Thesis")
    assert seen["usage"][0]["session"] == started["id"]
    assert (seen["times"], seen["minutes"]) == ("POSIXct", True)


def test_what_may_be_started_who_one_is_and_tokens(hub: Installation) -> None:
    seen = answer(
        """
        made <- hub_token_create("from R", c("read", "tokens"), days = 3)
        narrow <- hub_me(token = made)
        tokens <- hub_tokens(token = made)
        hub_token_remove(tokens$id[tokens$name == "from R"])
        list(me = hub_me(), environments = hub_environments(), narrow = narrow$scopes,
             kept = sum(hub_tokens()$name == "from R"), listed = tokens$scopes[tokens$name == "from R"],
             elsewhere = hub_me(url = paste0(Sys.getenv("RSPARKHUB_URL"), "/hub/"))$name)
        """,
        **told(hub),
    )
    (me,) = seen["me"]
    assert (me["admin"], me["scopes"]) == (True, "all")
    assert seen["elsewhere"] == me["name"]
    assert [(each["name"], each["interface"]) for each in seen["environments"]] == [("shell", "terminal")]
    assert seen["narrow"] == seen["listed"] == "read, tokens"
    assert seen["kept"] == 0


def test_what_is_wrong_is_one_sentence_with_what_to_do(hub: Installation, tmp_path: Path) -> None:
    good, reads = told(hub), told(hub, "read")
    assert "scope sessions, and this one has read" in refusal('hub_start("shell")', **reads)
    assert "no environment" in refusal('hub_start("nonesuch")', **good)
    assert "There is no such session" in refusal('hub_stop("zzzzzzzzzz")', **good)
    assert "does not work" in refusal("hub_me()", **{**good, "RSPARKHUB_TOKEN": "rst_wrong"})
    assert "set RSPARKHUB_URL" in refusal("hub_me()")
    assert "The hub wants a token. Make one on the hub's page Account" in refusal("hub_me()", RSPARKHUB_URL=hub.url)
    nowhere = f"http://127.0.0.1:{free_port()}"
    assert "can't be reached. Check the address" in refusal("hub_me()", **{**good, "RSPARKHUB_URL": nowhere})
    assert "is no address of a hub" in refusal('hub_me(url = "hub.example")', **good)
    assert "one word" in refusal('hub_me(token = "rst_a b")', **good)
    assert "Name a session by its id" in refusal("hub_session()", **good)
    assert "takes one session, and there are 2 rows" in refusal('hub_stop(data.frame(id = c("a", "b")))', **good)
    assert "takes TRUE or FALSE" in refusal('hub_stop("a", confirm = "yes")', **good)
    assert "state" in refusal('hub_sessions(state = "awake")', **good)
    (tmp_path / "token").write_text("rss_nothing\n")
    assert "does not work" in refusal("hub_me()", RSPARK_HUB_URL=f"{hub.url}/hub/", RSPARK_TOKEN_FILE=str(tmp_path / "token"))


def test_inside_a_session_its_own_token_reads_it_and_does_nothing_else(hub: Installation) -> None:
    started = answer('hub_start("shell", wait = TRUE)', **told(hub))[0]
    inside = variables_in(started["id"])
    seen = answer("list(me = hub_me(), own = hub_session(), logs = hub_logs(service = NULL))", **inside)
    assert (seen["own"][0]["id"], seen["own"][0]["state"]) == (started["id"], "running")
    assert (seen["me"][0]["admin"], seen["me"][0]["scopes"]) == (False, "")
    assert "agent" in seen["logs"]
    assert "The hub wants a token" in refusal(f'hub_me(url = "{hub.address}")', **inside)  # another address
    refused = refusal("hub_sessions()", **inside)
    assert refused.startswith("A session's own token may only read that session.")
    assert refused.endswith("Make one on the hub's page Account, and set RSPARKHUB_TOKEN.")
    by_own = {**inside, "RSPARKHUB_TOKEN": told(hub, "sessions")["RSPARKHUB_TOKEN"]}
    assert answer("{ hub_stop(hub_session()); hub_wait(hub_session())$state }", **by_own) == "stopped"


def person(hub: Installation, name: str) -> dict[str, str]:
    """Add a person; return the variables by which they have said where the hub is, and given a token."""
    with hub.client() as admin:
        password = "correct horse battery"
        admin.post("/hub/api/users", json={"name": name, "password": password}).raise_for_status()
        token = admin.post("/hub/api/login", json={"name": name, "password": password}).raise_for_status().json()["token"]
    return {"RSPARKHUB_URL": hub.url, "RSPARKHUB_TOKEN": token}


def test_a_session_is_shared_with_a_person_and_a_group_and_taken_away(hub: Installation) -> None:
    bob = person(hub, "bob")
    seen = answer(
        """
        session <- hub_start("shell", name = "Ours")
        none <- hub_shares(session)
        first <- hub_share(session, "bob", role = "editor")
        until <- Sys.time() + 86400
        again <- hub_share(session, "bob", role = "editor", expires = until)
        hub_share(session$id, "everyone", kind = "group", role = "editor")
        shares <- hub_shares(session)
        hub_unshare(session, shares[shares$kind == "group", ])
        list(session = session$id, none = c(nrow(none), ncol(none)), same = first$id == again$id, shares = shares,
             never = is.na(first$expires), seconds = abs(as.numeric(difftime(shares$expires[[1]], until, units = "secs"))),
             left = hub_shares(session)$name, own = nrow(hub_shared()))
        """,
        **told(hub, "sessions"),
    )
    assert (seen["none"], seen["same"], seen["never"]) == ([0, 6], True, True)
    assert seen["seconds"] < 2
    shares = [(each["kind"], each["name"], each["role"]) for each in seen["shares"]]
    assert shares == [("person", "bob", "editor"), ("group", "everyone", "editor")]
    assert (seen["left"], seen["own"]) == ("bob", 0)
    with_bob = answer("hub_shared()", **bob)
    assert [(each["id"], each["name"], each["role"]) for each in with_bob] == [(seen["session"], "Ours", "editor")]
    assert with_bob[0]["expires"] is not None
    id_ = seen["session"]
    assert "There is no" in refusal(f'hub_share("{id_}", "nobody-there", role = "editor")', **told(hub))
    assert "There is no" in refusal(f'hub_unshare("{id_}", "h0000")', **told(hub))
    assert "Share it with an editor" in refusal(f'hub_share("{id_}", "bob")', **told(hub))
    assert "at a time to come" in refusal(f'hub_share("{id_}", "bob", role = "editor", expires = Sys.time() - 60)', **told(hub))
    assert answer(f'hub_unshare("{id_}", hub_shares("{id_}")); nrow(hub_shares("{id_}"))', **told(hub)) == 0
    assert answer("c(nrow(hub_shared()), ncol(hub_shared()))", **bob) == [0, 16]


def test_people_and_groups_are_kept_as_far_as_one_may(hub: Installation) -> None:
    carla = person(hub, "carla")
    person(hub, "dan")
    seen = answer(
        """
        made <- hub_group_add("stat101")
        joined <- hub_group_join("stat101", c("carla", "dan"))
        without <- hub_group_set_members("stat101", setdiff(joined$name, "dan"))
        groups <- hub_groups()
        list(made = made, joined = joined, without = without, listed = groups[groups$name == "stat101", ],
             group = hub_group("stat101"), users = hub_users())
        """,
        **told(hub, "users"),
    )
    assert (seen["made"][0]["name"], seen["made"][0]["members"]) == ("stat101", "")
    assert [(each["name"], each["instructor"]) for each in seen["joined"]] == [("carla", False), ("dan", False)]
    assert (seen["without"], seen["without"][0]["members"]) == (seen["listed"], "carla")
    assert [each["name"] for each in seen["group"]] == ["carla"]
    assert {each["name"]: each["groups"] for each in seen["users"]}.items() >= {"carla": "stat101", "dan": ""}.items()
    assert "scope users" in refusal('hub_group_add("other")', **told(hub, "sessions"))
    assert "administrator" in refusal("hub_users()", **carla)
    assert "stat101" in refusal('hub_group_add("stat101")', **told(hub))
    assert "nobody-there" in refusal('hub_group_join("stat101", "nobody-there")', **told(hub))
    refusal('hub_group("stat101")', **carla)  # in it, and no instructor
    hub.command("group", "instructors", "stat101", "carla")
    assert [each["instructor"] for each in answer('hub_group("stat101")', **carla)] == [True]


def test_data_are_given_to_a_course_listed_and_taken_away(hub: Installation, tmp_path: Path) -> None:
    erin, finn = person(hub, "erin"), person(hub, "finn")
    hub.command("group", "add", "math2", "erin", "finn")
    hub.command("group", "instructors", "math2", "erin")
    (tmp_path / "flights.csv").write_text("a,b\n1,2\n")
    (tmp_path / "empty.csv").write_text("")
    assert answer("c(nrow(hub_course_data()), ncol(hub_course_data()))", **finn) == [0, 4]
    seen = answer(
        f"""
        setwd("{tmp_path}")
        given <- hub_give("math2", "flights.csv")
        hub_give("math2", "flights.csv", path = "week1/flüge 1.csv")
        hub_give("math2", "empty.csv")
        list(given = given, all = hub_course_data(), one = hub_course_data("math2"))
        """,
        **erin,
    )
    assert [(each["course"], each["path"], each["size"]) for each in seen["given"]] == [("math2", "flights.csv", 8)]
    assert [each["path"] for each in seen["all"]] == ["empty.csv", "flights.csv", "week1/flüge 1.csv"]
    assert seen["all"] == seen["one"] == answer("hub_course_data()", **finn)
    assert "instructor" in refusal(f'hub_give("math2", "{tmp_path}/flights.csv")', **finn)
    assert "Rename it" in refusal(f'hub_give("math2", "{tmp_path}/flights.csv", path = "../flights.csv")', **erin)
    assert "Only instructors of this group" in refusal('hub_course_data("nonesuch")', **erin)
    assert answer('hub_course_data("math2")', **told(hub)) == seen["all"]  # an administrator, who is not in it
    left = 'data <- hub_course_data("math2"); hub_take_away("math2", data[data$path == "flights.csv", ]); hub_course_data()$path'
    assert answer(left, **erin) == ["empty.csv", "week1/flüge 1.csv"]
    all_ = 'for (id in hub_course_data("math2")$id) hub_take_away("math2", id); nrow(hub_course_data("math2"))'
    assert answer(all_, **erin) == answer('nrow(hub_course_data("math2"))', **finn) == 0


class Log(BaseHTTPRequestHandler):
    """A hub that gives the end of a long log: as many bytes as it is asked for, and no more than the real one allows."""

    text = "".join(f"{number} ä\n" for number in range(100_000)).encode()

    def do_GET(self) -> None:
        asked = int(parse_qs(urlsplit(self.path).query)["tail"][0])
        self.send_response(200 if asked <= 10 * 2**20 else 422)
        self.end_headers()
        self.wfile.write(self.text[-asked:])

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def at(server: ThreadingHTTPServer) -> dict[str, str]:
    """Return the variables by which R asks a server of the test's own, which answers from now on."""
    Thread(target=server.serve_forever, daemon=True).start()
    return {"RSPARKHUB_URL": f"http://127.0.0.1:{server.server_port}", "RSPARKHUB_TOKEN": "rst_x"}


def test_a_log_is_read_as_far_back_as_was_asked() -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Log) as server:
        seen = answer(
            """
            logs <- lapply(c(1, 20000, 1e7, Inf), function(lines) hub_logs("abc", lines = lines))
            list(lines = lengths(logs), last = vapply(logs, tail, "", 1))
            """,
            **at(server),
        )
        server.shutdown()
    assert seen["lines"] == [1, 20_000, 100_000, 100_000]
    assert seen["last"] == ["99999 ä"] * 4


class Leaves(BaseHTTPRequestHandler):
    """A hub that ends while a session starts: its stream of news ends, then nobody answers, then its proxy says so."""

    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        path = self.path.rpartition("/sessions/")[2]
        self.asked.append(path)
        news, looks = self.asked.count("abc/events"), self.asked.count("abc")
        if path == "abc/events" and news == 1:
            self._answer(200, "text/event-stream", ": \n\n")
        elif path == "abc/events":
            self._answer(503, "text/html", "<p>Soon</p>")
        elif looks == 3:
            self.connection.close()
        else:
            state = "running" if looks > 4 else "starting"
            self._answer(200, "application/json", json.dumps({"id": "abc", "name": "R", "state": state, "wanted": "running"}))

    def _answer(self, status: int, kind: str, said: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.end_headers()
        self.wfile.write(said.encode())

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def test_a_wait_goes_on_where_the_hub_starts_again() -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Leaves) as server:
        seen = answer('hub_wait("abc")', **at(server))
        server.shutdown()
    assert seen[0]["state"] == "running"
    assert Leaves.asked == ["abc", *["abc/events", "abc"] * 4]


def variables_in(session: str) -> dict[str, str]:
    """Return the variables of RSparkHub's that a process of a session has."""
    for process in psutil.process_iter():
        try:
            found = process.environ()
        except psutil.Error:
            continue
        if found.get("RSPARK_SESSION") == session and "RSPARK_TOKEN_FILE" in found:
            return {name: value for name, value in found.items() if name.startswith("RSPARK_")}
    raise AssertionError(f"nothing of the session {session} runs")
