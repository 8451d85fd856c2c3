"""Who is asking, and how somebody comes to be known."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from argon2 import PasswordHasher

from rsparkhub.auth.identity import Authenticator, Login
from rsparkhub.auth.passwords import Passwords
from rsparkhub.auth.sign_in.attempts import PEOPLE_PER_ADDRESS
from rsparkhub.auth.tokens import session_token
from rsparkhub.domain.access import Identity
from rsparkhub.domain.errors import InvalidInput, NotFound, NotSignedIn, TooManyAttempts, Unavailable
from rsparkhub.domain.session import Session, State, Wanted
from rsparkhub.settings import Settings
from rsparkhub.store import Store

PASSWORD = "correct horse"
HOME = "192.0.2.7"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
CHEAP = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)

OpenStore = Callable[[], Awaitable[Store]]


@pytest.fixture
def authenticator(store: Store, settings: Settings) -> Authenticator:
    return Authenticator(store, settings, passwords=Passwords(hasher=CHEAP))


@pytest.fixture
async def ada(store: Store, authenticator: Authenticator, noon: datetime) -> str:
    await store.users.add("root", admin=True, now=noon)
    await store.users.add("ada", password_hash=await authenticator.hash_password(PASSWORD), now=noon)
    return "ada"


@pytest.fixture
async def login(authenticator: Authenticator, ada: str, noon: datetime) -> Login:
    return await authenticator.sign_in_with_password(ada, PASSWORD, HOME, now=noon)


@pytest.fixture
async def running(store: Store, ada: str, noon: datetime) -> Session:
    session, _ = await store.sessions.create(owner=ada, environment="rspark", name="R", now=noon)
    return await become(store, session, noon, state=State.RUNNING, generation=1, secret="a secret of the generation")


async def become(store: Store, session: Session, now: datetime, **values: object) -> Session:
    """Let a controller observe something of a session."""
    claimed = await store.leases.claim_one(session.id, holder="test", now=now, lease=HOUR)
    assert claimed is not None
    after = replace(claimed.session, **values)  # type: ignore[arg-type]  # which fields they are, the test says
    assert await store.leases.save(claimed, after, holder="test", next_reconcile_at=None, now=now)
    return await store.sessions.get(session.id)


async def test_a_link_signs_in_once(authenticator: Authenticator, ada: str, noon: datetime) -> None:
    link = await authenticator.make_link(ada, now=noon)
    made = await authenticator.sign_in_with_link(link, now=noon)
    assert (made.user.name, made.expires) == ("ada", noon + 14 * DAY)
    identity = await authenticator.from_cookie(made.token, now=noon)
    assert identity is not None
    assert (identity.user.name, identity.how, identity.session) == ("ada", "cookie", None)
    with pytest.raises(NotSignedIn, match="used before or has run out"):
        await authenticator.sign_in_with_link(link, now=noon)


async def test_of_two_who_open_a_link_at_once_one_is_signed_in(
    authenticator: Authenticator, settings: Settings, open_another: OpenStore, ada: str, noon: datetime
) -> None:
    other = Authenticator(await open_another(), settings)
    for _ in range(5):
        link = await authenticator.make_link(ada, now=noon)
        both = await asyncio.gather(
            authenticator.sign_in_with_link(link, now=noon), other.sign_in_with_link(link, now=noon), return_exceptions=True
        )
        assert sorted(type(one).__name__ for one in both) == ["Login", "NotSignedIn"]


async def test_a_link_runs_out(authenticator: Authenticator, ada: str, noon: datetime) -> None:
    link, short = await authenticator.make_link(ada, now=noon), await authenticator.make_link(ada, now=noon, lifetime=HOUR)
    for made, late in ((link, noon + DAY), (short, noon + HOUR)):
        with pytest.raises(NotSignedIn):
            await authenticator.sign_in_with_link(made, now=late)


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
@pytest.mark.parametrize("link", ["", "rsk_", "rsk_x", "x" * 5000, "rsk_" + "x" * 5000, "rsk_\0", "rsk_\ud800", "rsk_é"])
async def test_what_is_no_link_signs_nobody_in(authenticator: Authenticator, noon: datetime, link: str) -> None:
    with pytest.raises(NotSignedIn):
        await authenticator.sign_in_with_link(link, now=noon)


async def test_nobody_gets_no_link(authenticator: Authenticator, noon: datetime) -> None:
    with pytest.raises(NotFound, match="no user called eve"):
        await authenticator.make_link("eve", now=noon)


async def test_a_password_signs_in_a_browser_and_a_program(
    authenticator: Authenticator, store: Store, login: Login, noon: datetime
) -> None:
    by_cookie = await authenticator.from_cookie(login.token, now=noon)
    by_token = await authenticator.from_bearer(login.token, now=noon)
    user = await store.users.get("ada")
    assert by_cookie == Identity(user=user, how="cookie")
    assert by_token == Identity(user=user, how="token")
    assert user.last_seen == noon


@pytest.mark.long
@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("ada", "wrong horse"),
        ("ada", ""),
        ("root", PASSWORD),
        ("root", ""),
        ("eve", PASSWORD),
        ("no such\0 name", PASSWORD),
        ("", ""),
    ],
)
async def test_what_was_wrong_about_a_sign_in_is_not_told(
    authenticator: Authenticator, ada: str, noon: datetime, name: str, password: str
) -> None:
    with pytest.raises(NotSignedIn, match=r"^The name or the password is wrong\."):
        await authenticator.sign_in_with_password(name, password, HOME, now=noon)


async def test_a_name_is_the_same_in_capitals(authenticator: Authenticator, ada: str, noon: datetime) -> None:
    assert (await authenticator.sign_in_with_password(" Ada ", PASSWORD, HOME, now=noon)).user.name == "ada"


async def guess(authenticator: Authenticator, name: str, address: str | None, now: datetime) -> int | None:
    """Guess wrong; return how many seconds to wait, None for a guess that was checked."""
    try:
        await authenticator.sign_in_with_password(name, "wrong horse", address, now=now)
    except NotSignedIn:
        return None
    except TooManyAttempts as error:
        return error.retry_after
    raise AssertionError("a wrong password signed somebody in")


async def test_who_guesses_waits_longer_with_each_guess_and_locks_nobody_out(
    authenticator: Authenticator, ada: str, settings: Settings, noon: datetime
) -> None:
    now, waits = noon, []
    for _ in range(settings.login_attempts):
        assert await guess(authenticator, ada, "198.51.100.7", now) is None
    for _ in range(9):
        wait = await guess(authenticator, ada, "198.51.100.7", now)
        assert wait is not None
        waits.append(wait)
        now += timedelta(seconds=wait)
        assert await guess(authenticator, ada, "198.51.100.7", now) is None
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    with pytest.raises(TooManyAttempts, match="Wait a minute"):
        await authenticator.sign_in_with_password(ada, PASSWORD, "198.51.100.7", now=now)
    await authenticator.sign_in_with_password(ada, PASSWORD, HOME, now=now)  # from elsewhere
    await authenticator.sign_in_with_password(ada, PASSWORD, "198.51.100.7", now=now + timedelta(minutes=1))


async def test_a_right_password_begins_the_count_anew(authenticator: Authenticator, ada: str, noon: datetime) -> None:
    for _ in range(10):
        for _ in range(4):
            assert await guess(authenticator, ada, HOME, noon) is None
        await authenticator.sign_in_with_password(ada, PASSWORD, HOME, now=noon)


@pytest.mark.long
async def test_who_has_signed_in_at_an_address_is_not_slowed_by_others_there(
    authenticator: Authenticator, ada: str, settings: Settings, noon: datetime
) -> None:
    await authenticator.sign_in_with_password(ada, PASSWORD, HOME, now=noon)
    for number in range(PEOPLE_PER_ADDRESS * settings.login_attempts):
        await guess(authenticator, f"name{number}", HOME, noon + timedelta(days=7))
    assert await guess(authenticator, "bob", HOME, noon + timedelta(days=7)) == 1
    await authenticator.sign_in_with_password(ada, PASSWORD, HOME, now=noon + timedelta(days=7))


@pytest.mark.long
async def test_who_tries_many_names_has_to_wait(authenticator: Authenticator, ada: str, noon: datetime) -> None:
    for number in range(5 * PEOPLE_PER_ADDRESS):
        with pytest.raises(NotSignedIn):
            await authenticator.sign_in_with_password(f"name{number}", "wrong horse", "2001:db8::1", now=noon)
    for near in ("2001:db8::1", "2001:db8::ffff", "2001:0db8:0:0:1::"):  # one customer's network
        with pytest.raises(TooManyAttempts):
            await authenticator.sign_in_with_password(ada, PASSWORD, near, now=noon)
    for far in ("2001:db8:0:1::1", "::ffff:192.0.2.1", None, "unix:"):
        await authenticator.sign_in_with_password(ada, PASSWORD, far, now=noon)


@pytest.mark.long
async def test_a_right_password_does_not_clear_the_address_of_one_who_guesses(
    authenticator: Authenticator, store: Store, ada: str, noon: datetime
) -> None:
    await store.users.add("mallory", password_hash=await authenticator.hash_password("own password"), now=noon)
    for number in range(5 * PEOPLE_PER_ADDRESS - 1):
        with pytest.raises(NotSignedIn):
            await authenticator.sign_in_with_password(f"name{number}", "wrong horse", HOME, now=noon)
        await authenticator.sign_in_with_password("mallory", "own password", HOME, now=noon)
    with pytest.raises(NotSignedIn):
        await authenticator.sign_in_with_password("ada", "wrong horse", HOME, now=noon)
    with pytest.raises(TooManyAttempts):
        await authenticator.sign_in_with_password("ada", "wrong horse", HOME, now=noon)


async def test_hubs_count_together(
    authenticator: Authenticator, settings: Settings, open_another: OpenStore, ada: str, noon: datetime
) -> None:
    hubs = [authenticator, *[Authenticator(await open_another(), settings, passwords=Passwords(hasher=CHEAP)) for _ in range(2)]]
    guesses = [hubs[number % 3].sign_in_with_password(ada, "wrong horse", HOME, now=noon) for number in range(30)]
    answers = await asyncio.gather(*guesses, return_exceptions=True)
    assert sum(isinstance(answer, NotSignedIn) for answer in answers) == 5
    assert sum(isinstance(answer, TooManyAttempts) for answer in answers) == 25


async def test_who_signs_out_is_out_and_nobody_else(authenticator: Authenticator, login: Login, noon: datetime) -> None:
    other = await authenticator.sign_in_with_password("ada", PASSWORD, HOME, now=noon)
    await authenticator.sign_out(login.token)
    await authenticator.sign_out(login.token)
    await authenticator.sign_out("nonsense")
    assert await authenticator.from_cookie(login.token, now=noon) is None
    assert await authenticator.from_bearer(login.token, now=noon) is None
    assert await authenticator.from_cookie(other.token, now=noon) is not None


async def test_a_sign_in_ends_after_its_time(authenticator: Authenticator, login: Login) -> None:
    assert await authenticator.from_cookie(login.token, now=login.expires - timedelta(seconds=1)) is not None
    assert await authenticator.from_cookie(login.token, now=login.expires) is None


async def test_a_new_password_signs_everybody_out(authenticator: Authenticator, login: Login, noon: datetime) -> None:
    await authenticator.set_password("ada", "battery staple")
    assert await authenticator.from_cookie(login.token, now=noon) is None
    with pytest.raises(NotSignedIn):
        await authenticator.sign_in_with_password("ada", PASSWORD, HOME, now=noon)
    await authenticator.sign_in_with_password("ada", "battery staple", HOME, now=noon)
    await authenticator.set_password("ada", None)
    with pytest.raises(NotSignedIn):
        await authenticator.sign_in_with_password("ada", "battery staple", HOME, now=noon)
    with pytest.raises(InvalidInput):
        await authenticator.set_password("ada", "short")


async def test_a_removed_person_is_nobody_at_once(
    authenticator: Authenticator, store: Store, login: Login, running: Session, noon: datetime
) -> None:
    _, secret = await authenticator.make_token("ada", name="laptop", now=noon)
    link = await authenticator.make_link("ada", now=noon)
    token = session_token(running)
    assert await authenticator.from_bearer(secret, now=noon) is not None
    assert await authenticator.from_bearer(token, now=noon) is not None
    await store.users.remove("ada", by="root", now=noon)
    assert await authenticator.from_cookie(login.token, now=noon) is None
    for bearer in (login.token, secret, token):
        assert await authenticator.from_bearer(bearer, now=noon) is None
    with pytest.raises(NotSignedIn):
        await authenticator.sign_in_with_link(link, now=noon)


async def test_an_api_token_is_its_owners_while_it_lasts(
    authenticator: Authenticator, store: Store, ada: str, noon: datetime
) -> None:
    token, secret = await authenticator.make_token(ada, name=" laptop ", now=noon, lifetime=HOUR)
    assert (token.name, token.expires) == ("laptop", noon + HOUR)
    identity = await authenticator.from_bearer(secret, now=noon)
    assert identity is not None
    assert (identity.user.name, identity.how, identity.session) == ("ada", "token", None)
    assert await authenticator.from_cookie(secret, now=noon) is None  # a program's token signs no browser in
    assert await authenticator.from_bearer(secret, now=noon + HOUR) is None
    await store.credentials.remove_token(token.id, user_name=ada)
    assert await authenticator.from_bearer(secret, now=noon) is None


@pytest.mark.parametrize(("name", "lifetime"), [("", None), ("x" * 61, None), ("x", timedelta()), ("x", timedelta(days=366))])
async def test_a_token_that_may_not_be_is_refused(
    authenticator: Authenticator, ada: str, noon: datetime, name: str, lifetime: timedelta | None
) -> None:
    with pytest.raises(InvalidInput):
        await authenticator.make_token(ada, name=name, now=noon, lifetime=lifetime)


async def test_a_session_speaks_for_its_owner_as_this_session(
    authenticator: Authenticator, running: Session, noon: datetime
) -> None:
    identity = await authenticator.from_bearer(session_token(running), now=noon)
    assert identity is not None
    assert (identity.user.name, identity.how, identity.session) == ("ada", "token", running.id)
    assert await authenticator.from_cookie(session_token(running), now=noon) is None
    assert session_token(running) == session_token(running)  # a second start of a generation has the same


async def test_a_sessions_token_ends_with_its_generation(
    authenticator: Authenticator, store: Store, running: Session, noon: datetime
) -> None:
    token = session_token(running)
    suspended = await become(store, running, noon, state=State.SUSPENDED)
    assert await authenticator.from_bearer(token, now=noon) is None
    again = await become(store, suspended, noon, state=State.RUNNING, generation=2)
    assert await authenticator.from_bearer(token, now=noon) is None
    assert await authenticator.from_bearer(session_token(again), now=noon) is not None
    await store.sessions.set_wanted(again.id, Wanted.DELETED, by="ada", now=noon)
    assert await authenticator.from_bearer(session_token(again), now=noon) is None


async def test_a_token_of_another_session_or_secret_is_no_token(
    authenticator: Authenticator, running: Session, noon: datetime
) -> None:
    good = session_token(running)
    forged = session_token(replace(running, secret="guessed"))
    for token in (forged, good[:-1], good + "x", good.replace(running.id, "other"), f"rss_{running.id}_", "rss_", "rss__"):
        assert await authenticator.from_bearer(token, now=noon) is None


async def test_a_session_without_a_secret_has_no_token(
    authenticator: Authenticator, store: Store, ada: str, noon: datetime
) -> None:
    session, _ = await store.sessions.create(owner=ada, environment="rspark", name="R", now=noon)
    with pytest.raises(ValueError, match="has no secret yet"):
        session_token(session)
    assert await authenticator.from_bearer(f"rss_{session.id}_x", now=noon) is None


@pytest.mark.parametrize(
    "value", ["", "x", "rsl_", "rsl_x", "rst_x", "rss_x_y", "\0", "é" * 300, "rsl_\ud800", "rst_" + "x" * 999]
)
async def test_a_stranger_is_nobody(authenticator: Authenticator, noon: datetime, value: str) -> None:
    assert await authenticator.from_cookie(value, now=noon) is None
    assert await authenticator.from_bearer(value, now=noon) is None


async def test_what_the_store_keeps_opens_nothing(
    authenticator: Authenticator, store: Store, login: Login, noon: datetime
) -> None:
    link = await authenticator.make_link("ada", now=noon)
    _, secret = await authenticator.make_token("ada", name="laptop", now=noon)
    kept = ""
    for table in ("sign_in_links", "logins", "tokens", "users"):
        kept += str(await store.database.read(_everything(table)))
    for opens in (link, login.token, secret, PASSWORD):
        assert opens not in kept
        assert opens.partition("_")[2] not in kept or opens == PASSWORD


async def test_a_password_hashed_with_weaker_parameters_is_hashed_anew(
    authenticator: Authenticator, store: Store, settings: Settings, login: Login, noon: datetime
) -> None:
    weak = await store.users.password_hash("ada")
    stronger = Authenticator(
        store, settings, passwords=Passwords(hasher=PasswordHasher(time_cost=2, memory_cost=128, parallelism=1))
    )
    await stronger.sign_in_with_password("ada", PASSWORD, HOME, now=noon)
    strong = await store.users.password_hash("ada")
    assert strong != weak
    assert "m=128,t=2" in str(strong)
    assert await stronger.from_cookie(login.token, now=noon) is not None  # nobody is signed out by it
    await stronger.sign_in_with_password("ada", PASSWORD, HOME, now=noon)
    assert await store.users.password_hash("ada") == strong


async def test_who_is_signed_in_stays_so_while_nothing_can_be_written(
    authenticator: Authenticator, store: Store, login: Login, noon: datetime,
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    _, secret = await authenticator.make_token("ada", name="laptop", now=noon)

    async def full(*whatever: object) -> None:
        raise Unavailable("The disk is full.")

    monkeypatch.setattr(store.database, "change", full)
    with caplog.at_level(logging.WARNING):
        assert await authenticator.from_cookie(login.token, now=noon + HOUR) is not None
        assert await authenticator.from_bearer(secret, now=noon + HOUR) is not None
    assert "The disk is full." in caplog.text


async def test_a_question_costs_one_read(
    authenticator: Authenticator, store: Store, login: Login, running: Session, noon: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    for name in ("read", "change", "write"):
        monkeypatch.setattr(store.database, name, _counted(getattr(store.database, name), name, asked))
    assert await authenticator.from_cookie(login.token, now=noon) is not None
    assert await authenticator.from_bearer(session_token(running), now=noon) is not None
    assert await authenticator.from_cookie("nonsense", now=noon) is None
    assert asked == ["read", "read"]


def _counted(real: Callable[..., Awaitable[object]], name: str, asked: list[str]) -> Callable[..., Awaitable[object]]:
    def counting(*arguments: object) -> Awaitable[object]:
        asked.append(name)
        return real(*arguments)

    return counting


def _everything(table: str) -> sa.TextClause:
    return sa.text(f"SELECT * FROM {table}")


async def test_a_new_password_ends_links_that_were_not_used(authenticator: Authenticator, ada: str, noon: datetime) -> None:
    link = await authenticator.make_link(ada, now=noon)
    await authenticator.set_password(ada, "another good horse")
    with pytest.raises(NotSignedIn):
        await authenticator.sign_in_with_link(link, now=noon)
