"""From which Git addresses links may bring files."""

from collections.abc import Iterable
from urllib.parse import SplitResult, urlsplit

_PORTS = {"https": 443, "http": 80}


def allows(sources: Iterable[str], address: str) -> bool:
    """Return whether an address is one of the sources, or below one; without any source each is."""
    sources = tuple(sources)
    if not sources:
        return True
    try:
        return any(_is_below(urlsplit(address), urlsplit(source)) for source in sources)
    except ValueError:  # a port that there can't be
        return False


def _is_below(asked: SplitResult, source: SplitResult) -> bool:
    if (asked.scheme, asked.hostname, _port(asked)) != (source.scheme, source.hostname, _port(source)):
        return False
    folder = source.path.rstrip("/")
    return asked.path in (folder, f"{folder}.git") or asked.path.startswith(f"{folder}/")


def _port(address: SplitResult) -> int | None:
    return address.port or _PORTS.get(address.scheme)
