"""Object storage on the real server: each verb on what is one's own, one's group's, everybody's, and somebody else's."""

import asyncio
import base64
import hashlib
import hmac
import http.client
import json
import os
import signal
import subprocess
import tarfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from rspark_contract.specs import SecretFile
from rsparkhub.controller import backup
from rsparkhub.domain.environment import Resources, ServiceOptions
from rsparkhub.domain.errors import InvalidInput, Unavailable
from rsparkhub.services.base import Account, Credential
from rsparkhub.services.s3 import S3, bucket_of, bucket_of_group, key_of
from rsparkhub.store import Store

CHECKOUT = Path(__file__).parents[3]
Endpoint = dict[str, Any]
SERVICE = S3()


@pytest.fixture
def database_kind() -> str:
    """The statements are tried on both databases in hub/tests/store."""
    return "sqlite"


class Server:
    """The real server, started by the command of its instance as the hub starts it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.endpoint: Endpoint = {}
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        (instance,) = SERVICE.instances()
        (part,) = instance.components
        python = os.environ.get("RSPARK_TEST_PYTHON") or str(CHECKOUT / ".venv-session/bin/python")
        places = {"python": python, "data": str(self._folder / "data"), "run": str(self._folder), "host": "127.0.0.1"}
        file, log = Path(part.ready["file"].format_map(places)), self._folder / "log"
        with log.open("a") as stream:
            command = [word.format_map(places) for word in part.command]
            self.process = subprocess.Popen(command, stdout=stream, stderr=stream)
        deadline = time.monotonic() + 90
        while not file.exists():
            assert self.process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        self.endpoint = json.loads(file.read_text())

    def stop(self) -> None:
        assert self.process is not None
        self.process.terminate()
        assert self.process.wait(30) == 0

    def kill_storage(self) -> None:
        """Kill the program itself, and wait until its command has said so."""
        assert self.process is not None
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        for child in children:
            os.kill(int(child), signal.SIGKILL)
        assert self.process.wait(30) == 1


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("s3"))
    server.start()
    yield server
    if server.process is not None and server.process.poll() is None:
        server.stop()


@dataclass(frozen=True)
class Client:
    """Signs requests as AWS says (signature version 4), independently of what the product uses."""

    endpoint: Endpoint
    key: str
    secret: str

    def ask(self, method: str, path: str, body: bytes = b"", *, query: str = "", **headers: str) -> tuple[int, bytes]:
        now = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        scope = f"{now[:8]}/us-east-1/s3/aws4_request"
        host = f"{self.endpoint['host']}:{self.endpoint['port']}"
        digest = hashlib.sha256(body).hexdigest()
        signed = {"host": host, "x-amz-content-sha256": digest, "x-amz-date": now} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        if body:
            signed["content-md5"] = base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()
        names = ";".join(sorted(signed))
        canonical = "\n".join(
            [method, quote(path), query, *(f"{name}:{signed[name]}" for name in sorted(signed)), "", names, digest]
        )
        to_sign = "\n".join(["AWS4-HMAC-SHA256", now, scope, hashlib.sha256(canonical.encode()).hexdigest()])
        signer = f"AWS4{self.secret}".encode()
        for word in (now[:8], "us-east-1", "s3", "aws4_request"):
            signer = hmac.digest(signer, word.encode(), "sha256")
        signature = hmac.new(signer, to_sign.encode(), "sha256").hexdigest()
        authorization = f"AWS4-HMAC-SHA256 Credential={self.key}/{scope}, SignedHeaders={names}, Signature={signature}"
        connection = http.client.HTTPConnection(self.endpoint["host"], self.endpoint["port"], timeout=30)
        try:
            address = quote(path) + (f"?{query}" if query else "")
            connection.request(method, address, body, {**signed, "authorization": authorization})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def status(self, method: str, path: str, body: bytes = b"", **more: str) -> int:
        return self.ask(method, path, body, **more)[0]


def account(user: str, *, groups: tuple[str, ...] = (), session: str = "sess") -> Account:
    credential = Credential(session=session, generation=1, secret=f"the secret of {user} in {session}")
    return Account(user=user, password="", groups=groups, credential=credential)


async def let_in(server: Server, user: str, *, groups: tuple[str, ...] = (), session: str = "sess") -> Client:
    mine = account(user, groups=groups, session=f"{user}-{session}")
    await SERVICE.ensure_account(server.endpoint, mine)
    await SERVICE.issue(server.endpoint, mine)
    assert mine.credential is not None
    return Client(server.endpoint, key_of(mine.credential), mine.credential.secret)


#: Each verb on a bucket or an object of somebody, as (method, path after the bucket, query, body).
VERBS = [
    ("GET", "", "", b""),
    ("GET", "", "list-type=2", b""),
    ("HEAD", "", "", b""),
    ("DELETE", "", "", b""),
    ("GET", "", "acl=", b""),
    ("GET", "", "policy=", b""),
    ("PUT", "", "policy=", b'{"Version":"2012-10-17","Statement":[]}'),
    ("DELETE", "", "policy=", b""),
    ("GET", "", "uploads=", b""),
    ("GET", "", "versions=", b""),
    ("PUT", "", "tagging=", b"<Tagging><TagSet></TagSet></Tagging>"),
    ("GET", "/secret.csv", "", b""),
    ("HEAD", "/secret.csv", "", b""),
    ("PUT", "/secret.csv", "", b"overwritten"),
    ("PUT", "/new.csv", "", b"new"),
    ("DELETE", "/secret.csv", "", b""),
    ("GET", "/secret.csv", "tagging=", b""),
    ("GET", "/secret.csv", "attributes=", b""),
    ("POST", "/new.csv", "uploads=", b""),
    ("POST", "", "delete=", b"<Delete><Object><Key>secret.csv</Key></Object></Delete>"),
]


@pytest.mark.parametrize(("method", "rest", "query", "body"), VERBS, ids=[f"{v[0]} {v[1]}?{v[2]}" for v in VERBS])
async def test_what_is_somebody_elses_is_refused_whatever_is_asked(
    server: Server, method: str, rest: str, query: str, body: bytes
) -> None:
    ada = await let_in(server, "ada", groups=("closed",))
    ben = await let_in(server, "ben")
    for bucket in ("user-ada", "group-closed"):
        assert ada.status("PUT", f"/{bucket}/secret.csv", b"hers") == 200
        status, answer = ben.ask(method, f"/{bucket}{rest}", body, query=query)
        # An answer to DeleteObjects is 200 and says of each object what became of it.
        assert status == 403 or (query == "delete=" and b"AccessDenied" in answer), (status, answer)
        assert ada.ask("GET", f"/{bucket}/secret.csv") == (200, b"hers")


async def test_a_person_uses_their_own_bucket_and_those_of_their_groups(server: Server) -> None:
    ada = await let_in(server, "ada", groups=("lab",))
    ben = await let_in(server, "ben", groups=("lab",))
    for bucket in ("user-ada", "group-lab"):
        assert ada.status("PUT", f"/{bucket}/folder/ünïcode name.csv", b"a,b\n1,2\n") == 200
        assert ada.ask("GET", f"/{bucket}/folder/ünïcode name.csv") == (200, b"a,b\n1,2\n")
        assert b"folder/" in ada.ask("GET", f"/{bucket}", query="list-type=2&prefix=folder%2F")[1]
    assert ben.ask("GET", "/group-lab/folder/ünïcode name.csv") == (200, b"a,b\n1,2\n")
    assert ben.status("DELETE", "/group-lab/folder/ünïcode name.csv") == 204
    # A copy takes the rights on both ends.
    assert ben.status("PUT", "/user-ben/stolen", x_amz_copy_source="user-ada/folder/%C3%BCn%C3%AFcode%20name.csv") == 403
    assert ada.status("PUT", "/group-lab/copied", x_amz_copy_source="user-ada/folder/%C3%BCn%C3%AFcode%20name.csv") == 200


@pytest.mark.parametrize(("method", "rest", "query", "body"), VERBS, ids=[f"{v[0]} {v[1]}?{v[2]}" for v in VERBS])
async def test_samples_are_read_and_never_changed(server: Server, method: str, rest: str, query: str, body: bytes) -> None:
    ada = await let_in(server, "ada")
    status, answer = ada.ask(method, f"/samples{rest.replace('secret', 'airlines')}", body, query=query)
    reads = method in {"GET", "HEAD"} and query in {"", "list-type=2", "attributes=", "tagging="}
    if reads:
        assert status != 403
    else:
        assert status == 403 or (query == "delete=" and b"AccessDenied" in answer), (status, answer)
    assert ada.ask("GET", "/samples/airlines.csv")[1].startswith(b"carrier,name\n")


@pytest.mark.parametrize("path", ["/", "/user-ada", "/user-ada/secret.csv", "/samples", "/samples/airlines.csv", "/group-lab"])
async def test_who_signs_nothing_gets_nothing(server: Server, path: str) -> None:
    await let_in(server, "ada", groups=("lab",))
    connection = http.client.HTTPConnection(server.endpoint["host"], server.endpoint["port"], timeout=30)
    connection.request("GET", path)
    assert connection.getresponse().status == 403


async def test_a_name_signs_nothing_and_nobody_makes_buckets_or_people(server: Server) -> None:
    ada = await let_in(server, "ada")
    for key, secret in (
        ("ada", ""),
        ("ada", ada.secret),
        (".root", ""),
        (".root", ada.secret),
        (ada.key, "wrong"),
        ("none", "x"),
    ):
        assert Client(server.endpoint, key, secret).status("GET", "/user-ada") == 403
    assert ada.status("PUT", "/another-bucket") == 403
    for method, path in (
        ("PATCH", "/list-users"),
        ("PATCH", "/list-buckets"),
        ("PATCH", "/create-user"),
        ("PATCH", "/change-bucket-owner"),
    ):
        assert ada.status(method, path, b"<x/>") in {403, 404, 405}
    connection = http.client.HTTPConnection(server.endpoint["host"], server.endpoint["admin_port"], timeout=30)
    for path in ("/archive", "/people/ada/archive"):
        connection.request("GET", path, headers={"Authorization": f"Bearer {ada.secret}"})
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (401, b"only the hub is answered\n")


async def test_each_session_has_a_key_of_its_own_that_ends_with_it(server: Server) -> None:
    first, second = await let_in(server, "ada", session="first"), await let_in(server, "ada", session="second")
    assert first.status("PUT", "/user-ada/made", b"by the first") == 200
    await SERVICE.revoke(server.endpoint, account("ada", session="ada-first"))
    assert first.status("GET", "/user-ada/made") == 403
    assert second.ask("GET", "/user-ada/made") == (200, b"by the first")
    await SERVICE.revoke(server.endpoint, account("ada", session="ada-first"))  # again


async def test_who_leaves_a_group_is_out_at_once(server: Server) -> None:
    ada, ben = await let_in(server, "ada", groups=("left",)), await let_in(server, "ben", groups=("left",))
    assert ben.status("PUT", "/group-left/made", b"by ben") == 200
    await SERVICE.ensure_account(server.endpoint, Account(user="ben", password=""))
    assert (ben.status("GET", "/group-left/made"), ben.status("GET", "/user-ben")) == (403, 200)
    assert ada.ask("GET", "/group-left/made") == (200, b"by ben")


async def test_what_was_acknowledged_outlives_a_kill_and_so_do_keys(server: Server) -> None:
    ada = await let_in(server, "ada")
    assert ada.status("PUT", "/user-ada/kept", b"x" * 100_000) == 200
    port = server.endpoint["port"]
    server.kill_storage()
    server.start()
    assert server.endpoint["port"] == port  # who knew the address still does
    assert ada.ask("GET", "/user-ada/kept") == (200, b"x" * 100_000)


class TestLeaving:
    async def test_who_is_closed_signs_nothing_until_they_are_let_in_again(self, server: Server) -> None:
        shut = await let_in(server, "shut")
        assert shut.status("PUT", "/user-shut/kept", b"7") == 200
        await SERVICE.close_account(server.endpoint, user="shut")
        assert shut.status("GET", "/user-shut/kept") == 403
        with pytest.raises(Unavailable, match="closed"):
            await SERVICE.issue(server.endpoint, account("shut"))
        again = await let_in(server, "shut", session="again")
        assert again.ask("GET", "/user-shut/kept") == (200, b"7")

    async def test_with_a_person_goes_their_bucket_into_an_archive(self, server: Server, tmp_path: Path) -> None:
        gone, ada = await let_in(server, "gone", groups=("stays",)), await let_in(server, "ada", groups=("stays",))
        assert gone.status("PUT", "/user-gone/a/b", b"theirs") == 200
        assert gone.status("PUT", "/group-stays/c", b"everybody's") == 200
        await SERVICE.remove_account(server.endpoint, user="gone", archive=tmp_path / "archive")
        await SERVICE.remove_account(server.endpoint, user="gone", archive=tmp_path / "archive")  # again
        assert gone.status("GET", "/user-gone/a/b") == 403
        assert ada.ask("GET", "/group-stays/c") == (200, b"everybody's")
        file = tmp_path / "archive/s3.tar"
        assert file.stat().st_mode & 0o777 == 0o600
        with tarfile.open(file) as archive:
            assert [each.name for each in archive if each.isfile()] == ["user-gone/a/b"]
        assert list((tmp_path / "archive").iterdir()) == [file]

    async def test_with_a_group_goes_its_bucket_and_a_later_one_of_the_name_has_none_of_it(
        self, server: Server, tmp_path: Path
    ) -> None:
        ada = await let_in(server, "ada", groups=("lost",))
        assert ada.status("PUT", "/group-lost/c", b"everybody's") == 200
        ada = await let_in(server, "ada", groups=("lost.2",))
        later = bucket_of_group("lost.2")
        assert ada.status("PUT", f"/{later}/d", b"new") == 200
        assert (ada.status("GET", f"/{later}/c"), ada.status("GET", "/group-lost/c")) == (404, 403)
        await SERVICE.remove_group(server.endpoint, group="lost", archive=tmp_path / "archive")
        with tarfile.open(tmp_path / "archive/s3.tar") as archive:
            assert [each.name for each in archive if each.isfile()] == ["group-lost/c"]
        await SERVICE.remove_group(server.endpoint, group="lost", archive=tmp_path / "again")  # again
        assert not (tmp_path / "again/s3.tar").exists()
        assert ada.ask("GET", f"/{later}/d") == (200, b"new")

    async def test_a_server_that_is_down_says_so(self, server: Server) -> None:
        with pytest.raises(Unavailable, match="does not answer"):
            await SERVICE.ensure_account(server.endpoint | {"admin_port": 1}, account("ada"))


async def test_a_backup_has_every_bucket_and_a_restore_brings_them_back(
    server: Server, store: Store, noon: datetime, tmp_path: Path
) -> None:
    ada = await let_in(server, "ada", groups=("backed",))
    assert ada.status("PUT", "/user-ada/deep/er/object", b"before", content_type="text/x-special") == 200
    assert ada.status("PUT", "/group-backed/ours", b"ours") == 200
    await backup.back_up(SERVICE, server.endpoint, tmp_path / "s3.tar.gz", now=noon)
    assert ada.status("PUT", "/user-ada/deep/er/object", b"after") == 200
    assert ada.status("DELETE", "/group-backed/ours") == 204
    assert ada.status("PUT", "/user-ada/late", b"late") == 200
    await backup.restore(store, SERVICE, server.endpoint, tmp_path / "s3.tar.gz", services={})
    assert ada.ask("GET", "/user-ada/deep/er/object") == (200, b"before")
    assert ada.ask("GET", "/group-backed/ours") == (200, b"ours")
    assert ada.status("GET", "/user-ada/late") == 404
    assert ada.status("GET", "/samples/airlines.csv") == 200
    (tmp_path / "none").write_bytes((tmp_path / "s3.tar.gz").read_bytes()[:100])
    with pytest.raises(InvalidInput, match="damaged"):
        await backup.restore(store, SERVICE, server.endpoint, tmp_path / "none", services={})
    assert ada.ask("GET", "/group-backed/ours") == (200, b"ours")


async def test_many_are_let_in_at_once(server: Server) -> None:
    clients = await asyncio.gather(*(let_in(server, f"many{number}", groups=("many",)) for number in range(20)))
    for number, client in enumerate(clients):
        assert client.status("PUT", f"/group-many/{number}", b"here") == 200


def test_every_name_has_a_bucket_of_its_own() -> None:
    names = ["ada", "ada-b", "ada_b", "ada-", "ada.2", "a", "ada--b", "ada_-b"]
    buckets = [bucket_of(name) for name in names]
    assert len(set(buckets)) == len(names)
    assert buckets[:2] == ["user-ada", "user-ada-b"]
    assert all(
        3 <= len(bucket) <= 63 and bucket[-1] != "-" and set(bucket) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
        for bucket in buckets
    )


def test_a_session_has_what_every_client_reads() -> None:
    endpoint: Endpoint = {"host": "s3", "port": 9000, "admin_port": 9001, "admin": "hush"}
    got = SERVICE.session_config(ServiceOptions(scope="shared"), resources=Resources(), endpoint=endpoint, account=account("ada"))
    assert got.environ["AWS_ENDPOINT_URL"] == "http://s3:9000"
    assert got.environ["RSPARK_S3_BUCKET"] == "user-ada"
    assert (
        SecretFile(
            path="aws/credentials",
            content="[default]\naws_access_key_id = rspark-sess-1\naws_secret_access_key = the secret of ada in sess\n",
        )
        in got.files
    )
    assert "hush" not in repr(got)
