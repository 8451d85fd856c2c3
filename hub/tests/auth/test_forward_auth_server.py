"""The server of forward auth as the edge sees it: lines on a Unix socket."""

import asyncio
import json
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import uvloop

from rsparkhub.auth.forward_auth_server import serving_forward_auth
from rsparkhub.auth.identity import Authenticator
from rsparkhub.domain.edge_contract import LONGEST_LINE
from rsparkhub.domain.errors import Unavailable
from rsparkhub.domain.session import Session, State, Wanted
from rsparkhub.settings import Settings
from rsparkhub.store import Store, open_store


@pytest.fixture
def settings() -> Iterator[Settings]:
    folder = Path(tempfile.mkdtemp(prefix="rsh-"))  # a path short enough for sockets
    settings = Settings(data=folder)
    for folder in (settings.socket_dir, settings.notify_dir):
        folder.mkdir(mode=0o700, parents=True)
    yield settings
    shutil.rmtree(folder)


@pytest.fixture
async def store(settings: Settings) -> AsyncIterator[Store]:
    async with open_store(settings.store, notify_dir=settings.notify_dir) as store:
        yield store


@pytest.fixture
async def authenticator(store: Store, settings: Settings) -> AsyncIterator[Authenticator]:
    authenticator = Authenticator(store, settings)
    async with serving_forward_auth(store=store, authenticator=authenticator, settings=settings):
        yield authenticator


@pytest.fixture
async def cookie(store: Store, authenticator: Authenticator) -> str:
    now = datetime.now(UTC)
    await store.users.add("ada", now=now)
    link = await authenticator.make_link("ada", now=now)
    return (await authenticator.sign_in_with_link(link, now=now)).token


@pytest.fixture
async def session(store: Store, cookie: str) -> Session:
    now = datetime.now(UTC)
    made, _ = await store.sessions.create(owner="ada", environment="rspark", name="R", now=now)
    claimed = await store.leases.claim_one(made.id, holder="test", now=now, lease=timedelta(seconds=9))
    assert claimed is not None
    running = replace(claimed.session, state=State.RUNNING, upstream="127.0.0.1:4242", secret="s3cret", generation=1)
    assert await store.leases.save(claimed, running, holder="test", next_reconcile_at=None, now=now)
    return running


class Line:
    """One connection, as the edge keeps it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.sent = 0
        self.forgotten: list[str] = []  # sessions of which the hub said to forget what it granted

    def send(self, uri: str, *, cookie: str = "", **more: object) -> int:
        self.sent += 1
        fields = {"id": self.sent, "method": "GET", "host": "127.0.0.1:8000", "uri": uri, "cookie": f"rsparkhub={cookie}", **more}
        self.writer.write(json.dumps(fields).encode() + b"\n")
        return self.sent

    async def hear(self) -> dict[str, Any]:
        """Return the next answer, and note what is to be forgotten before it."""
        while True:
            said: dict[str, Any] = json.loads(await asyncio.wait_for(self.reader.readline(), 5))
            if "forget" not in said:
                return said
            self.forgotten.append(said["forget"])

    async def ask(self, uri: str, *, cookie: str = "", **more: object) -> dict[str, Any]:
        number = self.send(uri, cookie=cookie, **more)
        said = await self.hear()
        assert said["id"] == number
        return said


@asynccontextmanager
async def calling(settings: Settings) -> AsyncIterator[Line]:
    reader, writer = await asyncio.open_unix_connection(str(settings.socket_dir / "forward-auth.sock"))
    yield Line(reader, writer)
    writer.close()


@pytest.fixture
async def line(settings: Settings, authenticator: Authenticator) -> AsyncIterator[Line]:
    async with calling(settings) as line:
        yield line


async def test_it_names_the_upstream_and_the_secret(line: Line, session: Session, cookie: str) -> None:
    answers = [await line.ask(f"/s/{session.id}/", cookie=cookie) for _ in range(20)]
    assert {(said["upstream"], said["secret"]) for said in answers} == {("127.0.0.1:4242", "s3cret")}
    kept = [said["keep_ms"] for said in answers]
    assert min(kept) >= 0
    assert 0 < max(kept) <= 1000  # nothing of what took a second to be read
    assert not any("sandboxed" in said for said in answers)


async def test_what_must_not_act_under_the_hubs_name_says_so(line: Line, session: Session, cookie: str) -> None:
    assert (await line.ask(f"/s/{session.id}/", cookie=cookie, host="localhost:8000"))["sandboxed"] is True


async def test_a_connection_serves_many_questions(line: Line, session: Session, cookie: str) -> None:
    for _ in range(50):
        assert "upstream" in await line.ask(f"/s/{session.id}/", cookie=cookie)


async def test_each_answer_names_its_question_in_whatever_order_they_come(line: Line, session: Session, cookie: str) -> None:
    """The first has to be looked up and the others not: they do not wait for it."""
    uris = (f"/s/{session.id}/", "/nothing", f"/s/{session.id}/..", f"/s/{session.id}/")
    numbers = [line.send(uri, cookie=cookie) for uri in uris]
    said = [await line.hear() for _ in uris]
    assert said[0]["id"] == numbers[1]
    assert [one.get("status", 204) for one in sorted(said, key=lambda one: one["id"])] == [204, 404, 400, 204]


async def test_a_question_may_come_in_pieces(line: Line, session: Session, cookie: str) -> None:
    text = json.dumps(
        {"id": 7, "method": "GET", "host": "127.0.0.1:8000", "uri": f"/s/{session.id}/", "cookie": f"a=b; rsparkhub={cookie}"}
    )
    for piece in (text[:30], text[30:], "\n"):
        line.writer.write(piece.encode())
        await line.writer.drain()
        await asyncio.sleep(0)
    said = await line.hear()
    assert (said["id"], said["upstream"]) == (7, "127.0.0.1:4242")


async def test_what_a_newer_edge_says_besides_is_passed_over(line: Line, session: Session, cookie: str) -> None:
    assert "upstream" in await line.ask(f"/s/{session.id}/", cookie=cookie, weather={"sun": 1})


@pytest.mark.parametrize(
    "bytes_",
    [
        b"nonsense\n",
        b"[]\n",
        b"\n",
        b"[" * 100_000 + b"\n",
        b'{"id": 1, "method": "GET", "host": "a"}\n',
        b'{"id": "1", "method": "GET", "host": "a", "uri": "/"}\n',
        b'{"id": true, "method": "GET", "host": "a", "uri": "/"}\n',
        b'{"id": 1, "method": "GET", "host": "a", "uri": "/", "cookie": 5}\n',
        b'{"id": 1, "method": "GET", "host": "a", "uri": "/", "html": "yes"}\n',
        b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"\xff\xfe\n",
        b"x" * (LONGEST_LINE + 100),
    ],
)
async def test_nonsense_ends_the_connection(line: Line, bytes_: bytes) -> None:
    line.writer.write(bytes_)
    with suppress(ConnectionResetError):
        assert await line.reader.read() == b""


async def test_a_program_gets_problem_details(line: Line, session: Session) -> None:
    said = await line.ask(f"/s/{session.id}/")
    headers = said["headers"]
    assert (said["status"], headers["Content-Type"], headers["WWW-Authenticate"]) == (401, "application/problem+json", "Bearer")
    assert '"code":"not-signed-in"' in said["body"]


async def test_a_browser_gets_a_page(line: Line, session: Session, cookie: str) -> None:
    said = await line.ask("/s/zzzzzzzzzz/", cookie=cookie, html=True)
    headers = said["headers"]
    assert (said["status"], headers["Content-Type"]) == (404, "text/html; charset=utf-8")
    assert "There is no such session" in said["body"]
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert headers["Cache-Control"] == "no-store"


async def test_what_the_store_notifies_of_is_seen(line: Line, store: Store, session: Session, cookie: str) -> None:
    assert "upstream" in await line.ask(f"/s/{session.id}/", cookie=cookie)
    await store.sessions.set_wanted(session.id, Wanted.SUSPENDED, by="ada", now=datetime.now(UTC))
    async with asyncio.timeout(5):
        while "upstream" in await line.ask(f"/s/{session.id}/", cookie=cookie):
            await asyncio.sleep(0.01)
    assert (await line.ask(f"/s/{session.id}/", cookie=cookie))["status"] == 424


async def test_every_edge_is_told_what_to_forget(
    line: Line, settings: Settings, store: Store, session: Session, cookie: str
) -> None:
    async with calling(settings) as other:
        for one in (line, other):
            assert "upstream" in await one.ask(f"/s/{session.id}/", cookie=cookie)
        await store.sessions.set_wanted(session.id, Wanted.SUSPENDED, by="ada", now=datetime.now(UTC))
        for one in (line, other):
            one.forgotten.clear()
            async with asyncio.timeout(5):
                while session.id not in one.forgotten:
                    await one.ask(f"/s/{session.id}/", cookie=cookie)


async def test_what_was_read_before_a_change_comes_after_the_word_to_forget_and_is_not_to_be_repeated(
    line: Line, store: Store, session: Session, cookie: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    was_read, go_on = asyncio.Event(), asyncio.Event()
    get = store.sessions.get

    async def slow(session_id: str) -> Session:
        found = await get(session_id)
        was_read.set()
        await go_on.wait()
        return found

    monkeypatch.setattr(store.sessions, "get", slow)
    line.send(f"/s/{session.id}/", cookie=cookie)
    await was_read.wait()
    await store.sessions.set_wanted(session.id, Wanted.SUSPENDED, by="ada", now=datetime.now(UTC))
    line.forgotten.clear()
    async with asyncio.timeout(5):
        while session.id not in line.forgotten:
            await line.ask("/nothing")
    go_on.set()
    said = await line.hear()
    assert (said["upstream"], said["keep_ms"]) == ("127.0.0.1:4242", 0)


async def test_a_store_that_is_away_is_said(
    line: Line, store: Store, session: Session, cookie: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(session_id: str) -> Session:
        raise Unavailable("The database does not answer.")

    monkeypatch.setattr(store.sessions, "get", away)
    said = await line.ask(f"/s/{session.id}/", cookie=cookie)
    assert said["status"] == 503
    assert "Try again" in said["body"]
    monkeypatch.undo()
    assert "upstream" in await line.ask(f"/s/{session.id}/", cookie=cookie)


async def test_an_edge_that_hangs_up_while_it_is_answered_harms_nobody(
    settings: Settings, store: Store, session: Session, cookie: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, go_on = asyncio.Event(), asyncio.Event()
    get = store.sessions.get

    async def slow(session_id: str) -> Session:
        asked.set()
        await go_on.wait()
        return await get(session_id)

    monkeypatch.setattr(store.sessions, "get", slow)
    async with calling(settings) as first:
        first.send(f"/s/{session.id}/", cookie=cookie)
        await asked.wait()
    async with calling(settings) as second:
        second.send(f"/s/{session.id}/", cookie=cookie)
        go_on.set()
        assert "upstream" in await second.hear()


async def test_a_hub_that_starts_again_takes_the_socket_over(
    settings: Settings, store: Store, authenticator: Authenticator, session: Session, cookie: str
) -> None:
    async with (
        serving_forward_auth(store=store, authenticator=authenticator, settings=settings),
        calling(settings) as line,
    ):
        assert "upstream" in await line.ask(f"/s/{session.id}/", cookie=cookie)


async def test_no_file_is_left_when_it_ends(settings: Settings, store: Store) -> None:
    authenticator = Authenticator(store, settings)
    async with serving_forward_auth(store=store, authenticator=authenticator, settings=settings):
        pass
    assert list(settings.socket_dir.iterdir()) == []
    assert list(settings.notify_dir.iterdir()) == []


def test_it_runs_on_uvloop_too(settings: Settings) -> None:
    """The hub's process runs on it where it is to be had; its transports are of other classes than asyncio's."""

    async def ask() -> object:
        async with open_store(settings.store, notify_dir=settings.notify_dir) as store:
            authenticator = Authenticator(store, settings)
            async with (
                serving_forward_auth(store=store, authenticator=authenticator, settings=settings),
                calling(settings) as line,
            ):
                return (await line.ask("/s/abcdefghjk/"))["status"]

    assert uvloop.run(ask()) == 401
