"""Which host names are known: one table, by which the Python side decides here and the edge in its own tests."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from rsparkhub.settings import Settings, known_hosts
from rsparkhub.settings.known_hosts import KnownHosts

SESSION = "kq4wz7m2xb"
KNOWN = ["localhost:8000", "localhost", "LOCALHOST:8000", "127.0.0.1:8000", "127.0.0.1", "[::1]:8000", "[::1]"]
KNOWN_SESSIONS = [f"{SESSION}.localhost:8000", f"{SESSION}.localhost", f"{SESSION.upper()}.LocalHost:8000"]
UNKNOWN = [
    "", "*", "evil.example", "evil.example:8000", "localhost.", "localhost.:8000", "localhost:", "localhost:8001", "localhost:80",
    "localhost:8000:8000", "localhost:08000", "localhost:080000", "user@localhost:8000", "localhost:8000@evil.example",
    "localhost:8000/", "localhost:8000#", "localhost:8000\\", " localhost:8000", "localhost,evil.example",
    "localhost evil.example",
    f"x.{SESSION}.localhost:8000", f"{SESSION}.localhost.:8000", f"{SESSION}.localhost:1", f"{SESSION}.evil.example",
    f"{SESSION}..localhost", f".{SESSION}.localhost", f"{SESSION}x.localhost:8000", "x.localhost:8000", "1q4wz7m2xb.localhost",
    "hub.localhost", "localhost.evil.example", f"{SESSION}.127.0.0.1:8000", "127.0.0.1.", "127.1:8000", "2130706433:8000",
    "0x7f000001", "127.0.0.2:8000", "0.0.0.0:8000", "10.0.0.1:8000", "::1", "[::1", "[::1]]", "[0:0:0:0:0:0:0:1]:8000",
    "[::ffff:127.0.0.1]:8000", "[::1%25lo]:8000", "[v1.x]", "localhost:\uff18000", "\uff4cocalhost",
    "xn--localhost-:8000", "localhost\x00", "\u212aq4wz7m2xb.localhost",
]  # fmt: skip


def hosts(**settings: Any) -> KnownHosts:
    return known_hosts(Settings.model_validate(settings))


@pytest.mark.parametrize("host", KNOWN + KNOWN_SESSIONS)
def test_localhost_and_its_sessions_are_known(host: str) -> None:
    assert hosts().knows(host)


@pytest.mark.parametrize("host", UNKNOWN)
def test_every_other_name_is_not(host: str) -> None:
    assert not hosts().knows(host)


def test_the_public_name_is_known_with_its_own_port_and_without_one() -> None:
    known = hosts(public_url="https://lab.example.org", session_origin="subdomain")
    assert [
        known.knows(f"{name}{port}") for name in ("lab.example.org", f"{SESSION}.lab.example.org") for port in ("", ":443")
    ] == ([True] * 4)
    for host in (
        "lab.example.org:8000",
        "lab.example.org:80",
        f"x.{SESSION}.lab.example.org",
        "example.org",
        "www.lab.example.org",
    ):
        assert not known.knows(host)
    assert known.knows("localhost:8000")
    assert not known.knows(f"{SESSION}.localhost:8000")


def test_by_a_path_no_session_has_a_host() -> None:
    assert not hosts(session_origin="path").knows(f"{SESSION}.localhost:8000")


def test_names_that_an_administrator_adds_are_known() -> None:
    known = hosts(host_names="lab, gate.example:9000 [fd00::7]:8443")
    assert [known.knows(host) for host in ("lab", "lab:1234", "Lab:80", "gate.example:9000", "[fd00::7]:8443")] == [True] * 5
    assert not known.knows("gate.example:9001")
    assert not known.knows("x.lab")


@pytest.mark.parametrize("name", ["http://lab", "lab/", "a b.c/", "lab:99999999", "läb", "*", "*.lab"])
def test_a_setting_that_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(ValidationError):
        hosts(host_names=(name,))


def test_this_machine_s_own_addresses_are_known_where_it_listens_to_others() -> None:
    def at(host: str) -> KnownHosts:
        known = hosts(host=host)
        return KnownHosts(
            names=known.names, session_domains=known.session_domains, own_ports=known.own_ports,
            addresses=lambda: ["192.0.2.7", "[2001:db8::7]"],
        )  # fmt: skip

    for host in ("192.0.2.7:8000", "192.0.2.7", "[2001:db8::7]:8000"):
        assert at("0.0.0.0").knows(host)
        assert not at("127.0.0.1").knows(host)
    for host in ("192.0.2.8:8000", "192.0.2.7:8001", "[2001:db8:0::7]:8000"):
        assert not at("0.0.0.0").knows(host)
    assert hosts(host="192.0.2.7").knows("192.0.2.7:8000")


def test_the_machine_s_name_is_known_where_it_listens_to_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "Lab7.example.org")
    known = hosts(host="0.0.0.0")
    assert [known.knows(host) for host in ("lab7.example.org:8000", "lab7:8000", "lab7.local:8000")] == [True] * 3
    assert not hosts().knows("lab7:8000")


def test_the_edge_s_own_tests_have_the_same_table() -> None:
    """Go reads it from a file; so neither side learns of a case that the other doesn't."""
    file = Path(__file__).parents[2] / "edge/internal/knownhosts/testdata/hosts.json"
    assert json.loads(file.read_text()) == {"known": KNOWN + KNOWN_SESSIONS, "unknown": UNKNOWN}
