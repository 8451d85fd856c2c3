"""What a session signs in with on a shared service is its own: made at its start, renewed, and revoked when it has ended."""

import asyncio
from datetime import datetime, timedelta
from typing import ClassVar

import pytest

from rspark_contract.reading import JsonObject
from rspark_contract.specs import ComponentSpec
from rsparkhub.controller.app import utc_now
from rsparkhub.controller.credentials import Credentials
from rsparkhub.domain.environment import Resources, Scope, ServiceOptions
from rsparkhub.domain.errors import Unavailable
from rsparkhub.domain.session import State, Wanted
from rsparkhub.services.base import Account, Instance, Service, SessionConfig


@pytest.fixture
def database_kind() -> str:
    """What sessions share knows no database, so one is enough; the statements are tried on both in hub/tests/store."""
    return "sqlite"


class Tokens(Service[ServiceOptions]):
    """A service that the stand-in agent runs: it issues tokens, and remembers what it was asked."""

    name, title, description = "tokens", "Tokens", "For tests."
    scopes: ClassVar[dict[Scope, str]] = {"shared": "one for all"}
    issues_credentials = True
    renew_every = timedelta(hours=8)

    def __init__(self) -> None:
        self.up = True
        self.did: list[tuple[str, ...]] = []

    def instances(self) -> tuple[Instance, ...]:
        component = ComponentSpec(name=self.name, title=self.title, command=("sleep", "1000"))
        return (Instance(id=self.name, components=(component,)),)

    def _do(self, what: str, account: Account) -> None:
        if not self.up:
            raise Unavailable("Tokens is down.")
        assert account.credential is not None
        self.did.append((what, account.user, f"{account.credential.session}.{account.credential.generation}"))

    async def issue(self, endpoint: JsonObject, account: Account) -> JsonObject:
        self._do("issue", account)
        assert account.credential is not None
        return account.credential.issued or {"token": f"{account.credential.secret}-{len(self.did)}"}

    async def renew(self, endpoint: JsonObject, account: Account) -> None:
        self._do("renew", account)

    async def revoke(self, endpoint: JsonObject, account: Account) -> None:
        self._do("revoke", account)

    def session_config(
        self, options: ServiceOptions, *, resources: Resources, endpoint: JsonObject | None = None, account: Account | None = None
    ) -> SessionConfig:
        assert account is not None
        assert account.credential is not None
        return SessionConfig(environ={"TOKEN": str(account.credential.issued["token"])})


class Others(Tokens):
    """A second such service."""

    name, title = "others", "Others"


@pytest.fixture
def tokens(world) -> Tokens:
    tokens = Tokens()
    world.services = {"tokens": tokens}
    world.add_environment("safe", services="{tokens: {scope: shared}}")
    return tokens


async def test_each_generation_has_one_of_its_own_which_ends_with_it(world, tokens: Tokens) -> None:
    async with world.controller() as controller:
        session_id = await world.create("safe")
        await world.until(session_id, State.RUNNING)
        first = await world.store.session_credentials.get(session_id, 1, "tokens", owner="ada")
        assert first.issued
        assert await world.store.session_credentials.ended() == []
        await world.set_wanted(session_id, Wanted.SUSPENDED)
        await world.until(session_id, State.SUSPENDED)
        await controller.credentials.look()
        await world.set_wanted(session_id, Wanted.RUNNING)
        await world.until(session_id, State.RUNNING)
        second = await world.store.session_credentials.get(session_id, 2, "tokens", owner="ada")
        assert second.issued
        assert second.secret != first.secret
    assert tokens.did.count(("revoke", "ada", f"{session_id}.1")) == 1
    assert ("issue", "ada", f"{session_id}.2") in tokens.did


async def test_one_is_revoked_as_soon_as_the_service_is_back(world, tokens: Tokens) -> None:
    async with world.controller() as controller:
        session_id = await world.create("safe")
        await world.until(session_id, State.RUNNING)
        tokens.up = False
        await world.set_wanted(session_id, Wanted.STOPPED)
        await world.until(session_id, State.STOPPED)
        await controller.credentials.look()
        assert [each.generation for each in await world.store.session_credentials.ended()] == [1]
        tokens.up = True
        await controller.credentials.look()
        assert await world.store.session_credentials.ended() == []


async def test_one_is_renewed_while_its_session_lives(world, tokens: Tokens) -> None:
    async with world.controller():
        session_id = await world.create("safe")
        await world.until(session_id, State.RUNNING)

        def nine_hours_later() -> datetime:
            return utc_now() + timedelta(hours=9)

        credentials = Credentials(store=world.store, services=world.services, clock=nine_hours_later)
        await credentials.look()
        await credentials.look()
    assert tokens.did.count(("renew", "ada", f"{session_id}.1")) == 1


async def test_one_that_takes_long_holds_up_no_others(world, tokens: Tokens, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key of a service that doesn't answer, or a login that PostgreSQL can't drop yet."""
    held, revoke = asyncio.Event(), tokens.revoke
    world.services = {"tokens": tokens, "others": Others()}
    world.add_environment("safe", services="{tokens: {scope: shared}, others: {scope: shared}}")
    ids: list[str] = []

    async def hangs(endpoint: JsonObject, account: Account) -> None:
        assert account.credential is not None
        if account.credential.session == ids[0]:
            await held.wait()
        await revoke(endpoint, account)

    monkeypatch.setattr(tokens, "revoke", hangs)
    async with world.controller():
        for _ in range(2):
            ids.append(await world.create("safe"))
            await world.until(ids[-1], State.RUNNING)
        for session_id in ids:
            await world.set_wanted(session_id, Wanted.STOPPED)
        for session_id in ids:
            await world.until(session_id, State.STOPPED)
        async with asyncio.timeout(60):
            while len(await world.store.session_credentials.ended()) != 1:
                await asyncio.sleep(0.05)
        assert [(each.session, each.service) for each in await world.store.session_credentials.ended()] == [(ids[0], "tokens")]
        held.set()
