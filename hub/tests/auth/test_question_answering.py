"""What is kept of an answer, for how long, and what takes it away."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from rsparkhub.auth.answering import Answering, Asked, host_without_port
from rsparkhub.auth.identity import Authenticator
from rsparkhub.auth.passes import Passes
from rsparkhub.auth.question import Allow, Answer, Question, Refuse
from rsparkhub.domain.session import Session, State, Wanted
from rsparkhub.settings import Settings
from rsparkhub.store import Store


class World:
    """Questions about one running session of Ada's, at a clock that stands still until it is moved."""

    def __init__(self, store: Store, settings: Settings, folder: Path) -> None:
        self.store, self.settings = store, settings
        self.authenticator = Authenticator(store, settings)
        self.now = 1_000_000.5
        self.folder = folder
        self.passes = Passes(folder)
        self.answering = self.make(settings)
        self.session: Session
        self.cookie = ""

    def make(self, settings: Settings) -> Answering:
        return Answering(
            store=self.store, authenticator=self.authenticator, settings=settings, passes=self.passes, clock=lambda: self.now
        )

    async def begin(self) -> None:
        now = datetime.now(UTC)
        await self.store.users.add("ada", now=now)
        await self.store.users.add("root", admin=True, now=now)
        self.cookie = await self.sign_in("ada")
        made, _ = await self.store.sessions.create(owner="ada", environment="rspark", name="R", now=now)
        self.session = await self.observe(made.id, state=State.RUNNING, upstream="127.0.0.1:4242", secret="s3cret", generation=1)

    async def sign_in(self, name: str) -> str:
        link = await self.authenticator.make_link(name, now=datetime.now(UTC))
        return (await self.authenticator.sign_in_with_link(link, now=datetime.now(UTC))).token

    async def observe(self, session_id: str, **values: Any) -> Session:
        now = datetime.now(UTC)
        claimed = await self.store.leases.claim_one(session_id, holder="test", now=now, lease=timedelta(seconds=9))
        assert claimed is not None
        after = replace(claimed.session, **values)
        assert await self.store.leases.save(claimed, after, holder="test", next_reconcile_at=None, now=now)
        return after

    def asked(self, *, cookie: str | None = None, bearer: str | None = None, **said: Any) -> Asked:
        question = Question(**{"method": "GET", "host": "127.0.0.1:8000", "uri": f"/s/{self.session.id}/x", **said})
        if bearer is not None:
            return Asked(question=question, authorization=f"Bearer {bearer}")
        return Asked(question=question, cookie=f"rsparkhub={cookie or self.cookie}")

    async def ask(self, asked: Asked | None = None) -> Answer:
        asked = asked or self.asked()
        return self.answering.answer_now(asked) or await self.answering.answer(asked)

    def given(self) -> list[str]:
        return sorted(str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if path.is_file())


@pytest.fixture
async def world(store: Store, settings: Settings, tmp_path: Path) -> World:
    world = World(store, settings, tmp_path / "passes")
    await world.begin()
    return world


def refused(said: Answer) -> int:
    assert isinstance(said, Refuse)
    return said.status


async def test_what_was_looked_up_is_not_looked_up_again_in_this_second(world: World) -> None:
    asked = world.asked()
    assert world.answering.answer_now(asked) is None
    assert isinstance(await world.answering.answer(asked), Allow)
    assert isinstance(world.answering.answer_now(asked), Allow)
    world.now += 1
    assert world.answering.answer_now(asked) is None


async def test_those_who_ask_at_the_same_time_wait_for_one_look_up(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    looked_up: list[str] = []
    get = world.store.sessions.get

    async def counting(session_id: str) -> Session:
        looked_up.append(session_id)
        return await get(session_id)

    monkeypatch.setattr(world.store.sessions, "get", counting)
    said = await asyncio.gather(*(world.answering.answer(world.asked()) for _ in range(32)))
    assert all(isinstance(one, Allow) for one in said)
    assert looked_up == [world.session.id]


TakeAway = Callable[[World], Awaitable[None]]


async def sign_out(world: World) -> None:
    await world.authenticator.sign_out(world.cookie)


async def change_the_password(world: World) -> None:
    await world.store.users.set_password_hash("ada", "other")


async def remove_the_person(world: World) -> None:
    await world.store.users.remove("ada", now=datetime.now(UTC))


async def suspend_the_session(world: World) -> None:
    await world.store.sessions.set_wanted(world.session.id, Wanted.SUSPENDED, by="ada", now=datetime.now(UTC))


async def let_the_session_fail(world: World) -> None:
    await world.observe(world.session.id, state=State.FAILED, upstream=None)


@pytest.mark.parametrize(
    ("take_away", "status"),
    [
        (sign_out, 401),
        (change_the_password, 401),
        (remove_the_person, 401),
        (suspend_the_session, 424),
        (let_the_session_fail, 424),
    ],
)
async def test_a_right_taken_away_is_gone_when_the_next_second_begins(world: World, take_away: TakeAway, status: int) -> None:
    assert isinstance(await world.ask(), Allow)
    await take_away(world)
    world.now += 1
    assert refused(await world.ask()) == status


async def test_a_token_that_is_revoked_is_gone_when_the_next_second_begins(world: World) -> None:
    token, secret = await world.authenticator.make_token("ada", name="x", now=datetime.now(UTC))
    assert isinstance(await world.ask(world.asked(bearer=secret)), Allow)
    await world.store.credentials.remove_token(token.id, user_name="ada")
    world.now += 1
    assert refused(await world.ask(world.asked(bearer=secret))) == 401


async def test_what_the_bell_tells_is_forgotten_at_once(world: World) -> None:
    assert isinstance(await world.ask(), Allow)
    await suspend_the_session(world)
    world.answering.forget_session(world.session.id)
    assert refused(await world.ask()) == 424


async def test_what_was_read_before_the_bell_is_not_kept(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    was_read, go_on = asyncio.Event(), asyncio.Event()
    get = world.store.sessions.get

    async def slow(session_id: str) -> Session:
        found = await get(session_id)
        was_read.set()
        await go_on.wait()
        return found

    monkeypatch.setattr(world.store.sessions, "get", slow)
    asking = asyncio.create_task(world.answering.answer(world.asked()))
    await was_read.wait()
    await suspend_the_session(world)
    world.answering.forget_session(world.session.id)
    go_on.set()
    await asking
    assert refused(await world.ask()) == 424


async def test_a_lifetime_of_zero_keeps_nothing(world: World) -> None:
    world.answering = world.make(world.settings.model_copy(update={"answer_lifetime": timedelta()}))
    assert isinstance(await world.ask(), Allow)
    await sign_out(world)
    assert refused(await world.ask()) == 401
    assert world.given() == []


async def test_a_lifetime_is_never_longer_than_a_second(world: World) -> None:
    world.answering = world.make(world.settings.model_copy(update={"answer_lifetime": timedelta(hours=1)}))
    assert isinstance(await world.ask(), Allow)
    await sign_out(world)
    world.now += 1
    assert refused(await world.ask()) == 401


class TestCredentials:
    async def test_a_wrong_cookie_beside_the_right_one_does_not_shut_out(self, world: World) -> None:
        asked = world.asked()._replace(cookie=f"rsparkhub=rsl_evil; a=b; rsparkhub={world.cookie}")
        assert isinstance(await world.ask(asked), Allow)

    async def test_a_wrong_token_beside_a_cookie_does_not_shut_out(self, world: World) -> None:
        asked = world.asked()._replace(authorization="token of-jupyters-own")
        assert isinstance(await world.ask(asked), Allow)

    async def test_jupyters_word_for_bearer_is_understood(self, world: World) -> None:
        _, secret = await world.authenticator.make_token("ada", name="x", now=datetime.now(UTC))
        asked = world.asked()._replace(cookie="", authorization=f"token {secret}")
        assert isinstance(await world.ask(asked), Allow)

    async def test_a_sign_ins_cookie_is_not_looked_for_at_a_sessions_host(self, world: World) -> None:
        asked = world.asked(host=f"{world.session.id}.localhost:8000")
        assert refused(await world.ask(asked)) == 401

    async def test_over_tls_only_the_cookie_that_needs_tls_counts(self, world: World) -> None:
        settings = world.settings.model_copy(update={"public_url": Settings(public_url="https://hub.example").public_url})
        world.answering = world.make(settings)
        assert refused(await world.ask(world.asked(host="hub.example"))) == 401
        secure = world.asked(host="hub.example")._replace(cookie=f"__Host-rsparkhub={world.cookie}")
        assert isinstance(await world.ask(secure), Allow)


class TestPasses:
    async def test_what_is_asked_twice_in_a_second_gets_a_pass(self, world: World) -> None:
        for _ in range(2):
            await world.ask()
        assert world.given() == []
        await world.ask()
        expected = f"1000000/127.0.0.1~rsparkhub={world.cookie}~{world.session.id}/127.0.0.1:4242~s3cret"
        assert world.given() == [expected]

    async def test_a_token_gets_one_too(self, world: World) -> None:
        _, secret = await world.authenticator.make_token("ada", name="x", now=datetime.now(UTC))
        for _ in range(3):
            await world.ask(world.asked(bearer=secret))
        assert world.given() == [f"1000000/127.0.0.1~bearer={secret}~{world.session.id}/127.0.0.1:4242~s3cret"]

    async def test_a_pass_names_the_credential_that_was_good(self, world: World) -> None:
        asked = world.asked()._replace(
            cookie=f"rsparkhub=rsl_{'x' * 43}; rsparkhub={world.cookie}", authorization="Bearer " + "y" * 40
        )
        for _ in range(3):
            await world.ask(asked)
        assert [name.split("~")[1] for name in world.given()] == [f"rsparkhub={world.cookie}"]

    @pytest.mark.parametrize(
        "said",
        [
            {"method": "POST", "origin": "http://127.0.0.1:8000"},
            {"upgrade": "websocket", "origin": "http://127.0.0.1:8000"},
            {"origin": "http://127.0.0.1:8000"},
            {"fetch_site": "cross-site", "fetch_mode": "navigate", "fetch_dest": "document"},
            {"host": "localhost:8000"},  # sandboxed: under the hub's own name
        ],
    )
    async def test_only_plain_reading_gets_a_pass(self, world: World, said: dict[str, str]) -> None:
        for _ in range(3):
            assert isinstance(await world.ask(world.asked(**said)), Allow)
        assert world.given() == []

    async def test_what_is_refused_gets_none(self, world: World) -> None:
        await suspend_the_session(world)
        for _ in range(3):
            await world.ask()
        assert world.given() == []

    async def test_a_pass_is_taken_back_by_the_bell(self, world: World) -> None:
        for _ in range(3):
            await world.ask()
        world.answering.forget_session(world.session.id)
        assert world.given() == []

    async def test_passes_of_a_second_that_is_over_are_taken_away(self, world: World) -> None:
        for _ in range(3):
            await world.ask()
        world.now += 1
        await world.ask()
        assert list(world.folder.iterdir()) == []

    async def test_none_is_left_lying_when_nobody_asks_any_more(self, world: World) -> None:
        for _ in range(3):
            await world.ask()
        world.now += 1
        async with asyncio.timeout(10):
            while list(world.folder.iterdir()):
                await asyncio.sleep(0.05)

    async def test_a_pass_is_given_only_on_what_was_looked_up_in_its_second(self, world: World) -> None:
        for _ in range(3):
            await world.ask()
        await sign_out(world)
        world.now += 1
        for _ in range(3):
            await world.ask()
        assert world.given() == []

    async def test_with_a_shorter_lifetime_there_are_none(self, world: World) -> None:
        world.answering = world.make(world.settings.model_copy(update={"answer_lifetime": timedelta(seconds=0.5)}))
        for _ in range(5):
            await world.ask()
        assert world.given() == []


async def test_ten_thousand_sessions_cost_no_more_than_one(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Asking about one session reads one row by its key; how many others there are is never looked at."""
    statements: list[str] = []
    read = world.store.database.read

    async def noting(statement: Any, parameters: Any = None) -> Any:
        statements.append(str(statement))
        return await read(statement, parameters)

    monkeypatch.setattr(world.store.database, "read", noting)
    await world.ask()
    about_sessions = [text for text in statements if "FROM sessions" in text]
    assert len(statements) == 2
    assert len(about_sessions) == 1
    assert "WHERE sessions.id =" in about_sessions[0]


@pytest.mark.parametrize(
    ("header", "host"),
    [("a:80", "a"), ("a", "a"), ("[::1]:80", "::1"), ("[::1]", "[::1]"), ("", ""), ("::1", "::1"), ("a:b", "a:b")],
)
def test_a_host_without_its_port(header: str, host: str) -> None:
    assert host_without_port(header) == host
