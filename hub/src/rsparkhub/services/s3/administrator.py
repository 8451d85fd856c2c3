"""The hub's requests to the object storage: people, keys, and archives of what they hold (`s3/internal/admin`)."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from rspark_contract.reading import JsonObject
from rsparkhub.domain.errors import InvalidInput, Unavailable

_PIECE = 2**20
_SECONDS = 15.0  # of a request that carries no archive
_SILENCE_SECONDS = 60.0  # in an archive


class Administrator:
    """Asks one server; `endpoint` is what the server says of itself. Every method raises `Unavailable` when it doesn't do it."""

    def __init__(self, endpoint: JsonObject) -> None:
        self._url = f"http://{endpoint['host']}:{endpoint['admin_port']}"
        self._headers = {"Authorization": f"Bearer {endpoint['admin']}"}

    async def put_person(self, user: str, *, bucket: str, groups: list[str]) -> None:
        """Add a person with their bucket and those of their groups, or say what is so of one now."""
        await self._change("PUT", f"/people/{user}", {"bucket": bucket, "groups": groups})

    async def close_person(self, user: str) -> None:
        """End all keys of a person, and let them have none; there may be no such person."""
        await self._change("POST", f"/people/{user}/close")

    async def remove_person(self, user: str) -> None:
        """Delete a person with their bucket; there may be no such person."""
        await self._change("DELETE", f"/people/{user}")

    async def put_key(self, key: str, *, person: str, secret: str) -> None:
        """Let a session sign its requests."""
        await self._change("PUT", f"/keys/{key}", {"person": person, "secret": secret})

    async def remove_key(self, key: str) -> None:
        """End a key; there may be none."""
        await self._change("DELETE", f"/keys/{key}")

    async def archive_person(self, user: str, file: Path) -> None:
        """Write a person's bucket into a tar, whole or not at all; none when there is no such person."""
        await self._archive(f"/people/{user}/archive", file)

    async def remove_bucket(self, bucket: str) -> None:
        """Delete a group's bucket; there may be none."""
        await self._change("DELETE", f"/groups/{bucket}")

    async def archive_bucket(self, bucket: str, file: Path) -> None:
        """Write a group's bucket into a tar, whole or not at all; none when there is no such bucket."""
        await self._archive(f"/groups/{bucket}/archive", file)

    async def archive(self, file: Path) -> None:
        """Write all buckets of people and groups into a tar, whole or not at all."""
        await self._archive("/archive", file)

    async def restore(self, file: Path) -> None:
        """Make the buckets what a tar has.

        Raises
        ------
        InvalidInput
            When there is no such file.
        """
        try:
            stream = await asyncio.to_thread(file.open, "rb")
        except FileNotFoundError as error:
            raise InvalidInput("This is no backup of the object storage.") from error
        with stream:
            async with self._request("PUT", "/archive", data=stream, timeout=aiohttp.ClientTimeout(sock_read=None)):
                pass

    async def _change(self, method: str, path: str, body: dict[str, object] | None = None) -> None:
        async with self._request(method, path, json=body, timeout=aiohttp.ClientTimeout(total=_SECONDS)):
            pass

    async def _archive(self, path: str, file: Path) -> None:
        fresh = file.with_name(f".{file.name}.new")
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        timeout = aiohttp.ClientTimeout(sock_read=_SILENCE_SECONDS)
        try:
            async with self._request("GET", path, timeout=timeout) as answer:
                if answer.status == 404:
                    return
                with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
                    async for piece in answer.content.iter_chunked(_PIECE):
                        await asyncio.to_thread(out.write, piece)
                    await asyncio.to_thread(os.fsync, out.fileno())
            fresh.replace(file)
        finally:
            fresh.unlink(missing_ok=True)

    @asynccontextmanager
    async def _request(self, method: str, path: str, **more: Any) -> AsyncIterator[aiohttp.ClientResponse]:
        try:
            async with (
                aiohttp.ClientSession(self._url, headers=self._headers) as session,
                session.request(method, path, **more) as answer,
            ):
                if answer.status >= 400 and answer.status != 404:
                    said = (await answer.text(errors="replace"))[:300].strip()
                    raise Unavailable(f"The object storage refused what was asked: {said}")
                yield answer
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Unavailable(f"The object storage does not answer at the moment: {error or type(error).__name__}.") from error
