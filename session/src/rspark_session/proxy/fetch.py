"""Asking something on this machine a small question over HTTP, for health and for Spark."""

import asyncio
import contextlib
from collections.abc import Iterable

_MOST = 2**22


async def fetch(
    host: str, port: int, path: str, *, seconds: float = 5.0, headers: Iterable[tuple[bytes, bytes]] = ()
) -> tuple[int, bytes] | None:
    """Return status and body of a GET; None when nobody answers in time. HTTP/1.0, so that the body needs no decoding."""
    try:
        async with asyncio.timeout(seconds):
            reader, writer = await asyncio.open_connection(host, port, limit=_MOST)
            try:
                lines = [f"GET {path} HTTP/1.0".encode(), f"Host: {host}:{port}".encode(), b"Accept: application/json, */*"]
                lines += [b": ".join(header) for header in headers]
                writer.write(b"\r\n".join(lines) + b"\r\n\r\n")
                head = await reader.readuntil(b"\r\n\r\n")
                body = await reader.read(_MOST)
                while more := await reader.read(_MOST):
                    body += more
            finally:
                writer.close()
                with contextlib.suppress(OSError):
                    await writer.wait_closed()
    except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        return None
    words = head.split(None, 2)
    return (int(words[1]), body) if len(words) > 1 and words[1].isdigit() else None
