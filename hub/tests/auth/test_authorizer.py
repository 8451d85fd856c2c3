"""What is cached of an answer, for how long, and what takes it away."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rsparkhub.auth.authorizer import Authorizer, Decision
from rsparkhub.auth.forward_auth import Allow, Answer, ForwardAuthRequest, Refuse
from rsparkhub.auth.identity import Authenticator
from rsparkhub.domain.errors import Unavailable
from rsparkhub.domain.session import Session, State, Wanted
from rsparkhub.settings import Settings
from rsparkhub.store import Store
from rsparkhub.store.audit import AuditFilter


class World:
    """Requests to one running session of Ada's, at a clock that stands still until it is moved."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self.store, self.settings = store, settings
        self.authenticator = Authenticator(store, settings)
        self.now = 1_000_000.5
        self.authorizer = self.make(settings)
        self.session: Session
        self.cookie = ""

    def make(self, settings: Settings) -> Authorizer:
        return Authorizer(store=self.store, authenticator=self.authenticator, settings=settings, clock=lambda: self.now)

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

    def request(self, *, bearer: str | None = None, **said: Any) -> ForwardAuthRequest:
        if bearer is not None:
            said["authorization"] = f"Bearer {bearer}"
        elif "cookie" not in said:
            said["cookie"] = f"rsparkhub={self.cookie}"
        fields = {"method": "GET", "host": "127.0.0.1:8000", "uri": f"/s/{self.session.id}/x", **said}
        return self.authorizer.request(**fields)

    async def decide(self, request: ForwardAuthRequest | None = None) -> Decision:
        request = request or self.request()
        return self.authorizer.decide_now(request) or await self.authorizer.decide(request)

    async def ask(self, request: ForwardAuthRequest | None = None) -> Answer:
        return (await self.decide(request)).answer


@pytest.fixture
async def world(store: Store, settings: Settings) -> World:
    world = World(store, settings)
    await world.begin()
    return world


def refused(said: Answer) -> int:
    assert isinstance(said, Refuse)
    return said.status


async def test_what_was_looked_up_is_not_looked_up_again_in_this_second(world: World) -> None:
    request = world.request()
    assert world.authorizer.decide_now(request) is None
    assert isinstance((await world.authorizer.decide(request)).answer, Allow)
    known = world.authorizer.decide_now(request)
    assert known is not None
    assert isinstance(known.answer, Allow)
    world.now += 1
    assert world.authorizer.decide_now(request) is None


async def test_those_who_ask_at_the_same_time_wait_for_one_look_up(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    looked_up: list[str] = []
    get = world.store.sessions.get

    async def counting(session_id: str) -> Session:
        looked_up.append(session_id)
        return await get(session_id)

    monkeypatch.setattr(world.store.sessions, "get", counting)
    decided = await asyncio.gather(*(world.authorizer.decide(world.request()) for _ in range(32)))
    assert all(isinstance(one.answer, Allow) for one in decided)
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
    assert isinstance(await world.ask(world.request(bearer=secret)), Allow)
    await world.store.credentials.remove_token(token.id, user_name="ada")
    world.now += 1
    assert refused(await world.ask(world.request(bearer=secret))) == 401


async def test_what_the_bell_tells_is_forgotten_at_once(world: World) -> None:
    assert isinstance(await world.ask(), Allow)
    await suspend_the_session(world)
    world.authorizer.forget_session(world.session.id)
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
    asking = asyncio.create_task(world.authorizer.decide(world.request()))
    await was_read.wait()
    await suspend_the_session(world)
    world.authorizer.forget_session(world.session.id)
    go_on.set()
    decided = await asking
    assert (type(decided.answer), decided.keep) == (Allow, 0)  # true when it was read, and not to be repeated
    assert refused(await world.ask()) == 424


async def test_a_lifetime_of_zero_keeps_nothing(world: World) -> None:
    world.authorizer = world.make(world.settings.model_copy(update={"answer_lifetime": timedelta()}))
    assert isinstance(await world.ask(), Allow)
    await sign_out(world)
    assert refused(await world.ask()) == 401


async def test_a_lifetime_is_never_longer_than_a_second(world: World) -> None:
    world.authorizer = world.make(world.settings.model_copy(update={"answer_lifetime": timedelta(hours=1)}))
    assert isinstance(await world.ask(), Allow)
    await sign_out(world)
    world.now += 1
    assert refused(await world.ask()) == 401


class TestCredentials:
    async def test_a_wrong_cookie_beside_the_right_one_does_not_shut_out(self, world: World) -> None:
        request = world.request(cookie=f"rsparkhub=rsl_evil; a=b; rsparkhub={world.cookie}")
        assert isinstance(await world.ask(request), Allow)

    async def test_nor_do_those_that_a_page_of_another_session_has_set_by_the_name_with_the_port(self, world: World) -> None:
        other = await world.sign_in("root")
        await world.authenticator.sign_out(other)
        tossed = f"rsparkhub-8000=; rsparkhub-8000=rsl_evil; rsparkhub-8000={other}; rsparkhub-8001={other}; rsparkhub={other}"
        for own in ("rsparkhub-8000", "rsparkhub"):
            assert isinstance(await world.ask(world.request(cookie=f"{tossed}; {own}={world.cookie}")), Allow)
        assert refused(await world.ask(world.request(cookie=f"{tossed}; rsparkhub-8001={world.cookie}"))) == 401

    async def test_a_wrong_token_beside_a_cookie_does_not_shut_out(self, world: World) -> None:
        assert isinstance(await world.ask(world.request(authorization="token of-jupyters-own")), Allow)

    @pytest.mark.long
    async def test_jupyters_word_for_bearer_is_understood(self, world: World) -> None:
        _, secret = await world.authenticator.make_token("ada", name="x", now=datetime.now(UTC))
        assert isinstance(await world.ask(world.request(cookie="", authorization=f"token {secret}")), Allow)

    async def test_a_sign_ins_cookie_is_not_looked_for_at_a_sessions_host(self, world: World) -> None:
        assert refused(await world.ask(world.request(host=f"{world.session.id}.localhost:8000"))) == 401

    async def test_over_tls_only_the_cookie_that_needs_tls_counts(self, world: World) -> None:
        settings = world.settings.model_copy(update={"public_url": Settings(public_url="https://hub.example").public_url})
        world.authorizer = world.make(settings)
        assert refused(await world.ask(world.request(host="hub.example"))) == 401
        secure = world.request(host="hub.example", cookie=f"__Host-rsparkhub={world.cookie}")
        assert isinstance(await world.ask(secure), Allow)


class TestWhatTheEdgeMayRepeat:
    """`keep` is for how many seconds the edge may give the answer to equal requests without asking."""

    async def test_until_the_second_is_over_in_which_it_was_looked_up(self, world: World) -> None:
        world.now = 1_000_000.25
        assert (await world.decide()).keep == 0.75
        world.now += 0.5
        assert (await world.decide()).keep == 0.25

    async def test_a_token_is_no_different(self, world: World) -> None:
        _, secret = await world.authenticator.make_token("ada", name="x", now=datetime.now(UTC))
        assert (await world.decide(world.request(bearer=secret))).keep == 0.5

    async def test_what_took_until_the_next_second_is_not_repeated_in_it(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        get = world.store.sessions.get

        async def slow(session_id: str) -> Session:
            found = await get(session_id)
            world.now += 1
            return found

        monkeypatch.setattr(world.store.sessions, "get", slow)
        decided = await world.decide()
        assert (type(decided.answer), decided.keep) == (Allow, 0)

    async def test_a_second_later_it_is_what_was_looked_up_then(self, world: World) -> None:
        await world.decide()
        await sign_out(world)
        world.now += 1
        assert refused(await world.ask()) == 401

    @pytest.mark.parametrize(("lifetime", "most"), [(timedelta(), 0), (timedelta(seconds=0.25), 0.25), (timedelta(hours=1), 1)])
    async def test_for_no_longer_than_the_setting_says_and_a_second(self, world: World, lifetime: timedelta, most: float) -> None:
        world.authorizer = world.make(world.settings.model_copy(update={"answer_lifetime": lifetime}))
        for _ in range(2):
            assert (await world.decide()).keep <= most


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


async def visits_of(world: World) -> list[tuple[str | None, str, str | None]]:
    found = await world.store.audit.newest(AuditFilter(kinds=["visit"]), limit=9)
    return [(event.by, event.session, event.owner) for event in found]


async def test_an_administrator_in_anothers_session_stands_in_the_audit_once(world: World) -> None:
    _, token = await world.authenticator.make_token("root", name="x", now=datetime.now(UTC))
    for _ in range(3):
        assert isinstance(await world.ask(world.request(bearer=token)), Allow)
        world.now += 1
    assert await visits_of(world) == [("root", world.session.id, "ada")]


async def test_a_visit_is_noted_though_all_that_was_asked_is_cached(world: World) -> None:
    """The visitor is known from one session and the session from its owner: nothing is looked up, and it is written."""
    _, token = await world.authenticator.make_token("root", name="x", now=datetime.now(UTC))
    now = datetime.now(UTC)
    made, _ = await world.store.sessions.create(owner="root", environment="rspark", name="own", now=now)
    own = await world.observe(made.id, state=State.RUNNING, upstream="127.0.0.1:4243", secret="s3cret", generation=1)
    assert isinstance(await world.ask(world.request(bearer=token, uri=f"/s/{own.id}/x")), Allow)
    assert isinstance(await world.ask(), Allow)
    assert await visits_of(world) == []
    assert world.authorizer.decide_now(world.request(bearer=token)) is None
    assert isinstance(await world.ask(world.request(bearer=token)), Allow)
    assert await visits_of(world) == [("root", world.session.id, "ada")]


async def test_who_is_at_home_is_no_visitor(world: World) -> None:
    assert isinstance(await world.ask(), Allow)
    assert await visits_of(world) == []


async def test_a_visit_is_let_in_when_it_cant_be_written(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def full(*_: object, **__: object) -> None:
        raise Unavailable("The disk is full.")

    monkeypatch.setattr(world.store.audit, "write", full)
    _, token = await world.authenticator.make_token("root", name="x", now=datetime.now(UTC))
    assert isinstance(await world.ask(world.request(bearer=token)), Allow)
