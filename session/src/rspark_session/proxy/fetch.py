"""Asking something on this machine a small question over HTTP: for health, for Spark, for HDFS."""

import asyncio
import contextlib
import ssl
from collections.abc import Iterable

_MOST = 2**22


async def fetch(
    host: str,
    port: int,
    path: str,
    *,
    method: str = "GET",
    seconds: float = 5.0,
    headers: Iterable[tuple[bytes, bytes]] = (),
    tls: ssl.SSLContext | None = None,
) -> tuple[int, bytes] | None:
    """Return status and body of a request without a body; None when nobody answers in time.

    HTTP/1.0, so that the answer's body needs no decoding. With `tls` the host must show a certificate of `localhost`.
    """
    try:
        async with asyncio.timeout(seconds):
            reader, writer = await asyncio.open_connection(
                host, port, limit=_MOST, ssl=tls, server_hostname="localhost" if tls else None
            )
            try:
                lines = [f"{method} {path} HTTP/1.0".encode(), f"Host: {host}:{port}".encode(), b"Accept: application/json, */*"]
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
