"""Sign-in by LDAP through the running product: two directories' worth of settings on a real slapd, and one that is away."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import yaml

from tests.installation import Installation, free_port
from tests.ldap_server import GROUPS, HUB, HUB_PASSWORD, PASSWORDS, PEOPLE, LdapServer

pytestmark = pytest.mark.timeout(300)


@dataclass(frozen=True)
class Place:
    hub: Installation
    directory: LdapServer


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A whole installation whose people are in a directory, found in two ways."""
    folder = tmp_path_factory.mktemp("ldap")
    data = folder / "data"
    data.mkdir(mode=0o700)
    with LdapServer(folder / "slapd") as directory:
        searched = {"base": PEOPLE, "bind_dn": HUB, "groups_base": GROUPS, "make_people": True, "make_groups": True}
        ldap = {
            "university": {
                **searched, "title": "University account", "url": directory.tls_url, "ca_file": str(directory.authority),
            },
            "staff": {
                "title": "Staff", "url": directory.url, "dn_template": f"uid={{name}},{PEOPLE}", "filter": "(employeeType=staff)",
            },
            "away": {**searched, "title": "Away", "url": f"ldap://127.0.0.1:{free_port()}", "bind_password": "x"},
        }  # fmt: skip
        (data / "settings.yaml").write_text(yaml.safe_dump({"sign_in": {"ldap": ldap}}, sort_keys=False))
        hub = Installation(data, environ={"RSPARKHUB_SIGN_IN__LDAP__UNIVERSITY__BIND_PASSWORD": HUB_PASSWORD})
        with hub:
            yield Place(hub, directory)


@pytest.fixture
def browser(place: Place) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=place.hub.url, timeout=60, headers={"Origin": place.hub.url}) as client:
        yield client


def sign_in(browser: httpx.Client, name: str, password: str | None = None, *, at: str = "ldap:university") -> httpx.Response:
    body = {"way": at, "name": name, "password": PASSWORDS[name] if password is None else password}
    return browser.post("/hub/api/login", json=body)


def test_the_sign_in_page_offers_each_directory_by_its_title(browser: httpx.Client) -> None:
    ways = browser.get("/hub/api/login").json()
    assert [(way["name"], way["title"], way["fields"]) for way in ways] == [
        ("ldap:university", "University account", ["name", "password"]),
        ("ldap:staff", "Staff", ["name", "password"]),
        ("ldap:away", "Away", ["name", "password"]),
        ("password", "Name and password", ["name", "password"]),
    ]


def test_a_person_of_the_directory_signs_in_over_tls_and_is_in_its_groups(place: Place, browser: httpx.Client) -> None:
    answer = sign_in(browser, "ada")
    assert answer.status_code == 200, answer.text
    me = browser.get("/hub/api/me").json()
    assert (me["name"], me["admin"], me["groups"]) == ("ada", False, ["lab", "students"])
    with place.hub.client() as admin:
        texts = [event["text"] for event in admin.get("/hub/api/audit").json()["events"]]
    assert "ada signs in at university." in texts


@pytest.mark.parametrize(
    ("at", "name", "password", "status", "says"),
    [
        ("ldap:university", "ada", "wrong", 401, "is wrong"),
        ("ldap:university", "*)(uid=*", "x", 401, "is wrong"),
        ("ldap:university", "root", PASSWORDS["root"], 401, "has your name already"),
        ("ldap:staff", "locked", PASSWORDS["locked"], 401, "not one that signs in here"),
        ("ldap:staff", "grace", PASSWORDS["grace"], 401, "no account here yet"),
        ("ldap:away", "ada", PASSWORDS["ada"], 503, "“Away” does not answer. Try again in a minute"),
        ("ldap:nowhere", "ada", "x", 404, "Choose one of ldap:university, ldap:staff, ldap:away, password"),
        ("ldap", "ada", "x", 404, "Choose one of"),
        ("password", "ada", PASSWORDS["ada"], 401, "is wrong"),
        ("ldap:university", "ada", "", 422, ""),
    ],
)
def test_who_is_not_let_in_is_told_why_in_a_sentence(
    browser: httpx.Client, at: str, name: str, password: str, status: int, says: str
) -> None:
    answer = sign_in(browser, name, password, at=at)
    assert answer.status_code == status, answer.text
    assert says in answer.json()["detail"]
    assert browser.get("/hub/api/me").status_code == 401


def test_doctor_says_which_directory_does_not_answer(place: Place) -> None:
    said = place.hub.command("doctor").stdout
    lines = {line.split("  ")[0].strip("✓✗! "): line for line in said.splitlines() if "ldap " in line}
    assert "answers" in lines["ldap university"]
    assert "answers" in lines["ldap staff"]
    assert "does not answer" in lines["ldap away"]


def test_neither_passwords_nor_the_hubs_own_stand_in_a_log(place: Place, browser: httpx.Client) -> None:
    assert sign_in(browser, "ada").status_code == 200
    logs = [path.read_text(errors="replace") for path in Path(place.hub.data).rglob("*.log")]
    logs.append(place.hub.data.with_suffix(".up.log").read_text(errors="replace"))
    assert not [log for log in logs if HUB_PASSWORD in log or PASSWORDS["ada"] in log]


def test_settings_that_would_send_passwords_in_clear_start_nothing(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    ldap = {"uni": {"title": "University", "url": "ldap://ldap.uni.example", "base": PEOPLE}}
    (data / "settings.yaml").write_text(yaml.safe_dump({"sign_in": {"ldap": ldap}}))
    done = Installation(data).command("doctor")
    assert done.returncode == 4
    assert "sign_in.ldap.uni" in done.stderr
    assert "without encryption" in done.stderr
