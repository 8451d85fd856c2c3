"""Asks agents, over the pods' network: the address from the API server, the secret from the root of the generation."""

import asyncio
from dataclasses import dataclass

import httpx

from rspark_contract.http import SECRET_HEADER, STATUS, Ending, ending_path, prefer_wait
from rspark_contract.status import AgentStatus, read_status

_SECONDS = 2.0
#: A status is some kilobytes; a session is its person's, who may let it say anything.
_MOST_BYTES = 256 * 1024
_LONGEST_MARK = 100


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What an agent said of itself, and by which mark it knows that it said so."""

    status: AgentStatus
    mark: str | None


class Agents:
    """Asks, and remembers nothing but the connections."""

    def __init__(self) -> None:
        self._client: httpx.AsyncClient | None = None

    async def status(self, address: str, secret: str, *, known: str | None = None, seconds: int = 0) -> Answer | None:
        """Give what an agent says of itself; given what is known, as soon as it says something else (`Prefer`, RFC 7240).

        None when it doesn't answer, when that is no status, or when it has nothing else to say within so many seconds.
        """
        headers = {SECRET_HEADER: secret}
        if known is not None:
            headers |= {"If-None-Match": known, "Prefer": prefer_wait(seconds)}
        said = await self._ask("GET", f"http://{address}{STATUS}", headers, _SECONDS + seconds)
        if said is None:
            return None
        body, mark = said
        status = read_status(body)
        return Answer(status=status, mark=mark) if status is not None else None

    async def tell(self, address: str, secret: str, what: Ending) -> bool:
        """Tell it to `suspend` or to `stop`; whether it heard."""
        return await self._ask("POST", f"http://{address}{ending_path(what)}", {SECRET_HEADER: secret}, _SECONDS) is not None

    async def _ask(self, method: str, url: str, headers: dict[str, str], seconds: float) -> tuple[bytes, str | None] | None:
        if self._client is None:
            # Pods answer by themselves: no proxy of this machine is between, and no redirect of theirs is followed.
            limits = httpx.Limits(max_connections=128, max_keepalive_connections=32)
            patience = httpx.Timeout(_SECONDS, read=None)  # for the answer as long as each call says
            self._client = httpx.AsyncClient(trust_env=False, follow_redirects=False, timeout=patience, limits=limits)
        said, headers = b"", {"Accept-Encoding": "identity", **headers}
        try:
            async with asyncio.timeout(seconds), self._client.stream(method, url, headers=headers) as answer:
                if not answer.is_success:
                    return None
                async for piece in answer.aiter_raw():  # as it came: what is packed small may be large
                    said += piece
                    if len(said) > _MOST_BYTES:
                        return None
        except (httpx.HTTPError, OSError, TimeoutError):
            return None
        mark = answer.headers.get("etag", "")
        return said, mark if 0 < len(mark) <= _LONGEST_MARK else None
