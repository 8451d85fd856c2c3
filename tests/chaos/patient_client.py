"""Asks the API as a program does that knows that hubs are restarted: it tries again, with the same key."""

import asyncio
import time
from typing import Any

import httpx

PATIENCE = 120.0  # seconds
_AGAIN = {502, 503, 504}


class PatientClient:
    """The one way in. Whatever is asked may be asked again: a session is made once for each key."""

    def __init__(self, address: str, token: str) -> None:
        self.address = address
        self.headers = {"Authorization": f"Bearer {token}"}
        self._client = httpx.AsyncClient(base_url=address, headers=self.headers, timeout=20)
        self.tries = 0
        self.refused = 0

    async def close(self) -> None:
        await self._client.aclose()

    async def ask(self, method: str, path: str, *, key: str | None = None, body: object = None) -> Any:
        """Ask until there is an answer; JSON, or None for an answer without a body.

        Raises
        ------
        TimeoutError
            When nobody answered for all our patience.
        RuntimeError
            When the answer is a refusal, which no trying again would change.
        """
        deadline = time.monotonic() + PATIENCE
        headers = {"Idempotency-Key": key} if key else {}
        while True:
            self.tries += 1
            try:
                answer = await self._client.request(method, f"/hub/api{path}", json=body, headers=headers)
            except httpx.TransportError as error:
                problem = repr(error)
            else:
                if answer.status_code not in _AGAIN:
                    if answer.is_error:
                        raise RuntimeError(f"{method} {path}: {answer.status_code} {answer.text}")
                    return answer.json() if answer.content else None
                problem = f"{answer.status_code} {answer.text[:200]}"
            self.refused += 1
            if time.monotonic() > deadline:
                raise TimeoutError(f"{method} {path} had no answer for {PATIENCE:.0f} s: {problem}")
            await asyncio.sleep(0.2)

    async def session(self, session_id: str) -> dict[str, Any]:
        found: dict[str, Any] = await self.ask("GET", f"/sessions/{session_id}")
        return found
