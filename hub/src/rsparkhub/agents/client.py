"""Asks agents over HTTP, each at its address and with the secret of its generation.

A session belongs to its person, who may let it answer anything: so no answer is longer than it may be, none takes longer than its
deadline, none is decompressed, and no redirect is followed. Agents are near; no proxy of this machine is between.
"""

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from http import HTTPStatus

import aiohttp
from yarl import URL

from rspark_contract.handout import Handout, HandoutStatus
from rspark_contract.handout import read_status as read_handout_status
from rspark_contract.http import (
    FRESH,
    FRESH_HEADER,
    HANDOUT,
    LOGS,
    LONGEST_MEASUREMENT,
    SECRET_HEADER,
    STATUS,
    Ending,
    ending_path,
    prefer_wait,
)
from rspark_contract.status import MOST_BYTES, AgentStatus, read_status
from rsparkhub.domain.errors import NotFound, Unavailable
from rsparkhub.domain.session import Session

log = logging.getLogger(__name__)

_SECONDS = 2.0  # for an answer, beyond what an agent is asked to wait with it
_CONNECT_SECONDS = 5.0
_LOG_SECONDS = 30.0  # until a log begins; one that is followed may be silent for long after that
_WHOLE_LOG_SECONDS = 120.0  # until one that isn't followed has ended
_IDLE_SECONDS = 30.0  # for which a connection is kept
_LONGEST_ETAG = 100
_PIECE = 64 * 1024
_IDENTITY = {"Accept-Encoding": "identity"}


@dataclass(frozen=True, kw_only=True)
class StatusAnswer:
    """What an agent reports, and the ETag by which it knows that it has reported it."""

    status: AgentStatus
    etag: str | None


class AgentClient:
    """Keeps connections to agents open for the next request, and remembers nothing else. Belongs to one event loop."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def aclose(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def status(self, address: str, secret: str, *, etag: str | None = None, wait: int = 0) -> StatusAnswer | None:
        """Return what an agent reports.

        Parameters
        ----------
        address, secret
            Where it listens (`host:port`), and the secret of its generation.
        etag
            What it reported last time, if anything: then it answers only with another report.
        wait
            Seconds that the agent may wait for another report.

        Returns
        -------
        StatusAnswer or None
            None when it doesn't answer in time, when that is no report, or when there is no other report.
        """
        headers = {} if etag is None else {"If-None-Match": etag, "Prefer": prefer_wait(wait)}
        answer = await self._ask("GET", address, STATUS, secret, headers, seconds=_SECONDS + wait)
        if answer is None:
            return None
        body, found = answer
        status = read_status(body)
        return StatusAnswer(status=status, etag=found) if status is not None else None

    async def computing(self, session: Session) -> tuple[str, ...] | None:
        """Return what computes in a session now, which may have no name; None when nothing does.

        A row is some seconds old: where it says that something computes, the agent is asked to measure anew. Of one that doesn't
        answer, what the row says holds.
        """
        if not session.busy:
            return None
        if session.upstream is None:
            return session.busy_with
        secret, seconds = session.secret or "", _SECONDS + LONGEST_MEASUREMENT
        answer = await self._ask("GET", session.upstream, STATUS, secret, {FRESH_HEADER: FRESH}, seconds=seconds)
        status = read_status(answer[0]) if answer is not None else None
        if status is None:
            return session.busy_with
        return status.busy_with if status.busy else None

    async def end(self, address: str, secret: str, ending: Ending) -> bool:
        """Ask an agent to end; return whether it accepted. To ask twice is the same as to ask once."""
        return await self._ask("POST", address, ending_path(ending), secret, {}, seconds=_SECONDS) is not None

    async def begin_handout(self, address: str, secret: str, handout: Handout) -> HandoutStatus | None:
        """Ask an agent to bring a handout, unless it does; return how far it is, and None where the agent doesn't take it."""
        body = json.dumps(handout.to_json()).encode()
        return _handout(await self._ask("POST", address, HANDOUT, secret, {}, seconds=_SECONDS, body=body))

    async def handout(self, address: str, secret: str, id: str) -> HandoutStatus | None:  # noqa: A002  the contract's name
        """Return how far a handout is; None where the agent knows none by this id, or doesn't answer."""
        return _handout(await self._ask("GET", address, f"{HANDOUT}?id={id}", secret, {}, seconds=_SECONDS))

    async def log(self, address: str, secret: str, component: str, *, tail: int, follow: bool) -> AsyncGenerator[bytes, None]:
        """Return the log of a component: its last `tail` bytes, and with `follow` what is written from then on.

        The agent is asked before this returns, so that an error is raised before an answer has begun.

        Raises
        ------
        NotFound
            When there is no such component.
        Unavailable
            When the agent doesn't answer.
        """
        query = {"service": component, "tail": str(tail)} | ({"follow": "1"} if follow else {})
        timeout = aiohttp.ClientTimeout(connect=_CONNECT_SECONDS, total=None if follow else _WHOLE_LOG_SECONDS)
        try:
            async with asyncio.timeout(_LOG_SECONDS):  # until the answer's head is there, however slowly it comes
                response = await self._open().get(
                    _url(address, LOGS).with_query(query),
                    headers={SECRET_HEADER: secret, **_IDENTITY},
                    timeout=timeout,
                    allow_redirects=False,
                )
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            raise Unavailable("The session does not answer, so its log can't be read now. Try again.") from error
        if response.status != HTTPStatus.OK:
            response.close()
            if response.status == HTTPStatus.NOT_FOUND:
                raise NotFound(f"The session has no log of {component!r}.")
            raise Unavailable(f"The session refused to give its log (status {response.status}). Try again.")
        return _pieces(response, address, most=None if follow else tail)

    async def _ask(
        self,
        method: str,
        address: str,
        path: str,
        secret: str,
        headers: Mapping[str, str],
        *,
        seconds: float,
        body: bytes | None = None,
    ) -> tuple[bytes, str | None] | None:
        """Return the body and the ETag of an answer; None when it is no success, too long, or doesn't come in time.

        A connection that the agent closed meanwhile is opened anew, once: every request to an agent may be made again.
        """
        headers = {SECRET_HEADER: secret, **_IDENTITY, **headers}
        try:
            async with asyncio.timeout(seconds):
                try:
                    return await self._request(method, _url(address, path), headers, body)
                except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError, ConnectionError):
                    return await self._request(method, _url(address, path), headers, body)
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError):
            return None

    async def _request(
        self, method: str, url: URL, headers: Mapping[str, str], sent: bytes | None
    ) -> tuple[bytes, str | None] | None:
        async with self._open().request(method, url, headers=headers, data=sent, allow_redirects=False) as response:
            if not response.ok or response.status >= HTTPStatus.MULTIPLE_CHOICES:
                return None
            body = bytearray()
            async for piece in response.content.iter_any():
                body += piece
                if len(body) > MOST_BYTES:
                    response.close()
                    return None
        etag = response.headers.get("ETag", "")
        return bytes(body), etag if 0 < len(etag) <= _LONGEST_ETAG else None

    def _open(self) -> aiohttp.ClientSession:
        """Return the session with its connections; make it inside the event loop, at the first request."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                # How many requests there are at a time is for their callers to say, each of whom has a bound.
                connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=_IDLE_SECONDS),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                trust_env=False,
                skip_auto_headers=("User-Agent",),
            )
        return self._session


def _handout(answer: tuple[bytes, str | None] | None) -> HandoutStatus | None:
    return read_handout_status(answer[0]) if answer is not None else None


def _url(address: str, path: str) -> URL:
    """Return the URL of an agent's path; raise ValueError where the address is none."""
    return URL(f"http://{address}{path}", encoded=True)


async def _pieces(response: aiohttp.ClientResponse, address: str, *, most: int | None) -> AsyncGenerator[bytes, None]:
    """Yield what comes, and no more than `most` bytes, whatever the session goes on to send."""
    left = most
    try:
        async for piece in response.content.iter_chunked(_PIECE):
            yield piece if left is None else piece[:left]
            if left is not None:
                left -= len(piece)
                if left <= 0:
                    return
    except (aiohttp.ClientError, OSError, TimeoutError) as error:  # the session ended, and its log with it
        log.info("The log of the session at %s ended: %s", address, error)
    finally:
        response.close()
