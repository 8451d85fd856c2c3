"""Sign-in by LDAP: at a real directory, Debian's slapd, and at one that says nothing."""

import asyncio
import re
import socket
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError
from tests.ldap_server import BASE, GROUPS, HUB, HUB_PASSWORD, PASSWORDS, PEOPLE, LdapServer

from rsparkhub.auth.identity import Authenticator
from rsparkhub.auth.ldap.connection import DirectoryConnection, DirectoryProblem
from rsparkhub.auth.ldap.directory import Directory
from rsparkhub.auth.ldap.groups import groups_of_entries, groups_of_names
from rsparkhub.auth.sign_in.ldap import STRANGER, TAKEN
from rsparkhub.domain.errors import NotSignedIn, TooManyAttempts, Unavailable
from rsparkhub.domain.user import User
from rsparkhub.installed.sign_in import ways_to_sign_in
from rsparkhub.settings import Settings
from rsparkhub.settings.sign_in import LdapSettings, SignInSettings
from rsparkhub.store import Store
from rsparkhub.store.audit import AuditFilter

SEARCHED = {"base": PEOPLE, "bind_dn": HUB, "bind_password": HUB_PASSWORD}
BY_TEMPLATE = {"dn_template": f"uid={{name}},{PEOPLE}"}
WRONG = "The name or the password is wrong"


@pytest.fixture
def database_kind() -> str:
    """One does for what a directory says; that a vouched sign-in is stored on both is tested in store/test_identities.py."""
    return "sqlite"


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LdapServer]:
    with LdapServer(tmp_path_factory.mktemp("ldap") / "slapd") as server:
        yield server


@pytest.fixture(params=[SEARCHED, BY_TEMPLATE], ids=["searched", "by template"])
def how(request: pytest.FixtureRequest) -> dict[str, object]:
    """How the hub finds a person's entry."""
    return dict(request.param)


class Hub:
    """A hub whose one directory is `uni`."""

    def __init__(self, store: Store, settings: Settings, noon: datetime) -> None:
        self.store, self.settings, self.now = store, settings, noon
        self.ways = ways_to_sign_in()

    async def sign_in(self, name: str, password: str | None = None, *, address: str = "192.0.2.7", **ldap: object) -> User:
        of = {"title": "University account", **ldap}
        settings = self.settings.model_copy(update={"sign_in": SignInSettings.model_validate({"ldap": {"uni": of}})})
        proof = {"site": "uni", "name": name, "password": PASSWORDS[name] if password is None else password}
        authenticator = Authenticator(self.store, settings, ways=self.ways)
        made = await authenticator.sign_in("ldap", proof, address=address, now=self.now)
        identity = await authenticator.from_cookie(made.token, now=self.now)
        assert identity is not None
        return identity.user


@pytest.fixture
def hub(store: Store, settings: Settings, noon: datetime) -> Hub:
    return Hub(store, settings, noon)


def parsed(**ldap: object) -> LdapSettings:
    return LdapSettings.model_validate({"title": "University account", **ldap})


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"url": "ldap://ldap.uni.example"}, "without encryption"),
        ({"url": "ldap://127.0.0.1.uni.example"}, "without encryption"),
        ({"url": "https://ldap.uni.example"}, "ldaps://HOST"),
        ({"url": "ldaps://ldap.uni.example/dc=uni"}, "ldaps://HOST"),
        ({"url": "ldaps://hub:secret@ldap.uni.example"}, "bind_dn"),
        ({"url": "ldaps://ldap.uni.example:x"}, "Port"),
        ({"start_tls": True}, "encrypted from its beginning"),
        ({"base": None}, "either base"),
        ({"dn_template": "uid={name},dc=uni"}, "either base"),
        ({"base": None, "dn_template": "uid=ada,dc=uni"}, "must stand in it once"),
        ({"base": None, "dn_template": "{name}@uni.example"}, "no name of an entry"),
        ({"base": "people"}, "no name of an entry"),
        ({"bind_dn": HUB}, "belong together"),
        ({"bind_dn": HUB, "bind_password": ""}, "belong together"),
        ({"bind_password": "x"}, "belong together"),
        ({"filter": "objectClass=person"}, "no filter of LDAP"),
        ({"filter": "(&(a=b)"}, "no filter of LDAP"),
        ({"groups_filter": "(objectClass=group)"}, "every group"),
        ({"name_attribute": "uid)(x=*"}, "pattern"),
        ({"password": "x"}, "not permitted"),
    ],
    ids=str,
)
def test_settings_that_make_no_sense_are_refused_in_a_sentence(given: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        parsed(**{"url": "ldaps://ldap.uni.example", "base": PEOPLE, **given})


@pytest.mark.parametrize(
    "given",
    [
        {"url": "ldaps://ldap.uni.example"}, {"url": "ldap://ldap.uni.example:3389", "start_tls": True},
        {"url": "ldap://ldap.uni.example", "unencrypted": True}, {"url": "ldap://localhost"}, {"url": "ldap://[::1]"},
    ],
    ids=str,
)  # fmt: skip
def test_a_directory_is_asked_in_clear_on_this_machine_alone_or_where_that_is_said(given: dict[str, object]) -> None:
    assert parsed(**{"base": PEOPLE, **given}).port in {636, 3389, 389}


def test_what_the_page_says_to_write_are_settings() -> None:
    page = Path(__file__).parents[3] / "docs/how-to/sign-in-with-ldap.md"
    blocks = re.findall(r"```yaml\n(.*?)```", page.read_text(), re.DOTALL)
    read = [SignInSettings.model_validate(yaml.safe_load(block)["sign_in"]).ldap["university"] for block in blocks]
    assert [settings.port for settings in read] == [636, 636, 389]


async def test_who_signs_in_for_the_first_time_is_added_with_name_address_and_groups(
    hub: Hub, directory: LdapServer, how: dict[str, object]
) -> None:
    of: dict[str, Any] = {"url": directory.url, **how, "groups_base": GROUPS, "groups": {"LAB": "team"}, "make_groups": True}
    with pytest.raises(NotSignedIn, match=STRANGER):
        await hub.sign_in("ada", **of)
    ada = await hub.sign_in("ada", **of, make_people=True)
    assert (ada.name, ada.admin, ada.full_name, ada.email) == ("ada", False, "Ada Lovelace", "ada@uni.example")
    assert sorted(ada.groups - {"everyone"}) == ["students", "team"]
    assert (await hub.sign_in(" ADA ", PASSWORDS["ada"], **of)).id == ada.id
    events = await hub.store.audit.newest(AuditFilter(kinds=["person", "sign-in"]), limit=9)
    assert [(event.kind, event.by) for event in events] == [("sign-in", "ada"), ("sign-in", "ada"), ("person", "ada")]


NOT_THEIRS = [
    ("ada", "wrong"), ("ada", PASSWORDS["grace"]), ("nobody", "x"), ("like", "x"), ("(odd)*", "odd"),
    ("*", PASSWORDS["ada"]), ("*)(uid=*", PASSWORDS["ada"]), ("ada)(objectClass=*", PASSWORDS["ada"]),
    ("ada,ou=people", PASSWORDS["ada"]), ("a\\64a", PASSWORDS["ada"]), ("ad*", PASSWORDS["ada"]), ("", "x"),
    # To LDAP an empty password is nobody's, and right; a soft hyphen is an empty one to what normalizes passwords.
    ("ada", ""), ("ada", "\u00ad"), ("ada", "\0"), ("ada", f"{PASSWORDS['ada']}\0"), ("ada", "\ud83d"), ("ada", "x" * 5000),
]  # fmt: skip


async def test_nobody_signs_in_with_what_is_not_theirs(
    hub: Hub, directory: LdapServer, how: dict[str, object], settings: Settings
) -> None:
    hub.settings = settings.model_copy(update={"login_attempts": 1000})
    for name, password in NOT_THEIRS:
        with pytest.raises(NotSignedIn, match=WRONG):
            await hub.sign_in(name, password, url=directory.url, **how, make_people=True)
    assert await hub.store.users.list() == []


@pytest.mark.parametrize("name", ["(odd)*", "od*", "*)(uid=*", "ada)(|(uid=*"])
def test_a_name_is_nothing_but_a_name_to_a_directory(directory: LdapServer, how: dict[str, object], name: str) -> None:
    """The hub lets no such name come so far; the question itself would be safe too."""
    found = Directory(parsed(url=directory.url, **how)).recognize(name, "odd")
    assert (found is not None) == (name == "(odd)*")


def test_nothing_is_bound_with_an_empty_password(directory: LdapServer) -> None:
    connection = DirectoryConnection(parsed(url=directory.url, base=PEOPLE))
    for dn, password in ((f"uid=ada,{PEOPLE}", ""), ("", PASSWORDS["ada"])):
        with pytest.raises(ValueError, match="not empty"):
            connection.bind(dn, password)


@pytest.mark.parametrize("start_tls", [False, True], ids=["ldaps", "StartTLS"])
async def test_a_certificate_must_be_of_the_authority_and_of_the_host(
    hub: Hub, directory: LdapServer, start_tls: bool, caplog: pytest.LogCaptureFixture
) -> None:
    of: dict[str, Any] = {**SEARCHED, "start_tls": start_tls, "make_people": True}
    url = directory.url if start_tls else directory.tls_url
    assert (await hub.sign_in("ada", url=url, ca_file=directory.authority, **of)).name == "ada"
    with pytest.raises(Unavailable, match="not set up right"):
        await hub.sign_in("ada", url=url, **of)
    assert "The certificate of" in caplog.text
    misnamed = parsed(url=directory.misnamed_urls[0 if start_tls else 1], ca_file=directory.authority, **of)
    with pytest.raises(DirectoryProblem, match=r"certificate is not valid for '127\.0\.0\.2'"):
        Directory(misnamed).recognize("ada", PASSWORDS["ada"])


async def test_nobody_who_is_here_is_taken_over(hub: Hub, directory: LdapServer) -> None:
    of: dict[str, Any] = {"url": directory.url, **SEARCHED, "make_people": True, "match_added": True}
    await hub.store.users.add("root", admin=True, now=hub.now)
    with pytest.raises(NotSignedIn, match=TAKEN):
        await hub.sign_in("root", **of)
    await hub.store.users.add("ada", now=hub.now)  # added ahead of time, and never here
    with pytest.raises(NotSignedIn, match=TAKEN):
        await hub.sign_in("ada", **{**of, "match_added": False})
    assert (await hub.sign_in("ada", **of)).name == "ada"
    await hub.store.users.disable("ada", now=hub.now)
    with pytest.raises(NotSignedIn, match="has disabled this user"):
        await hub.sign_in("ada", **of)


async def test_a_name_that_somebody_else_gets_in_the_directory_is_not_the_one_before(hub: Hub, directory: LdapServer) -> None:
    of: dict[str, Any] = {"url": directory.url, **SEARCHED, "make_people": True}
    entry = f"dn: uid=eve,{PEOPLE}\nobjectClass: inetOrgPerson\nuid: eve\ncn: eve\nsn: eve\nuserPassword: eve"
    directory.change(entry, add=True)
    try:
        assert (await hub.sign_in("eve", "eve", **of)).name == "eve"
        directory.change(f"dn: uid=eve,{PEOPLE}\nchangetype: delete")
        directory.change(entry, add=True)
        with pytest.raises(NotSignedIn, match=TAKEN):
            await hub.sign_in("eve", "eve", **of)
    finally:
        directory.change(f"dn: uid=eve,{PEOPLE}\nchangetype: delete")


async def test_only_entries_that_the_filter_fits_sign_in(hub: Hub, directory: LdapServer) -> None:
    of: dict[str, Any] = {"url": directory.url, "filter": "(!(employeeType=locked))", "make_people": True}
    with pytest.raises(NotSignedIn, match=WRONG):
        await hub.sign_in("locked", **SEARCHED, **of)
    with pytest.raises(NotSignedIn, match="not one that signs in here"):
        await hub.sign_in("locked", **BY_TEMPLATE, **of)
    with pytest.raises(NotSignedIn, match=WRONG):  # only who has the password learns that
        await hub.sign_in("locked", "wrong", **BY_TEMPLATE, **of)


@pytest.mark.parametrize(
    ("of", "joined"),
    [
        ({}, []),
        ({"groups_attribute": "memberOf", "groups": {f"CN=students, {GROUPS}": "class"}}, ["class", "lab"]),
        ({"groups_base": GROUPS}, ["lab", "students"]),
        ({"groups_base": GROUPS, "groups_filter": "(memberUid={name})"}, []),
    ],
    ids=str,
)
async def test_groups_follow_the_directory_at_each_sign_in(
    hub: Hub, directory: LdapServer, of: dict[str, Any], joined: list[str]
) -> None:
    of = {"url": directory.url, **SEARCHED, **of, "make_people": True, "make_groups": True}
    ada = await hub.sign_in("ada", **of)
    assert sorted(ada.groups - {"everyone"}) == joined
    member = f"dn: cn=lab,{GROUPS}\nchangetype: modify\n{{}}: member\nmember: uid={{}},{PEOPLE}"
    directory.change(member.format("add", "grace"))
    directory.change(member.format("delete", "ada"))
    try:
        ada = await hub.sign_in("ada", **of)
        assert sorted(ada.groups - {"everyone"}) == [group for group in joined if group != "lab"]
    finally:
        directory.change(member.format("add", "ada"))
        directory.change(member.format("delete", "grace"))


def test_groups_are_what_they_are_called_or_what_the_settings_say() -> None:
    names = {"CN=Students, OU=x": "class", "Staff": "team"}
    listed = [
        "cn=students,ou=x",
        "cn=STAFF,ou=y",
        "cn=Lab,ou=x",
        "cn=with space,ou=x",
        "cn=everyone,ou=x",
        "cn=\\C3\\A4",
        "plain",
        "",
    ]
    assert groups_of_names(listed, names) == {"class", "team", "lab", "plain"}
    assert groups_of_entries([("cn=students,ou=x", ["other"]), ("ou=x", ["staff", "Lab"])], names) == {"class", "team", "lab"}


@pytest.mark.parametrize(
    "how_", [{**SEARCHED, "base": f"ou=elsewhere,{BASE}"}, {"dn_template": f"uid={{name}},ou=elsewhere,{BASE}"}]
)
async def test_referrals_are_not_followed(hub: Hub, directory: LdapServer, how_: dict[str, object]) -> None:
    with pytest.raises((Unavailable, NotSignedIn), match=r"not set up right|is wrong"):
        await hub.sign_in("ada", url=directory.url, **how_, make_people=True)
    directory.elsewhere.setblocking(False)
    with pytest.raises(BlockingIOError):
        directory.elsewhere.accept()


MISFITS: list[tuple[dict[str, object], str]] = [
    ({"base": f"ou=nowhere,{BASE}"}, "has no entry ou=nowhere"),
    ({"groups_base": f"ou=nowhere,{BASE}"}, "has no entry ou=nowhere.*groups_base"),
    ({"bind_password": "wrong"}, "refuses the hub's own account"),
    ({"bind_dn": None, "bind_password": None}, "does not show it to the hub"),
    ({"start_tls": True}, "The certificate of .* is not accepted"),
    ({"start_tls": True, "ca_file": "/nonexistent.pem"}, "The authorities in /nonexistent.pem can't be read"),
    ({"url": "ldap://127.0.0.1:1"}, "does not answer"),
]


async def test_doctor_names_what_does_not_fit(directory: LdapServer, settings: Settings) -> None:
    right = {"title": "x", "url": directory.url, **SEARCHED}
    ldap = {"right": right, "own": {"title": "x", "url": directory.url, **BY_TEMPLATE}}
    ldap |= {f"wrong{number}": {**right, **of} for number, (of, _) in enumerate(MISFITS)}
    settings = settings.model_copy(update={"sign_in": SignInSettings.model_validate({"ldap": ldap})})
    found = await ways_to_sign_in()["ldap"].examine(settings)
    assert [(finding.name, finding.level) for finding in found[:2]] == [("ldap right", "ok"), ("ldap own", "ok")]
    for finding, (_, said) in zip(found[2:], MISFITS, strict=True):
        assert finding.level == "problem"
        assert re.search(said, finding.sentence), finding.sentence


@pytest.mark.parametrize("name", ["twin", "ada"])
async def test_what_does_not_fit_is_said_to_people_without_its_reason(hub: Hub, directory: LdapServer, name: str) -> None:
    with pytest.raises(Unavailable, match="“University account” is not set up right") as raised:
        await hub.sign_in(name, PASSWORDS.get(name, "twin"), url=directory.url, **SEARCHED, id_attribute="telexNumber")
    assert "ldap://" not in str(raised.value)


async def test_a_directory_that_is_away_or_silent_is_said_and_holds_up_nobody(
    hub: Hub, directory: LdapServer, store: Store, settings: Settings
) -> None:
    hub.settings = settings.model_copy(update={"login_attempts": 1})
    with socket.create_server(("127.0.0.1", 0), backlog=64) as silent:
        silent_url = f"ldap://127.0.0.1:{silent.getsockname()[1]}"
        of: dict[str, Any] = {**SEARCHED, "time_limit": "1s"}
        began = time.monotonic()
        asked = [asyncio.create_task(hub.sign_in("ada", url=silent_url, **of)) for _ in range(12)]
        await asyncio.sleep(0)
        quick = await hub.sign_in("grace", url=directory.url, **SEARCHED, make_people=True, address="192.0.2.9")
        assert quick.name == "grace"
        answers = await asyncio.gather(*asked, return_exceptions=True)
        assert [str(each) for each in answers if isinstance(each, Unavailable)] == [
            "The directory of “University account” does not answer. Try again in a minute, or sign in another way."
        ] * len([each for each in answers if not isinstance(each, TooManyAttempts)])
        assert time.monotonic() - began < 30
    with pytest.raises(Unavailable, match="does not answer"):  # it was no wrong password: nobody has to wait
        await hub.sign_in("ada", url=silent_url, **of)
    with pytest.raises(NotSignedIn, match=WRONG):
        await hub.sign_in("ada", "wrong", url=directory.url, **SEARCHED)
    with pytest.raises(TooManyAttempts):
        await hub.sign_in("ada", url=directory.url, **SEARCHED)


async def test_wrong_passwords_count_together_with_those_of_other_ways(
    hub: Hub, directory: LdapServer, settings: Settings
) -> None:
    hub.settings = settings.model_copy(update={"login_attempts": 1})
    with pytest.raises(NotSignedIn, match=WRONG):
        await hub.sign_in("ada", "wrong", url=directory.url, **SEARCHED)
    with pytest.raises(TooManyAttempts):
        await Authenticator(hub.store, hub.settings, ways=hub.ways).sign_in(
            "password", {"name": "ada", "password": "x"}, address="192.0.2.7", now=hub.now
        )


async def test_it_is_off_until_the_settings_name_a_directory(settings: Settings, store: Store, noon: datetime) -> None:
    way = ways_to_sign_in()["ldap"]
    assert not way.forms(settings)
    with pytest.raises(NotSignedIn, match="There is no directory called ''"):
        await Authenticator(store, settings, ways=ways_to_sign_in()).sign_in("ldap", {}, address=None, now=noon)
