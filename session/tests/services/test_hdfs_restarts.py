"""What was acknowledged is there after any end of HDFS, and nothing is ever made anew over it."""

import os
import shutil
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from session.tests.services.test_hdfs import trust
from tests.hdfs_server import HdfsServer


@pytest.fixture
def server(tmp_path: Path) -> Iterator[HdfsServer]:
    server = HdfsServer(tmp_path)
    try:
        yield server.start()
    finally:
        server.end()


class Files:
    """Ada's files, by a token that she got once."""

    def __init__(self, server: HdfsServer) -> None:
        members = server.session("s-ada", "ada")
        self.config, self.token = members["services"][0]["config"], members["files"][0]["content"]
        base = f"https://localhost:{self.config['https']}/webhdfs/v1/user/ada"
        self._client = httpx.Client(base_url=base, verify=trust(self.config), follow_redirects=True, timeout=60)

    def ask(self, method: str, what: str, **more: Any) -> httpx.Response:
        return self._client.request(method, f"{what}&delegation={self.token}", **more)

    def all(self) -> dict[str, bytes]:
        listed = self.ask("GET", "?op=LISTSTATUS").json()["FileStatuses"]["FileStatus"]
        return {entry["pathSuffix"]: self.ask("GET", f"/{entry['pathSuffix']}?op=OPEN").content for entry in listed}


def test_all_killed_while_they_write_lose_nothing_that_was_acknowledged(server: HdfsServer) -> None:
    files, written = Files(server), {}
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


def test_a_server_that_is_killed_ends_all_of_it_with_a_sentence_and_it_starts_again(server: HdfsServer) -> None:
    files = Files(server)
    assert files.ask("PUT", "/a?op=CREATE", content=b"kept").status_code == 201
    os.kill(server.servers()[-1], signal.SIGKILL)  # the DataNode
    assert server.process is not None
    assert server.process.wait(60) == 1
    assert "The DataNode of HDFS ended by itself with code -9. Its log says why." in server.log.read_text()
    assert not server.endpoint_file.exists()
    server.start()
    assert files.all() == {"a": b"kept"}
    # A NameNode whose data are gone is not formatted again: all files would be lost.
    assert server.end() == 0
    shutil.move(server.data / "name", server.data / "away")
    with pytest.raises(AssertionError, match="they are not made anew: all files would be lost"):
        server.start()
    shutil.move(server.data / "away", server.data / "name")
    server.start()
    assert files.all() == {"a": b"kept"}


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_twenty_starts_have_the_same_data(server: HdfsServer) -> None:
    files = Files(server)
    for number in range(20):
        assert files.ask("PUT", f"/{number}?op=CREATE", content=b"x" * number).status_code == 201
        server.kill() if number % 2 else server.end()
        server.start()
        assert files.all() == {str(each): b"x" * each for each in range(number + 1)}
