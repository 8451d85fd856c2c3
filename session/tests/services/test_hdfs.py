"""HDFS in sessions: what a person does with theirs, and what nobody can do to another's."""

import asyncio
import json
import re
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from session.tests.running import HEADERS, WAIT, Running, part, spec
from tests.hdfs_server import HdfsServer

from rsparkhub.services.hdfs import Hdfs

pytestmark = pytest.mark.timeout(900)


class Person:
    """A person's session, in which one program sleeps: all that is started has its environment."""

    def __init__(self, server: HdfsServer, folder: Path, user: str) -> None:
        members = server.session(f"s-{user}", user)
        members["services"] = [*members["services"], {"name": "spark", "title": "Spark", "config": SPARK}]
        self.running = Running(spec(folder, parts=[part("idle", "sleep", "3600")], home=str(folder / user), **members))
        self.running.home.mkdir()
        self.user = user
        self.config = members["services"][0]["config"]
        self.token = members["files"][0]["content"]
        self.running.start()
        deadline = time.monotonic() + 120
        while self.running.status()["state"] != "ready":
            assert time.monotonic() < deadline, self.running.log("agent")
            time.sleep(0.05)
        idle = next(child for child in psutil.Process(self.running.process.pid).children() if child.name() == "sleep")  # type: ignore[union-attr]
        self.environ = idle.environ()

    def sh(self, command: str, **environ: str) -> str:
        """Run a command of a shell in the session; return all that it prints."""
        done = subprocess.run(
            ["bash", "-c", command],
            env=self.environ | environ,
            cwd=self.running.home,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=2 * WAIT,
        )
        return done.stdout

    def web(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Send a request through the session, as the edge does."""
        return httpx.request(method, self.running.url(f"hdfs{path}"), headers=HEADERS, follow_redirects=True, timeout=60, **more)


SPARK = {"mode": "local", "memory": 2**29, "cores": 1}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HdfsServer]:
    with HdfsServer(tmp_path_factory.mktemp("hdfs")) as server:
        yield server


@pytest.fixture(scope="module")
def people(server: HdfsServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Person]]:
    folder = tmp_path_factory.mktemp("people")
    people = {}
    try:
        for name in ("ada", "ben"):
            people[name] = Person(server, folder, name)
        people["ada"].web("PUT", "/webhdfs/v1/user/ada/secret.txt?op=CREATE", content=b"ada's own")
        yield people
    finally:
        for person in people.values():
            assert person.running.process is not None
            person.running.process.terminate()
            person.running.process.wait(60)


@pytest.fixture
def ada(people: dict[str, Person]) -> Person:
    return people["ada"]


@pytest.fixture
def ben(people: dict[str, Person]) -> Person:
    return people["ben"]


def test_a_file_is_put_listed_and_read_by_hadoops_own_program(ada: Person) -> None:
    said = ada.sh("echo seen > a.txt; hdfs dfs -put a.txt; hdfs dfs -ls; hdfs dfs -cat a.txt; hdfs dfs -rm a.txt")
    assert re.search(r"-rw-------\s+1 ada ada\s+5 .* a\.txt", said), said
    assert "\nseen\n" in said
    assert "Moved: 'hdfs://" in said  # to the trash
    assert ".Trash" in said


def test_webhdfs_under_the_sessions_path_writes_and_reads_in_the_persons_name(ada: Person) -> None:
    content = bytes(range(256)) * 4096
    assert ada.web("PUT", "/webhdfs/v1/user/ada/web.bin?op=CREATE", content=content).status_code == 201
    assert ada.web("GET", "/webhdfs/v1/user/ada/web.bin?op=OPEN").content == content
    listed = ada.web("GET", "/webhdfs/v1/user/ada?op=LISTSTATUS").json()["FileStatuses"]["FileStatus"]
    assert [entry["owner"] for entry in listed if entry["pathSuffix"] == "web.bin"] == ["ada"]


def test_no_answer_of_webhdfs_says_the_token(ada: Person) -> None:
    first = httpx.put(ada.running.url("hdfs/webhdfs/v1/user/ada/x?op=CREATE"), headers=HEADERS)
    assert first.status_code == 307
    assert first.headers["location"].startswith(f"{ada.running.asked['base_path']}hdfs/datanode/0/webhdfs/v1/user/ada/x?")
    asked = ada.web("PUT", "/webhdfs/v1/user/ada/x?op=CREATE&noredirect=true").json()["Location"]
    assert asked.startswith(f"{ada.running.asked['base_path']}hdfs/datanode/0/")
    assert "delegation" not in first.headers["location"] + asked


def test_the_namenodes_pages_are_shown_with_what_they_need(ada: Person) -> None:
    page = ada.web("GET", "/")
    assert page.status_code == 200
    for found in set(re.findall(r'(?:src|href)="((?:static/|explorer)[^"#]+)"', page.text)):
        assert ada.web("GET", f"/{found}").status_code == 200, found
    assert ada.web("GET", "/dfshealth.html").status_code == 200
    script = ada.web("GET", "/dfshealth.js").text
    assert "Hadoop:service=NameNode,name=FSNamesystemState" in re.findall(r"""["']jmx\?qry=([^"']+)["']""", script)
    state = ada.web("GET", "/jmx?qry=Hadoop:service=NameNode,name=FSNamesystemState").json()["beans"][0]
    assert state["NumLiveDataNodes"] == 1
    assert ada.web("GET", "/jmx?qry=Hadoop:service=NameNode,name=RpcActivity").json() == {"beans": []}
    assert ada.web("GET", "/static/%2e%2e/%2e%2e/hdfs/explorer.js").status_code == 404


@pytest.mark.long
def test_spark_writes_and_reads_files_in_hdfs(ada: Person) -> None:
    (ada.running.home / "job.py").write_text(
        "from pyspark.sql import SparkSession\n"
        "spark = SparkSession.builder.getOrCreate()\n"
        "spark.range(1000).selectExpr('id', 'id % 7 AS day').coalesce(2).write.parquet('hdfs:///user/ada/days')\n"
        "print('days', spark.read.parquet('days').groupBy('day').count().count())\n"
        "try:\n"
        "    spark.read.text('hdfs:///user/ben').collect()\n"
        "except Exception as problem:\n"
        "    print('ben', 'Permission denied' in str(problem))\n"
    )
    said = ada.sh("python job.py")
    assert "days 7" in said, said
    assert "ben True" in said, said


def test_a_home_holds_no_more_than_its_quota(server: HdfsServer, ada: Person) -> None:
    summary = ada.web("GET", "/webhdfs/v1/user/ada?op=GETCONTENTSUMMARY").json()["ContentSummary"]
    assert summary["spaceQuota"] == 2 * 2**30
    server.session("s-other", "eve", quota="1Gi")
    assert ada.web("PUT", "/webhdfs/v1/user/ada?op=SETQUOTA&storagespacequota=1").status_code == 403


@pytest.mark.long
def test_what_a_member_writes_into_a_groups_folder_is_all_members_and_nobody_elses(server: HdfsServer) -> None:
    members = {name: server.session(f"s-{name}", name, groups=("lab",)) for name in ("cara", "dan")}
    tokens = {name: found["files"][0]["content"] for name, found in members.items()}
    tokens["eve"] = server.session("s-eve", "eve")["files"][0]["content"]
    config = members["cara"]["services"][0]["config"]
    base = f"https://localhost:{config['https']}/webhdfs/v1/group/lab"
    with httpx.Client(verify=trust(config), follow_redirects=True, timeout=60) as client:

        def ask(who: str, method: str, what: str, **more: Any) -> httpx.Response:
            return client.request(method, f"{base}{what}&delegation={tokens[who]}", **more)

        made = ask("cara", "PUT", "/plan?op=MKDIRS&permission=770")
        assert made.json() == {"boolean": True}, made.text
        first = ask("cara", "PUT", "/plan/a.txt?op=CREATE&permission=660", content=b"ours")
        assert first.status_code == 201, first.text
        assert ask("dan", "GET", "/plan/a.txt?op=OPEN").content == b"ours"
        assert ask("dan", "POST", "/plan/a.txt?op=APPEND", content=b"!").status_code == 200
        assert ask("eve", "GET", "/plan/a.txt?op=OPEN").status_code == 403
        assert ask("eve", "GET", "?op=LISTSTATUS").status_code == 403
        server.session("s-dan", "dan")  # he has left the group
        deadline = time.monotonic() + 60
        while ask("dan", "GET", "/plan/a.txt?op=OPEN").status_code != 403:
            assert time.monotonic() < deadline
            time.sleep(0.5)


# What follows is Ben against Ada: by every way in, nothing of hers is read, listed, written, moved or deleted.

HERS = "/webhdfs/v1/user/ada"
#: 400: whoever comes with a token can't get another by it.
REFUSED = (400, 401, 403)


@pytest.mark.parametrize("who", ["", "&user.name=ada", "&doas=ada", "&user.name=HDFS", "&DOAS=HDFS"])
@pytest.mark.parametrize(
    ("method", "what"),
    [
        ("GET", "?op=LISTSTATUS"),
        ("GET", "/secret.txt?op=OPEN"),
        ("GET", "/secret.txt?op=GETFILESTATUS"),
        ("PUT", "/new.txt?op=CREATE"),
        ("POST", "/secret.txt?op=APPEND"),
        ("PUT", "/new?op=MKDIRS"),
        ("PUT", "/secret.txt?op=RENAME&destination=/user/ben/stolen"),
        ("DELETE", "/secret.txt?op=DELETE"),
        ("PUT", "?op=SETPERMISSION&permission=777"),
        ("PUT", "?op=SETOWNER&owner=ben"),
        ("PUT", "?op=SETACL&aclspec=user:ben:rwx"),
        ("PUT", "?op=SETXATTR&xattr.name=user.x&xattr.value=1&flag=CREATE"),
        ("GET", "?op=GETDELEGATIONTOKEN&renewer=ben"),
        ("PUT", "?op=ALLOWSNAPSHOT"),
    ],
)  # fmt: skip
def test_webhdfs_refuses_ben(ben: Person, method: str, what: str, who: str) -> None:
    answer = ben.web(method, f"{HERS}{what}{who}")
    assert answer.status_code in REFUSED, answer.text
    assert "ada's own" not in answer.text


def test_the_hdfs_protocol_refuses_ben(ben: Person) -> None:
    for environ in ({}, {"HADOOP_USER_NAME": "ada"}, {"HADOOP_PROXY_USER": "ada"}):
        said = ben.sh("hdfs dfs -cat /user/ada/secret.txt", **environ)
        assert "ada's own" not in said
        assert "denied" in said or "not allowed to impersonate" in said, said


def test_a_client_without_a_token_or_with_simple_authentication_is_refused(ben: Person) -> None:
    said = ben.sh("unset HADOOP_TOKEN_FILE_LOCATION; HADOOP_USER_NAME=ada hdfs dfs -ls /user/ada")
    assert "Client cannot authenticate via:[TOKEN, KERBEROS]" in said, said
    simple = "-D hadoop.security.authentication=simple"
    said = ben.sh(f"unset HADOOP_TOKEN_FILE_LOCATION; HADOOP_USER_NAME=ada hdfs dfs {simple} -ls /user/ada")
    assert "SIMPLE authentication is not enabled" in said, said


@pytest.mark.parametrize(
    "path",
    [
        "/webhdfs/v1/user/ada?op=LISTSTATUS", "/webhdfs/v1/user/ada?op=LISTSTATUS&user.name=ada",
        "/webhdfs/v1/user/ada?op=LISTSTATUS&delegation=x", "/webhdfs/v1/?op=GETDELEGATIONTOKEN&user.name=ada",
        "/jmx", "/jmx?user.name=HDFS", "/jmx?delegation=x", "/conf", "/stacks", "/logs/", "/logs/?user.name=HDFS",
        "/fsck?path=/",
        "/imagetransfer?getimage=1&txid=latest", "/logLevel?log=root", "/dfshealth.html", "/startupProgress", "/prof",
        "/topology",
    ],
)  # fmt: skip
def test_the_namenodes_own_port_shows_nothing_without_a_ticket(ben: Person, path: str) -> None:
    for query in ("", f"{'&' if '?' in path else '?'}delegation={ben.token}"):
        answer = httpx.get(f"https://localhost:{ben.config['https']}{path}{query}", verify=trust(ben.config))
        assert answer.status_code in REFUSED, answer.text


@pytest.mark.parametrize("path", ["/jmx", "/conf", "/stacks", "/logs/", "/logLevel?log=root"])
def test_the_datanodes_own_port_shows_nothing_of_its_inside(ben: Person, path: str) -> None:
    answer = httpx.get(f"https://{ben.config['datanodes'][0]}{path}", verify=trust(ben.config))
    assert answer.status_code in (401, 403, 404), answer.text


@pytest.mark.parametrize(
    "who", ["&user.name=ada", "&user.name=HDFS", "&doas=ada&delegation={token}", "&user.name=ada&delegation={token}"]
)
def test_the_datanodes_own_port_gives_out_no_file(ben: Person, who: str) -> None:
    namenode = f"&namenoderpcaddress=127.0.0.1:{ben.config['rpc']}"
    base = f"https://{ben.config['datanodes'][0]}/webhdfs/v1/user/ada"
    for method, what in (("GET", "/secret.txt?op=OPEN"), ("PUT", "/new.txt?op=CREATE"), ("POST", "/secret.txt?op=APPEND")):
        url = f"{base}{what}{namenode}{who.format(token=ben.token)}"
        answer = httpx.request(method, url, verify=trust(ben.config), timeout=30)
        assert answer.status_code in (400, 401, 403), answer.text
        assert "ada's own" not in answer.text


def test_the_steward_does_nothing_for_who_has_only_a_token(ben: Person) -> None:
    steward = f"https://localhost:{ben.config['steward']}"
    for headers in ({}, {"Authorization": f"Bearer {ben.token}"}, {"Authorization": "Bearer x"}):
        with httpx.Client(verify=trust(ben.config), headers=headers) as client:
            assert client.get(f"{steward}/credentials").status_code == 401
            assert client.put(f"{steward}/credentials/s-ada/1", json={"user": "ada"}).status_code == 401
            assert client.delete(f"{steward}/credentials/s-ada/1").status_code == 401
            assert client.delete(f"{steward}/accounts/ada").status_code == 401
            assert client.get(f"{steward}/accounts/ada/archive").status_code == 401
    assert httpx.get(f"{steward}/jmx?qry=java.lang:type=Memory", verify=trust(ben.config)).status_code == 401


def test_a_session_has_neither_keys_nor_tickets_nor_the_stewards_secret(server: HdfsServer, ben: Person) -> None:
    secret = server.endpoint["secret"]
    names = [path for path in ben.running.run.rglob("*") if path.is_file()]
    assert not [path for path in names if path.suffix in (".keytab", ".ticket") or secret.encode() in path.read_bytes()]
    assert secret not in json.dumps(ben.environ)
    assert (ben.running.run / "hdfs/token.hdts").stat().st_mode & 0o077 == 0


def test_no_program_that_runs_says_a_token_to_the_machine(server: HdfsServer) -> None:
    account = server.account("s-seen", "eve", 1, Hdfs.Options.model_validate({"scope": "shared"}))
    assert account.credential is not None
    token, seen, over = str(account.credential.issued["token"]), set(), threading.Event()

    def look() -> None:
        while not over.is_set():
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                with suppress(OSError):
                    command = path.read_bytes()
                    if b"curl" in command:
                        seen.add(command)

    looking = threading.Thread(target=look)
    looking.start()
    for _ in range(5):
        asyncio.run(server.service.renew(server.endpoint, account))
    asyncio.run(server.service.revoke(server.endpoint, account))
    over.set()
    looking.join()
    assert seen, "curl asks the NameNode"
    assert not [command for command in seen if token.encode() in command or b"delegation" in command]


def test_nobody_sees_who_has_a_home(ben: Person) -> None:
    assert ben.web("GET", "/webhdfs/v1/user?op=LISTSTATUS").status_code == 403


def trust(config: dict[str, Any]) -> ssl.SSLContext:
    """Return what trusts the certificate of the file system."""
    return ssl.create_default_context(cadata=config["certificate"])
