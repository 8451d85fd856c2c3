"""The hub's cookie, and that it stays with the hub."""

from datetime import timedelta
from http.cookies import SimpleCookie

import pytest

from rsparkhub.auth.cookies import clear_cookie, set_cookie, values_in, without


@pytest.mark.parametrize(("secure", "name"), [(False, "rsparkhub"), (True, "__Host-rsparkhub")])
def test_the_cookie_is_for_the_hub_alone(secure: bool, name: str) -> None:
    cookie = SimpleCookie(set_cookie("rsl_x", lifetime=timedelta(days=1), secure=secure))[name]
    assert (cookie.value, cookie["path"], cookie["max-age"], cookie["samesite"]) == ("rsl_x", "/", "86400", "Lax")
    assert cookie["httponly"] is True
    assert bool(cookie["secure"]) is secure
    assert cookie["domain"] == ""


def test_to_clear_it_is_to_set_one_that_ends_now() -> None:
    cookie = SimpleCookie(clear_cookie(secure=True))["__Host-rsparkhub"]
    assert (cookie.value, cookie["max-age"]) == ("", "0")


def test_it_is_found_among_others_also_when_there_are_several() -> None:
    header = "a=1; rsparkhub=one; _xsrf=2|x; rsparkhub=two;__Host-rsparkhub=three; rsparkhub2=no; xrsparkhub=no"
    assert values_in(header, secure=False) == ["one", "two"]
    assert values_in(header, secure=True) == ["three"]
    for nothing in ("", ";", "=", "rsparkhub", "a=rsparkhub=x"):
        assert [value for value in values_in(nothing, secure=False) if value] == []


def test_without_it_the_others_stay_as_they_were() -> None:
    header = 'a=1; rsparkhub=one; _xsrf="2|x=y"; __Host-rsparkhub=three; username-s1=b=c'
    assert without(header) == 'a=1; _xsrf="2|x=y"; username-s1=b=c'
    assert without("rsparkhub=one") == ""
    assert without("rsparkhub=one;rsparkhub=two ; b=2") == "b=2"
    assert without(" rsparkhub = one; b=2") == "b=2"
