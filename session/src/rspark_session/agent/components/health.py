"""Waiting until a component is healthy: on what it shows, never for a time."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from rspark_contract import reading
from rspark_contract.reading import JsonObject, Unreadable
from rspark_session.proxy.fetch import fetch

_MOST_BYTES = 2**16  # of an endpoint
_read_endpoint = reading.json_object()
_FIRST, _LONGEST = 0.01, 0.25  # seconds between two looks; it grows while nothing happens


async def until_ready(ready: Mapping[str, str]) -> JsonObject | None:
    """Wait until the component is healthy; return its endpoint, where it shows one. Without a condition it is healthy at once.

    `{"file": path}` is healthy when the file holds a JSON object, `{"http": url}` when it answers below 500, and
    `{"tcp": "host:port"}` when it accepts.
    """
    pause, endpoint = _FIRST, None
    for kind, where in ready.items():
        while True:
            healthy, found = await _look(kind, where)
            if healthy:
                endpoint = found or endpoint
                break
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, _LONGEST)
    return endpoint


def forget(ready: Mapping[str, str]) -> None:
    """Delete what a component left that has ended, by which the next one would seem healthy at once."""
    if "file" in ready:
        Path(ready["file"]).unlink(missing_ok=True)


async def _look(kind: str, where: str) -> tuple[bool, JsonObject | None]:
    if kind == "file":
        return _file(Path(where))
    if kind == "tcp":
        host, _, port = where.rpartition(":")
        return await accepts(host, int(port)), None
    if kind == "http":
        return await _answers(where), None
    raise ValueError(f"nothing is known of being ready by {kind!r}")


def _file(path: Path) -> tuple[bool, JsonObject | None]:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError:
        return False, None
    try:
        return True, _read_endpoint(reading.decode(text, most=_MOST_BYTES))
    except Unreadable:  # an empty file or another sign; that it is there is enough
        return True, None


async def accepts(host: str, port: int) -> bool:
    """Return whether somebody listens there."""
    try:
        async with asyncio.timeout(5):
            _, writer = await asyncio.open_connection(host, port)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True


async def _answers(url: str) -> bool:
    parts = urlsplit(url)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    answer = await fetch(parts.hostname or "127.0.0.1", parts.port or 80, path)
    return answer is not None and answer[0] < 500
