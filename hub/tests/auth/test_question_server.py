"""The question server as the edge sees it: bytes on a Unix socket."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import uvloop

from rsparkhub.auth.identity import Authenticator
from rsparkhub.auth.question_server import answering_the_edge
from rsparkhub.domain.errors import Unavailable
from rsparkhub.domain.session import Session, State, Wanted
from rsparkhub.settings import Settings
from rsparkhub.store import Store, open_store


@pytest.fixture
def settings() -> Iterator[Settings]:
    folder = Path(tempfile.mkdtemp(prefix="rsh-"))  # a path short enough for sockets
    settings = Settings(data=folder)
    settings.notify_dir.mkdir(mode=0o700, parents=True)
    yield settings
    shutil.rmtree(folder)


@pytest.fixture
async def store(settings: Settings) -> AsyncIterator[Store]:
    async with open_store(settings.store, notify_dir=settings.notify_dir) as store:
        yield store


@pytest.fixture
async def authenticator(store: Store, settings: Settings) -> AsyncIterator[Authenticator]:
    authenticator = Authenticator(store, settings)
    async with answering_the_edge(store=store, authenticator=authenticator, settings=settings):
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
    """One connection, as the edge keeps them."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    def send(self, uri: str, *, cookie: str = "", more: str = "") -> None:
        self.writer.write(
            f"GET / HTTP/1.1\r\nHost: 127.0.0.1:8000\r\nX-Forwarded-Method: GET\r\nX-Forwarded-Uri: {uri}\r\n"
            f"Cookie: rsparkhub={cookie}\r\n{more}\r\n".encode()
        )

    async def answer(self) -> tuple[int, dict[str, str], str]:
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode()
        first, *lines = head.strip().split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        body = await self.reader.readexactly(int(headers.get("content-length", "0")))
        return int(first.split()[1]), headers, body.decode()

    async def ask(self, uri: str, *, cookie: str = "", more: str = "") -> tuple[int, dict[str, str], str]:
        self.send(uri, cookie=cookie, more=more)
        return await self.answer()


@asynccontextmanager
async def calling(settings: Settings) -> AsyncIterator[Line]:
    reader, writer = await asyncio.open_unix_connection(str(settings.socket_dir / "question.sock"))
    yield Line(reader, writer)
    writer.close()


@pytest.fixture
async def line(settings: Settings, authenticator: Authenticator) -> AsyncIterator[Line]:
    async with calling(settings) as line:
        yield line


async def test_it_names_the_upstream_and_the_secret(line: Line, session: Session, cookie: str) -> None:
    status, headers, _ = await line.ask(f"/s/{session.id}/", cookie=cookie)
    assert (status, headers["x-rspark-upstream"], headers["x-rspark-secret"]) == (204, "127.0.0.1:4242", "s3cret")


async def test_a_connection_is_kept_for_many_questions(line: Line, session: Session, cookie: str) -> None:
    assert [(await line.ask(f"/s/{session.id}/", cookie=cookie))[0] for _ in range(50)] == [204] * 50


async def test_answers_come_in_the_order_of_the_questions(line: Line, session: Session, cookie: str) -> None:
    """The first has to be looked up and the others not: they still wait for it."""
    for uri in (f"/s/{session.id}/", "/nothing", f"/s/{session.id}/..", f"/s/{session.id}/"):
        line.send(uri, cookie=cookie)
    assert [(await line.answer())[0] for _ in range(4)] == [204, 404, 400, 204]


async def test_a_question_may_come_in_pieces(line: Line, session: Session, cookie: str) -> None:
    text = f"GET / HTTP/1.1\r\nHost: 127.0.0.1:8000\r\nX-Forwarded-Method: GET\r\nX-Forwarded-Uri: /s/{session.id}/\r\n"
    for piece in (text[:30], text[30:], f"Cookie: a=b\r\nCookie: rsparkhub={cookie}\r\n", "\r\n"):
        line.writer.write(piece.encode())
        await line.writer.drain()
        await asyncio.sleep(0)
    assert (await line.answer())[0] == 204


@pytest.mark.parametrize("bytes_", [b"nonsense\r\n\r\n", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"\x16\x03\x01\r\n\r\n"])
async def test_nonsense_ends_the_connection(line: Line, bytes_: bytes) -> None:
    line.writer.write(bytes_)
    assert (await line.reader.read()).startswith(b"HTTP/1.1 400")


async def test_a_program_gets_problem_details(line: Line, session: Session) -> None:
    status, headers, body = await line.ask(f"/s/{session.id}/")
    assert (status, headers["content-type"], headers["www-authenticate"]) == (401, "application/problem+json", "Bearer")
    assert '"code":"not-signed-in"' in body


async def test_a_browser_gets_a_page(line: Line, session: Session, cookie: str) -> None:
    status, headers, body = await line.ask("/s/zzzzzzzzzz/", cookie=cookie, more="Accept: text/html\r\n")
    assert (status, headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert "There is no such session" in body
    assert "default-src 'none'" in headers["content-security-policy"]
    assert headers["cache-control"] == "no-store"


async def test_what_the_store_rings_for_is_seen(line: Line, store: Store, session: Session, cookie: str) -> None:
    assert (await line.ask(f"/s/{session.id}/", cookie=cookie))[0] == 204
    await store.sessions.set_wanted(session.id, Wanted.SUSPENDED, by="ada", now=datetime.now(UTC))
    async with asyncio.timeout(5):
        while (await line.ask(f"/s/{session.id}/", cookie=cookie))[0] == 204:
            await asyncio.sleep(0.01)
    assert (await line.ask(f"/s/{session.id}/", cookie=cookie))[0] == 424


async def test_a_store_that_is_away_is_said(
    line: Line, store: Store, session: Session, cookie: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(session_id: str) -> Session:
        raise Unavailable("The database does not answer.")

    monkeypatch.setattr(store.sessions, "get", away)
    status, _, body = await line.ask(f"/s/{session.id}/", cookie=cookie)
    assert status == 503
    assert "Try again" in body
    monkeypatch.undo()
    assert (await line.ask(f"/s/{session.id}/", cookie=cookie))[0] == 204


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
        assert (await second.answer())[0] == 204


async def test_a_hub_that_starts_again_takes_the_socket_over(
    settings: Settings, store: Store, authenticator: Authenticator, session: Session, cookie: str
) -> None:
    async with (
        answering_the_edge(store=store, authenticator=authenticator, settings=settings),
        calling(settings) as line,
    ):
        assert (await line.ask(f"/s/{session.id}/", cookie=cookie))[0] == 204


async def test_no_file_is_left_when_it_ends(settings: Settings, store: Store) -> None:
    authenticator = Authenticator(store, settings)
    async with answering_the_edge(store=store, authenticator=authenticator, settings=settings):
        pass
    assert settings.passes is not None
    assert not settings.passes.exists()
    assert [path.name for path in settings.socket_dir.iterdir()] == ["notify"]
    assert list(settings.notify_dir.iterdir()) == []


def test_it_runs_on_uvloop_too(settings: Settings) -> None:
    """The hub's process runs on it where it is to be had; its transports are of other classes than asyncio's."""

    async def ask() -> int:
        async with open_store(settings.store, notify_dir=settings.notify_dir) as store:
            authenticator = Authenticator(store, settings)
            async with (
                answering_the_edge(store=store, authenticator=authenticator, settings=settings),
                calling(settings) as line,
            ):
                return (await line.ask("/s/abcdefghjk/"))[0]

    assert uvloop.run(ask()) == 401
