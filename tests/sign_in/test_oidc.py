"""Sign-in by OpenID Connect through the running product: at two real providers, a wicked one, and one that is down."""

import base64
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import yaml
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from tests.installation import Installation, free_port
from tests.oidc_server import Claims, OddProvider, RealProvider, sign_in_at

pytestmark = pytest.mark.timeout(300)

UNIVERSITY = {
    "101": {
        "preferred_username": "Grace",
        "name": "Grace Hopper",
        "email": "grace@uni.example",
        "groups": ["CN=Students", "lab"],
    },
    "102": {"preferred_username": "root", "name": "Not Root", "email": "evil@uni.example"},
    "103": {"preferred_username": "Ada Lovelace/../x", "name": "Ada"},
    "104": {"preferred_username": "added", "groups": ["CN=Students"]},
}
LAB = {"9": {"preferred_username": "grace", "name": "Another Grace"}, "10": {"preferred_username": "linus"}}


@dataclass(frozen=True)
class Place:
    hub: Installation
    odd: OddProvider


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A whole installation with four providers."""
    data = tmp_path_factory.mktemp("oidc") / "data"
    data.mkdir(mode=0o700)
    hub = Installation(data)
    with (
        RealProvider(UNIVERSITY, hub=hub.url, site="university") as university,
        RealProvider(LAB, hub=hub.url, site="lab") as lab,
        OddProvider() as odd,
    ):
        client = {"client_id": "hub", "client_secret": "secret", "time_limit": "1m"}
        oidc = {
            "university": {
                **client, "title": "University account", "issuer": university.issuer, "make_people": True, "match_added": True,
                "groups_claim": "groups", "groups": {"CN=Students": "students"}, "make_groups": True,
            },
            "lab": {**client, "title": "The lab", "issuer": lab.issuer},
            "odd": {**client, "title": "Odd", "issuer": odd.issuer, "make_people": True, "groups_claim": "groups"},
            "slow": {**client, "title": "Slow", "issuer": odd.issuer, "time_limit": "2s"},
            "down": {**client, "title": "Down", "issuer": f"http://127.0.0.1:{free_port()}"},
        }  # fmt: skip
        (data / "settings.yaml").write_text(yaml.safe_dump({"sign_in": {"oidc": oidc}}, sort_keys=False))
        with hub:
            yield Place(hub, odd)


@pytest.fixture
def browser(place: Place) -> Iterator[httpx.Client]:
    """A browser at the hub, which follows nothing by itself."""
    place.odd.reset()
    with httpx.Client(base_url=place.hub.url, timeout=60, headers={"Sec-Fetch-Site": "same-origin"}) as client:
        yield client


def get(url: str, **headers: str) -> httpx.Response:
    """Ask as nobody."""
    return httpx.get(url, headers=headers, timeout=60)


def depart(browser: httpx.Client, site: str, **query: str) -> str:
    """Press the button of a provider; return the provider's address to which the hub sends the browser."""
    answer = browser.get(f"/hub/sign-in/oidc/{site}", params=query)
    assert answer.status_code == 303
    return answer.headers["location"]


def come_back(browser: httpx.Client, site: str, person: str, **query: str) -> str:
    """Sign in at a real provider; return where the hub leads then."""
    with httpx.Client(timeout=60) as provider:
        back = sign_in_at(provider, depart(browser, site, **query), person)
    return browser.get(back).headers["location"]


def at_odd(browser: httpx.Client) -> str:
    """Sign in at the odd provider; return where the hub leads then."""
    back = get(depart(browser, "odd")).headers["location"]
    return browser.get(back).headers["location"]


def me(browser: httpx.Client) -> Claims | None:
    answer = browser.get("/hub/api/me")
    return answer.json() if answer.status_code == 200 else None


def test_the_sign_in_page_offers_each_provider_by_its_title(place: Place, browser: httpx.Client) -> None:
    ways = browser.get("/hub/api/login").json()
    sites = [(way["title"], way["url"]) for way in ways if way["url"]]
    url = f"{place.hub.url}/hub/sign-in/oidc"
    assert sites == [
        ("University account", f"{url}/university"), ("The lab", f"{url}/lab"), ("Odd", f"{url}/odd"),
        ("Slow", f"{url}/slow"), ("Down", f"{url}/down"),
    ]  # fmt: skip
    assert [way["name"] for way in ways if not way["url"]] == ["password"]


def test_whoever_signs_in_for_the_first_time_is_added_with_groups_name_and_address(place: Place, browser: httpx.Client) -> None:
    assert come_back(browser, "university", "101", next="/s/abc/lab?x=1") == "/s/abc/lab?x=1"
    who = me(browser)
    assert who is not None
    assert (who["name"], who["admin"], who["groups"]) == ("grace", False, ["lab", "students"])
    with place.hub.client() as admin:
        users = {user["name"]: user for user in admin.get("/hub/api/users").json()["users"]}
        texts = [event["text"] for event in admin.get("/hub/api/audit").json()["events"]]
    assert (users["grace"]["full_name"], users["grace"]["email"]) == ("Grace Hopper", "grace@uni.example")
    assert "grace signs in at university." in texts


def test_signing_out_leads_to_the_provider_and_back(place: Place, browser: httpx.Client) -> None:
    come_back(browser, "university", "101")
    url = browser.post("/hub/api/logout").json()["url"]
    assert me(browser) is None
    leads = browser.get(url).headers["location"]
    assert urlsplit(leads).path == "/session/end"
    assert parse_qs(urlsplit(leads).query) == {
        "client_id": ["hub"], "post_logout_redirect_uri": [f"{place.hub.url}/hub/"],
    }  # fmt: skip
    assert get(leads).status_code == 200


def test_a_name_that_is_somebodys_here_is_never_taken_over(place: Place, browser: httpx.Client) -> None:
    for site, person in (("university", "102"), ("lab", "9")):  # the administrator, and Grace of the university
        come_back(httpx.Client(base_url=place.hub.url, timeout=60), "university", "101")
        assert come_back(browser, site, person).startswith("/hub/?problem=taken")
        assert me(browser) is None


def test_whom_an_administrator_has_added_is_matched_once_and_a_stranger_is_told_so(place: Place, browser: httpx.Client) -> None:
    with place.hub.client() as admin:
        assert admin.post("/hub/api/users", json={"name": "added"}).status_code == 201
    assert come_back(browser, "university", "104") == "/hub/"
    assert come_back(browser, "lab", "10") == "/hub/?problem=stranger"
    with place.hub.client() as admin:
        assert admin.post("/hub/api/users", json={"name": "linus"}).status_code == 201
    assert come_back(browser, "lab", "10") == "/hub/?problem=taken"  # the lab may match nobody


def test_a_name_that_nobody_can_have_here_is_refused(browser: httpx.Client) -> None:
    assert come_back(browser, "university", "103") == "/hub/?problem=name"


def test_a_code_works_once_and_in_the_browser_that_began_alone(place: Place, browser: httpx.Client) -> None:
    with httpx.Client(timeout=60) as provider:
        back = sign_in_at(provider, depart(browser, "university"), "101")
    with httpx.Client(base_url=place.hub.url, timeout=60) as other:
        assert other.get(back).headers["location"] == "/hub/?problem=start-again"
        depart(other, "university")  # it has a secret of its own now
        assert other.get(back).headers["location"] == "/hub/?problem=start-again"
    secret = browser.cookies["rsparkhub_sign_in"]
    assert browser.get(back).headers["location"] == "/hub/"
    assert browser.get(back).headers["location"] == "/hub/?problem=untrusted"
    replayed = get(back, Cookie=f"rsparkhub_sign_in={secret}")
    assert replayed.headers["location"] == "/hub/?problem=untrusted"
    assert not [each for each in replayed.headers.get_list("set-cookie") if "rsparkhub-" in each]


def test_two_tabs_of_a_browser_sign_in_at_once(browser: httpx.Client) -> None:
    with httpx.Client(timeout=60) as provider:
        first, second = (depart(browser, "university", next=f"/s/{tab}/") for tab in "ab")
        assert browser.get(sign_in_at(provider, first, "101")).headers["location"] == "/s/a/"
        assert browser.get(sign_in_at(provider, second, "101")).headers["location"] == "/s/b/"
    assert parse_qs(urlsplit(first).query)["nonce"] != parse_qs(urlsplit(second).query)["nonce"]


@pytest.mark.parametrize("state", ["", "x", "x.y", ".", "é", "a" * 5000], ids=lambda state: state[:5])
def test_a_forged_state_is_refused(browser: httpx.Client, state: str) -> None:
    depart(browser, "odd")
    answer = browser.get("/hub/sign-in/oidc/odd/callback", params={"code": "code0", "state": state})
    assert answer.headers["location"] == "/hub/?problem=start-again"


def test_the_answer_of_one_provider_is_not_taken_for_anothers(place: Place, browser: httpx.Client) -> None:
    back = urlsplit(get(depart(browser, "odd")).headers["location"])
    assert browser.get(f"/hub/sign-in/oidc/university/callback?{back.query}").headers["location"] == "/hub/?problem=start-again"
    place.odd.answer = {"iss": "http://127.0.0.1:1"}
    assert at_odd(browser) == "/hub/?problem=untrusted"
    with httpx.Client(timeout=60) as provider:  # one that names itself may not fall silent
        good = sign_in_at(provider, depart(browser, "university"), "101")
    query = {name: values[0] for name, values in parse_qs(urlsplit(good).query).items() if name != "iss"}
    answer = browser.get("/hub/sign-in/oidc/university/callback", params=query)
    assert answer.headers["location"] == "/hub/?problem=untrusted"


def test_what_the_provider_refuses_is_said(browser: httpx.Client) -> None:
    state = parse_qs(urlsplit(depart(browser, "odd", next="/s/a/")).query)["state"][0]
    query = {"error": "access_denied", "error_description": "<script>", "state": state}
    location = browser.get("/hub/sign-in/oidc/odd/callback", params=query).headers["location"]
    assert location == "/hub/?problem=refused&next=%2Fs%2Fa%2F"


@pytest.mark.parametrize(
    "address",
    [
        "//evil.example/hub/", "https://evil.example/", "/\\evil.example", "/hub/\\..\\x", "/hub/../../x",
        "/hub/%2e%2e//evil.example",
        "/hubevil", "javascript:alert(1)", "/hub/\n//evil.example", "/s/a\u2028", "/hub/sign-in/oidc/odd", "/hub/" + "a" * 5000,
    ],
    ids=lambda address: ascii(address)[:25],
)  # fmt: skip
def test_nobody_is_sent_to_a_foreign_place_afterwards(place: Place, browser: httpx.Client, address: str) -> None:
    back = get(depart(browser, "odd", next=address)).headers["location"]
    assert browser.get(back).headers["location"] == "/hub/"


def unsigned(claims: Claims) -> str:
    parts = [json.dumps(part).encode() for part in ({"alg": "none"}, claims)]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts) + "."


def by_the_shared_secret(claims: Claims) -> str:
    return jwt.encode({"alg": "HS256", "kid": "one"}, claims, OctKey.import_key("secret" * 8))


def by_another_key(claims: Claims) -> str:
    return jwt.encode({"alg": "RS256", "kid": "one"}, claims, RSAKey.generate_key(2048))


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "http://127.0.0.1:1"}, {"iss": None}, {"aud": "another"}, {"aud": None}, {"aud": []}, {"aud": ["hub", "another"]},
        {"aud": ["hub", "another"], "azp": "another"}, {"azp": "another"}, {"nonce": "another"}, {"nonce": None},
        {"nonce": ["x"]},
        {"exp": int(time.time()) - 3600}, {"exp": None}, {"exp": "soon"}, {"iat": int(time.time()) + 3600}, {"iat": None},
        {"sub": None}, {"sub": ""}, {"sub": 1}, {"sub": "x" * 300},
    ],
    ids=str,
)  # fmt: skip
def test_a_token_that_is_not_of_this_sign_in_signs_nobody_in(place: Place, browser: httpx.Client, claims: Claims) -> None:
    place.odd.claims = claims
    assert at_odd(browser) == "/hub/?problem=untrusted"
    assert me(browser) is None


@pytest.mark.parametrize(
    "make", [unsigned, by_the_shared_secret, by_another_key, lambda claims: "", lambda claims: "a.b.c", lambda claims: "é"]
)
def test_a_token_that_the_provider_has_not_signed_signs_nobody_in(place: Place, browser: httpx.Client, make: object) -> None:
    place.odd.token = make  # type: ignore[assignment]
    assert at_odd(browser) == "/hub/?problem=untrusted"


@pytest.mark.parametrize(
    "name", ["", "ada lovelace", "../x", "\u212aai", "ädä", "9lives", "a" * 33, "a\0b", 7, ["a"], {"a": 1}, None]
)
def test_odd_names_are_no_names(place: Place, browser: httpx.Client, name: object) -> None:
    place.odd.claims = {"preferred_username": name, "sub": "odd name"}
    assert at_odd(browser) == "/hub/?problem=name"


@pytest.mark.parametrize(
    ("groups", "joined"),
    [
        ("known", ["known"]), (["known", 1, None, {"a": []}, "Known", "x" * 5000, "everyone"], ["known"]), ({"known": True}, []),
        (7, []), (None, []), ([["known"]], []), ([f"g{number}" for number in range(10_000)] + ["known"], ["known"]),
    ],
    ids=["a text", "a mixture", "an object", "a number", "nothing", "a list in it", "ten thousand"],
)  # fmt: skip
def test_odd_groups_put_nobody_anywhere(place: Place, browser: httpx.Client, groups: object, joined: list[str]) -> None:
    with place.hub.client() as admin:
        admin.post("/hub/api/groups", json={"name": "known"})
    place.odd.claims = {"groups": groups}
    assert at_odd(browser) == "/hub/"
    who = me(browser)
    assert who is not None
    assert [group for group in who["groups"] if group != "everyone"] == joined


def test_a_provider_that_is_down_or_slow_holds_up_nobody_else(place: Place, browser: httpx.Client) -> None:
    assert depart(browser, "down") == "/hub/?problem=unreachable"
    assert depart(browser, "nobody") == "/hub/?problem=start-again"
    back = get(depart(browser, "slow")).headers["location"]
    place.odd.wait = 60
    began = time.monotonic()
    assert browser.get(back).headers["location"] == "/hub/?problem=unreachable"
    assert time.monotonic() - began < 45
    assert browser.get("/hub/").status_code == 200
    assert len(browser.get("/hub/api/login").json()) == 6


def test_who_is_disabled_here_is_not_let_in(place: Place, browser: httpx.Client) -> None:
    assert at_odd(browser) == "/hub/"
    with place.hub.client() as admin:
        assert admin.post("/hub/api/users/wicked/disable").status_code < 300
        assert me(browser) is None
        assert at_odd(browser) == "/hub/?problem=disabled"
        assert admin.post("/hub/api/users/wicked/enable").status_code < 300


def test_neither_secrets_nor_codes_stand_in_a_log(place: Place, browser: httpx.Client) -> None:
    with httpx.Client(timeout=60) as provider:
        back = sign_in_at(provider, depart(browser, "university"), "101")
    browser.get(back)
    code = parse_qs(urlsplit(back).query)["code"][0]
    logs = [path.read_text(errors="replace") for path in Path(place.hub.data).rglob("*.log")]
    logs.append(place.hub.data.with_suffix(".up.log").read_text(errors="replace"))
    assert not [log for log in logs if code in log]
