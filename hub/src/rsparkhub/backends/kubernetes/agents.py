"""Asks agents, over the pods' network: the address from the API server, the secret from the root of the generation."""

import asyncio
import json
from typing import Any

import httpx

_SECONDS = 2.0
#: A status is some kilobytes; a session is its person's, who may let it say anything.
_MOST_BYTES = 256 * 1024


class Agents:
    """Asks, and remembers nothing but the connections."""

    def __init__(self) -> None:
        self._client: httpx.AsyncClient | None = None

    async def status(self, address: str, secret: str) -> dict[str, Any] | None:
        """Give what an agent says of itself; None when it doesn't answer, or with what is no status."""
        answer = await self._ask("GET", address, "status", secret)
        if answer is None:
            return None
        try:
            said = json.loads(answer)
        except (ValueError, RecursionError):
            return None
        return said if isinstance(said, dict) else None

    async def tell(self, address: str, secret: str, what: str) -> bool:
        """Tell it to `suspend` or to `stop`; whether it heard."""
        return await self._ask("POST", address, what, secret) is not None

    async def _ask(self, method: str, address: str, what: str, secret: str) -> bytes | None:
        if self._client is None:
            # Pods answer by themselves: no proxy of this machine is between, and no redirect of theirs is followed.
            limits = httpx.Limits(max_connections=64, max_keepalive_connections=32)
            self._client = httpx.AsyncClient(trust_env=False, follow_redirects=False, timeout=_SECONDS, limits=limits)
        said, headers = b"", {"X-Rspark-Secret": secret, "Accept-Encoding": "identity"}
        try:
            async with (
                asyncio.timeout(_SECONDS),
                self._client.stream(method, f"http://{address}/agent/{what}", headers=headers) as answer,
            ):
                if not answer.is_success:
                    return None
                async for piece in answer.aiter_raw():  # as it came: what is packed small may be large
                    said += piece
                    if len(said) > _MOST_BYTES:
                        return None
        except (httpx.HTTPError, OSError, TimeoutError):
            return None
        return said
