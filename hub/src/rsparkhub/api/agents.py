"""The agents of running sessions, as far as the API speaks with them: their logs."""

import logging
from collections.abc import AsyncGenerator

import httpx

from rsparkhub.domain.errors import NotFound, Unavailable
from rsparkhub.domain.session import Session

log = logging.getLogger(__name__)

_TIMEOUT = httpx.Timeout(5.0, read=30.0)
_FOLLOWING = httpx.Timeout(5.0, read=None)  # a log that is followed may be silent for long


class Agents:
    """Asks agents over HTTP, each with the secret of its generation."""

    def __init__(self, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        # Agents are near: no proxy of the surroundings, and as many connections as people read logs.
        self._client = httpx.AsyncClient(
            transport=transport,
            trust_env=False,
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=20),
        )

    async def log(self, session: Session, service: str, *, tail: int, follow: bool) -> AsyncGenerator[bytes, None]:
        """Return a part's log: the last `tail` bytes, and with `follow` what is written from then on.

        The agent is asked before this returns, so that an error is said before an answer has begun.

        Raises
        ------
        NotFound
            When there is no such part.
        Unavailable
            When the agent doesn't answer.
        """
        params = {"service": service, "tail": str(tail), **({"follow": "1"} if follow else {})}
        request = self._client.build_request(
            "GET",
            f"http://{session.upstream}/agent/logs",
            params=params,
            headers={"X-Rspark-Secret": session.secret or ""},
            timeout=_FOLLOWING if follow else _TIMEOUT,
        )
        try:
            response = await self._client.send(request, stream=True)
        except httpx.HTTPError as error:
            raise Unavailable(f"The session does not answer, so its log can't be read now ({error}). Try again.") from error
        if response.status_code != httpx.codes.OK:
            await response.aclose()
            if response.status_code == httpx.codes.NOT_FOUND:
                raise NotFound(f"The session has no log of {service!r}.")
            raise Unavailable(f"The session refused to give its log (status {response.status_code}). Try again.")
        return _body(response, session)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()


async def _body(response: httpx.Response, session: Session) -> AsyncGenerator[bytes, None]:
    try:
        async for chunk in response.aiter_raw():
            yield chunk
    except httpx.HTTPError as error:  # the session ended, and its log with it
        log.info("the log of session %s ended: %s", session.id, error)
    finally:
        await response.aclose()
