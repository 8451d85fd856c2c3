"""What was acknowledged is there after any end of HDFS, and nothing is ever made anew over it."""

import asyncio
import json
import os
import shutil
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from session.tests.services.test_hdfs import trust
from tests.hdfs_server import HdfsServer

from rspark_session.services.hdfs import cluster
from rspark_session.services.hdfs.cluster import Cluster
from rspark_session.services.hdfs.kerberos import SUPERUSER
from rspark_session.services.hdfs.namenode import NameNode
from rsparkhub.domain.errors import InvalidInput

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HdfsServer]:
    with HdfsServer(tmp_path_factory.mktemp("hdfs")) as server:
        yield server


class Files:
    """A person's files, by a token that they got once."""

    def __init__(self, server: HdfsServer, user: str, groups: tuple[str, ...] = ()) -> None:
        members = server.session(f"s-{user}", user, groups=groups)
        self.config, self.token = members["services"][0]["config"], members["files"][0]["content"]
        self._base, self._user = f"https://localhost:{self.config['https']}/webhdfs/v1", user
        self._client = httpx.Client(verify=trust(self.config), follow_redirects=True, timeout=60)

    def ask(self, method: str, what: str, **more: Any) -> httpx.Response:
        home = "" if what.startswith("/group") else f"/user/{self._user}"
        url = f"{self._base}{home}{what}"
        return self._client.request(method, f"{url}&delegation={self.token}", **more)

    def all(self) -> dict[str, bytes]:
        listed = self.ask("GET", "?op=LISTSTATUS").json()["FileStatuses"]["FileStatus"]
        return {entry["pathSuffix"]: self.ask("GET", f"/{entry['pathSuffix']}?op=OPEN").content for entry in listed}


@pytest.mark.long
def test_its_data_node_asks_when_the_name_node_has_started_and_what_is_everybodys_is_mended(server: HdfsServer) -> None:
    ports = json.loads((server.data / "ports.json").read_text())
    namenode = Cluster(data=server.data, ports=ports).namenode

    def modes() -> dict[str, str]:
        listed = namenode.ask("GET", "/", "LISTSTATUS", principal=SUPERUSER)["FileStatuses"]["FileStatus"]
        return {each["pathSuffix"]: each["permission"] for each in listed}

    before = modes()
    assert before == {"user": "711", "group": "711", "tmp": "1777"}
    namenode.ask("PUT", "/tmp", "SETPERMISSION", principal=SUPERUSER, permission="700")
    namenode.ask("DELETE", "/group", "DELETE", principal=SUPERUSER)
    server.end()
    server.start()
    assert modes() == before
    assert "Problem connecting to server" not in server.log.read_text(), "it would ask again after five seconds"


@pytest.mark.long
def test_all_killed_while_they_write_lose_nothing_that_was_acknowledged(server: HdfsServer) -> None:
    files, written = Files(server, "ada"), {}
    killed = threading.Event()

    def write() -> None:
        for number in range(100_000):
            content = os.urandom(20_000)
            try:
                answer = files.ask("PUT", f"/{number}.bin?op=CREATE", content=content)
            except httpx.HTTPError:
                return
            if answer.status_code != 201:
                return
            written[f"{number}.bin"] = content
            if len(written) >= 20:
                killed.set()

    writer = threading.Thread(target=write)
    writer.start()
    assert killed.wait(120)
    server.kill()
    writer.join()
    server.start()
    found = files.all()  # by the same token, at the same address
    assert {name: found.get(name) for name in written} == written


@pytest.mark.long
def test_a_server_that_is_killed_ends_all_of_it_with_a_sentence_and_it_starts_again(server: HdfsServer) -> None:
    files = Files(server, "ben")
    assert files.ask("PUT", "/a?op=CREATE", content=b"kept").status_code == 201
    os.kill(server.servers()[-1], signal.SIGKILL)  # the DataNode
    assert server.process is not None
    assert server.process.wait(60) == 1
    assert "The DataNode of HDFS ended by itself with code -9. Its log says why." in server.log.read_text()
    assert not server.endpoint_file.exists()
    # A NameNode whose data are gone is not formatted again: all files would be lost.
    shutil.move(server.data / "name", server.data / "away")
    with pytest.raises(AssertionError, match="they are not made anew: all files would be lost"):
        server.start()
    shutil.move(server.data / "away", server.data / "name")
    server.start()
    assert files.all() == {"a": b"kept"}


@pytest.mark.long
def test_a_backup_brings_all_back_with_what_each_may(server: HdfsServer, tmp_path: Path) -> None:
    files = Files(server, "cara", groups=("lab",))
    content = os.urandom(200_000)
    made = files.ask("PUT", "/folder/b c.bin?op=CREATE&permission=640", content=content)
    assert made.status_code == 201, made.text
    assert files.ask("PUT", "/empty?op=CREATE").status_code == 201
    assert files.ask("PUT", "/group/lab/plan?op=MKDIRS&permission=770").status_code == 200

    def described() -> list[object]:
        paths = ("?op=GETFILESTATUS", "/folder/b c.bin?op=GETFILESTATUS", "/group/lab?op=GETACLSTATUS")
        found = [files.ask("GET", path).json().popitem()[1] for path in (*paths, "/group/lab/plan?op=GETACLSTATUS")]
        return [{name: each.get(name) for name in ("owner", "group", "permission", "length", "entries")} for each in found]

    before = described()
    asyncio.run(server.service.backup(server.endpoint, tmp_path))
    assert files.ask("DELETE", "/folder?op=DELETE&recursive=true").json() == {"boolean": True}
    assert files.ask("PUT", "/later?op=CREATE").status_code == 201
    asyncio.run(server.service.restore(server.endpoint, tmp_path))
    assert described() == before
    assert files.ask("GET", "/folder/b c.bin?op=OPEN").content == content
    assert files.ask("GET", "/later?op=GETFILESTATUS").status_code == 404
    (tmp_path / "hdfs.tar").write_bytes(b"no tar file" * 100)
    with pytest.raises(InvalidInput, match="The backup of HDFS can't be read"):
        asyncio.run(server.service.restore(server.endpoint, tmp_path))
    assert files.ask("GET", "/folder/b c.bin?op=OPEN").content == content
    with pytest.raises(InvalidInput, match="There is no backup of HDFS in"):
        asyncio.run(server.service.restore(server.endpoint, tmp_path / "away"))


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_twenty_starts_have_the_same_data(server: HdfsServer) -> None:
    files = Files(server, "eve")
    for number in range(20):
        assert files.ask("PUT", f"/{number}?op=CREATE", content=b"x" * number).status_code == 201
        server.kill() if number % 2 else server.end()
        server.start()
        assert files.all() == {str(each): b"x" * each for each in range(number + 1)}


@pytest.mark.parametrize(
    ("state", "safe_mode", "said"),
    [
        ({"NumLiveDataNodes": 1, "FSState": "Operational"}, "", ""),
        ({"NumLiveDataNodes": 0, "FSState": "safeMode"}, "Safe mode is ON. Resources are low.", "it has no DataNode"),
        (
            {"NumLiveDataNodes": 1, "FSState": "safeMode"},
            "Safe mode is ON. The reported blocks 9 needs additional 1 blocks to reach the threshold 0.999. It is automatic.",
            "Safe mode is ON. The reported blocks 9 needs additional 1 blocks to reach the threshold 0.999",
        ),
        ({"NumLiveDataNodes": 1, "FSState": "safeMode"}, "", "it is in safe mode"),
        ({}, "", "it has no DataNode"),
    ],
)
def test_why_nothing_can_be_written_is_told(
    monkeypatch: pytest.MonkeyPatch, state: dict[str, object], safe_mode: str, said: str
) -> None:
    answers = {"FSNamesystemState": state, "NameNodeInfo": {"Safemode": safe_mode}}
    monkeypatch.setattr(cluster, "_bean", lambda namenode, name: answers[name])
    assert cluster._hindrance(cast(NameNode, None)) == said
