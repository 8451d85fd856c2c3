"""By which host names people reach this installation. The edge and the hub answer a request for no other.

A page of a stranger may have its own name lead to this machine (DNS rebinding), and a proxy may pass on any name: what is
answered under such a name would be that name's to read. So there is a list, and 421 (RFC 9110, section 15.5.20) for the rest.

`edge/internal/knownhosts` decides by the same rules, in Go.
"""

import re
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from ipaddress import ip_address

import psutil

from rsparkhub.domain.session import MADE_ID
from rsparkhub.settings.hub import Settings

#: A name with any port.
ANY = "*"
_HOST = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?)(?::(?P<port>[0-9]{1,5}))?")
_ENTRY = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?)(?::(?P<port>[0-9]{1,5}|\*))?")
_LABEL = re.compile(rf"({MADE_ID})\.(.+)")
_DEFAULT_PORTS = {"http": "80", "https": "443"}
_LOOPBACK = ("localhost", "127.0.0.1", "[::1]")


def own_addresses() -> frozenset[str]:
    """Return the addresses of this machine's interfaces, as they stand in a Host header."""
    found = set()
    for addresses in psutil.net_if_addrs().values():
        for address in addresses:
            if address.family == socket.AF_INET:
                found.add(address.address)
            elif address.family == socket.AF_INET6 and "%" not in address.address:
                found.add(f"[{ip_address(address.address).compressed}]")
    return frozenset(found)


@dataclass(frozen=True, kw_only=True)
class KnownHosts:
    """The names that are answered, each with its ports.

    A name is also known without a port, as some proxies pass it on. `session_domains` are the names under which a session has a
    host of its own, ID.NAME. `own_ports` are the ports of this machine's own addresses; none where it listens to itself alone.
    """

    names: dict[str, frozenset[str]]
    session_domains: dict[str, frozenset[str]]
    own_ports: frozenset[str]
    addresses: Callable[[], Iterable[str]] = field(default=own_addresses, compare=False)

    def knows(self, host: str) -> bool:
        """Return whether a Host header names this installation, or a session of it."""
        match = _HOST.fullmatch(host.lower()) if host.isascii() else None  # some other letters become ASCII in lower case
        if match is None:
            return False
        name, port = match["name"], match["port"]
        if _has(self.names, name, port):
            return True
        label = _LABEL.fullmatch(name)
        if label is not None:
            return _has(self.session_domains, label[2], port)
        if not self.own_ports or (port is not None and not self.own_ports & {port, ANY}):
            return False
        return _is_address(name) and name in set(self.addresses())


def known_hosts(settings: Settings, *, port: int | None = None) -> KnownHosts:
    """Return the names by which people reach an installation; `port` is the one that the edge listens on, where it is known."""
    listens_on = port or settings.port
    own = frozenset({str(listens_on) if listens_on else ANY})
    names = dict.fromkeys(_LOOPBACK, own)
    beyond_loopback = not _is_loopback(settings.host)
    if beyond_loopback:
        for name in _own_names():
            names.setdefault(name, own)
    if settings.host not in {"0.0.0.0", "::"}:  # noqa: S104  a comparison
        names.setdefault(_as_host(settings.host), own)
    public = settings.public_url
    if public is not None and public.host:
        port_of_public = str(public.port or _DEFAULT_PORTS[public.scheme])
        name = public.host.lower()
        names[name] = names.get(name, frozenset()) | {port_of_public}
    for entry in settings.host_names:
        match = _ENTRY.fullmatch(entry)
        assert match is not None  # the setting was checked
        names[match["name"]] = names.get(match["name"], frozenset()) | {match["port"] or ANY}
    domain = settings.session_domain
    domains = {domain: names.get(domain, own)} if domain is not None else {}
    return KnownHosts(names=names, session_domains=domains, own_ports=own if beyond_loopback else frozenset())


def _own_names() -> Iterable[str]:
    name = socket.gethostname().lower()
    if _HOST.fullmatch(name) and ":" not in name:
        yield name
        short = name.partition(".")[0]
        yield short
        yield f"{short}.local"  # as it is found without DNS (RFC 6762)


def _has(names: dict[str, frozenset[str]], name: str, port: str | None) -> bool:
    ports = names.get(name)
    return ports is not None and (port is None or bool(ports & {port, ANY}))


def _is_address(name: str) -> bool:
    try:
        ip_address(name.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    return True


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _as_host(host: str) -> str:
    return f"[{host.lower()}]" if ":" in host else host.lower()
