"""The hub's cookie, and that it stays with the hub."""

from datetime import timedelta
from http.cookies import SimpleCookie

import pytest

from rsparkhub.auth.cookies import (
    clear_hub_cookie,
    hub_cookie,
    hub_logins,
    own_cookies_in,
    set_hub_cookie,
    set_sign_in_cookie,
    sign_in_cookie,
    values_of,
)
from rsparkhub.domain.edge_contract import OWN_COOKIES


@pytest.mark.parametrize(("secure", "name"), [(False, "rsparkhub"), (True, "__Host-rsparkhub")])
def test_the_cookie_is_for_the_hub_alone(secure: bool, name: str) -> None:
    cookie = SimpleCookie(set_hub_cookie("rsl_x", lifetime=timedelta(days=1), secure=secure))[name]
    assert (cookie.value, cookie["path"], cookie["max-age"], cookie["samesite"]) == ("rsl_x", "/", "86400", "Lax")
    assert cookie["httponly"] is True
    assert bool(cookie["secure"]) is secure
    assert cookie["domain"] == ""


def test_to_clear_it_is_to_set_one_that_ends_now() -> None:
    cookie = SimpleCookie(clear_hub_cookie(secure=True))["__Host-rsparkhub"]
    assert (cookie.value, cookie["max-age"]) == ("", "0")


def test_it_is_found_among_others_also_when_there_are_several() -> None:
    header = "a=1; rsparkhub=one; _xsrf=2|x; rsparkhub=two;__Host-rsparkhub=three; rsparkhub2=no; xrsparkhub=no"
    assert values_of(hub_cookie(secure=False), header) == ["one", "two"]
    assert values_of(hub_cookie(secure=True), header) == ["three"]
    for nothing in ("", ";", "=", "rsparkhub", "a=rsparkhub=x"):
        assert [value for value in values_of(hub_cookie(secure=False), nothing) if value] == []


def test_that_of_a_sign_in_under_way_reaches_the_hub_and_no_session() -> None:
    name = sign_in_cookie(secure=False)
    assert own_cookies_in(f"a=1; {name}=secret; {name}-80=x; x{name}=y") == f"{name}=secret"
    assert {name, sign_in_cookie(secure=True)} <= set(OWN_COOKIES)
    assert set_sign_in_cookie("v", lifetime=timedelta(minutes=1), secure=True).startswith("__Host-rsparkhub_sign_in=v; Path=/; ")


def test_two_hubs_of_one_machine_have_a_cookie_each() -> None:
    """A browser sends each of them to both."""
    header = "rsparkhub-8000=one; rsparkhub-9000=two; rsparkhub=before; rsparkhub-80000=x; rsparkhub-=y"
    assert set_hub_cookie("v", lifetime=timedelta(1), secure=False, port=8000).startswith("rsparkhub-8000=v; ")
    assert clear_hub_cookie(secure=False, port=9000).startswith("rsparkhub-9000=; ")
    assert hub_logins(header, secure=False, port=8000) == ["one", "before"]
    assert hub_logins(header, secure=False, port=9000) == ["two", "before"]
    assert hub_logins(header, secure=False, port=None) == ["before"]
    assert hub_logins(header, secure=True, port=8000) == []
