"""Asks agents, over the pods' network: the address from the API server, the secret from the root of the generation."""

import asyncio
from typing import Any

import httpx

_SECONDS = 2.0


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
            said = answer.json()
        except ValueError:
            return None
        return said if isinstance(said, dict) else None

    async def tell(self, address: str, secret: str, what: str) -> bool:
        """Tell it to `suspend` or to `stop`; whether it heard."""
        return await self._ask("POST", address, what, secret) is not None

    async def _ask(self, method: str, address: str, what: str, secret: str) -> httpx.Response | None:
        if self._client is None:
            # Pods answer by themselves: no proxy of this machine is between, and no redirect of theirs is followed.
            limits = httpx.Limits(max_connections=64, max_keepalive_connections=32)
            self._client = httpx.AsyncClient(trust_env=False, follow_redirects=False, timeout=_SECONDS, limits=limits)
        try:
            async with asyncio.timeout(_SECONDS):
                answer = await self._client.request(method, f"http://{address}/agent/{what}", headers={"X-Rspark-Secret": secret})
        except (httpx.HTTPError, OSError, TimeoutError):
            return None
        return answer if answer.is_success else None
