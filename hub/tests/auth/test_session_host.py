"""Tickets and cookies of a session's own host."""

from datetime import UTC, datetime, timedelta

import pytest

from rsparkhub.auth.cookies import set_session_cookie
from rsparkhub.auth.identity import Authenticator
from rsparkhub.auth.session_host import TICKET_LIFETIME, SessionHostSignIn
from rsparkhub.settings import Settings
from rsparkhub.store import Store

NOW = datetime.now(UTC)


class Browser:
    """A browser in which Ada is signed in at the hub."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self.store = store
        self.authenticator = Authenticator(store, settings)
        self.sign_in_there = SessionHostSignIn(store.credentials, settings)
        self.login = ""

    async def sign_in(self) -> None:
        link = await self.authenticator.make_link("ada", now=NOW)
        self.login = (await self.authenticator.sign_in_with_link(link, now=NOW)).token

    async def ticket(self, session: str = "abc") -> str:
        return await self.sign_in_there.make_ticket(session, self.login, "ada", now=NOW)

    async def enter(self, session: str = "abc") -> str:
        cookie = await self.sign_in_there.take_ticket(session, await self.ticket(session), now=NOW)
        assert cookie is not None
        return cookie


@pytest.fixture
async def browser(store: Store, settings: Settings) -> Browser:
    browser = Browser(store, settings)
    await store.users.add("ada", now=NOW)
    await browser.sign_in()
    return browser


async def test_a_ticket_becomes_a_cookie_that_is_known(browser: Browser) -> None:
    identity = await browser.sign_in_there.identify("abc", await browser.enter(), now=NOW)
    assert identity is not None
    assert (identity.user.name, identity.how, identity.session) == ("ada", "cookie", "abc")


async def test_a_ticket_works_once(browser: Browser) -> None:
    ticket = await browser.ticket()
    assert await browser.sign_in_there.take_ticket("abc", ticket, now=NOW) is not None
    assert await browser.sign_in_there.take_ticket("abc", ticket, now=NOW) is None


async def test_a_ticket_runs_out(browser: Browser) -> None:
    ticket = await browser.ticket()
    assert await browser.sign_in_there.take_ticket("abc", ticket, now=NOW + TICKET_LIFETIME + timedelta(seconds=1)) is None


async def test_a_ticket_is_for_one_session(browser: Browser) -> None:
    assert await browser.sign_in_there.take_ticket("xyz", await browser.ticket(), now=NOW) is None


async def test_a_cookie_is_for_one_session(browser: Browser) -> None:
    assert await browser.sign_in_there.identify("xyz", await browser.enter(), now=NOW) is None


async def test_a_cookie_ends_with_the_sign_in_at_the_hub(browser: Browser) -> None:
    cookie = await browser.enter()
    await browser.authenticator.sign_out(browser.login)
    assert await browser.sign_in_there.identify("abc", cookie, now=NOW) is None


async def test_another_sign_in_of_the_same_person_does_not_keep_it(browser: Browser) -> None:
    cookie, first = await browser.enter(), browser.login
    await browser.sign_in()
    await browser.authenticator.sign_out(first)
    assert await browser.sign_in_there.identify("abc", cookie, now=NOW) is None


async def test_a_cookie_tied_to_another_sign_in_is_nobodys(browser: Browser) -> None:
    secret = (await browser.enter()).partition(".")[0]
    await browser.sign_in()
    other = (await browser.enter()).partition(".")[2]
    assert await browser.sign_in_there.identify("abc", f"{secret}.{other}", now=NOW) is None


async def test_it_ends_with_the_person(browser: Browser) -> None:
    cookie = await browser.enter()
    await browser.store.users.remove("ada", now=NOW)
    assert await browser.sign_in_there.identify("abc", cookie, now=NOW) is None


async def test_neither_opens_the_hub(browser: Browser) -> None:
    ticket, cookie = await browser.ticket(), await browser.enter()
    for value in (ticket, cookie, *ticket.split("."), *cookie.split(".")):
        assert await browser.authenticator.from_cookie(value, now=NOW) is None
        assert await browser.authenticator.from_bearer(value, now=NOW) is None


@pytest.mark.parametrize("nonsense", ["", "x", "rsx_", "rsx_.", "rsc_.", "rsc_é", "rsc_" + "x" * 300, "rsl_x"])
async def test_nonsense_is_nobody(browser: Browser, nonsense: str) -> None:
    assert await browser.sign_in_there.take_ticket("abc", nonsense, now=NOW) is None
    assert await browser.sign_in_there.identify("abc", nonsense, now=NOW) is None


def test_the_cookie_is_for_this_host_alone_and_for_no_script() -> None:
    plain, secure = (set_session_cookie("v", lifetime=timedelta(days=1), secure=each) for each in (False, True))
    assert plain == "rspark_session=v; Path=/; Max-Age=86400; HttpOnly; SameSite=Lax"
    assert secure == "__Host-rspark_session=v; Path=/; Max-Age=86400; HttpOnly; SameSite=Lax; Secure"
