"""The client of the steward of HDFS (`rspark_session.services.hdfs.steward`): HTTPS with one secret, no Kerberos."""

import asyncio
import http.client
import json
import shutil
import ssl
from collections.abc import Sequence
from http import HTTPStatus
from pathlib import Path

from rspark_contract import reading
from rspark_contract.reading import Fields, JsonObject, Unreadable
from rsparkhub.domain.errors import InvalidInput, Unavailable
from rsparkhub.services.base import Credential

_SECONDS = 60.0
#: In which something must be heard of a long answer.
_LONGEST_SECONDS = 1800.0
_MOST_BYTES = 2**24
_UNREADABLE = "HDFS answered what can't be read."


class Steward:
    """Requests to the steward that an endpoint of the service names. Each raises `Unavailable` when it can't be done."""

    def __init__(self, endpoint: JsonObject) -> None:
        self._endpoint = endpoint

    async def ensure_home(self, user: str, *, groups: Sequence[str]) -> None:
        """Make a person's home and the folders of their groups, or mend what is there."""
        await self._ask("PUT", f"/accounts/{user}", {"groups": list(groups)})

    async def set_quota(self, user: str, quota: int) -> None:
        """Limit what a person's home takes to so many bytes."""
        await self._ask("PUT", f"/accounts/{user}/quota", {"quota": quota})

    async def close_account(self, user: str) -> None:
        """Cancel all tokens of a person."""
        await self._ask("POST", f"/accounts/{user}/close")

    async def archive_home(self, user: str, file: Path) -> None:
        """Write a person's home as a tar file, whole or not at all; nothing where there is no home."""
        await asyncio.to_thread(self._archive, f"/accounts/{user}/archive", file)

    async def back_up(self, file: Path) -> None:
        """Write what all people have as a tar file, whole or not at all."""
        await asyncio.to_thread(self._archive, "/backup", file)

    async def restore(self, file: Path) -> None:
        """Make the file system hold what a tar file has; raise `InvalidInput` when it is no backup."""
        await asyncio.to_thread(self._restore, file)

    async def remove_home(self, user: str) -> None:
        """Delete a person's home."""
        await self._ask("DELETE", f"/accounts/{user}")

    async def open(self, credential: Credential, user: str) -> str:
        """Return the token of a generation, which is the same however often it is asked for."""
        answer = await self._ask("PUT", _path(credential), {"user": user})
        try:
            return answer.required("token", reading.text(4096))
        except Unreadable as problem:
            raise Unavailable(_UNREADABLE) from problem

    async def renew(self, credential: Credential) -> None:
        """Renew the token of a generation."""
        await self._ask("POST", f"{_path(credential)}/renew")

    async def revoke(self, credential: Credential) -> None:
        """Cancel the token of a generation, if it has one."""
        await self._ask("DELETE", _path(credential))

    async def _ask(self, method: str, path: str, body: JsonObject | None = None) -> Fields:
        return await asyncio.to_thread(self._request, method, path, body)

    def _request(self, method: str, path: str, body: JsonObject | None) -> Fields:
        connection = self._connection()
        try:
            answer = self._send(connection, method, path, body)
            try:
                fields = Fields(reading.decode(answer.read(_MOST_BYTES + 1), most=_MOST_BYTES))
                if answer.status != HTTPStatus.OK:
                    said = fields.get("problem", reading.text(), f"it answered {answer.status}")
                    raise Unavailable(f"HDFS could not do it: {said}")
            except Unreadable as problem:
                raise Unavailable(_UNREADABLE) from problem
            return fields
        except (OSError, http.client.HTTPException) as problem:
            raise Unavailable("HDFS does not answer at the moment.") from problem
        finally:
            connection.close()

    def _archive(self, path: str, file: Path) -> None:
        connection = self._connection(seconds=_LONGEST_SECONDS)
        fresh = file.with_name(f".{file.name}.new")
        try:
            answer = self._send(connection, "GET", path, None)
            if answer.status == HTTPStatus.NOT_FOUND:
                return
            if answer.status != HTTPStatus.OK:
                raise Unavailable(f"HDFS could not be written into {file.name}: it answered {answer.status}.")
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            fresh.touch(mode=0o600)
            with fresh.open("wb") as written:
                shutil.copyfileobj(answer, written)
            fresh.replace(file)
        except (OSError, http.client.HTTPException) as problem:  # an answer that ends too soon among them
            raise Unavailable(f"HDFS could not be written into {file.name}: {problem or type(problem).__name__}") from problem
        finally:
            fresh.unlink(missing_ok=True)
            connection.close()

    def _restore(self, file: Path) -> None:
        connection = self._connection(seconds=_LONGEST_SECONDS)
        try:
            with file.open("rb") as content:
                headers = {**self._headers(), "Content-Length": str(file.stat().st_size)}
                connection.request("PUT", "/backup", content, headers)
                answer = connection.getresponse()
            said = Fields(reading.decode(answer.read(_MOST_BYTES), most=_MOST_BYTES)).get("problem", reading.text(), "")
            if answer.status == HTTPStatus.UNPROCESSABLE_ENTITY:
                raise InvalidInput(said)
            if answer.status != HTTPStatus.OK:
                raise Unavailable(f"HDFS could not be restored: {said}")
        except FileNotFoundError as problem:
            raise InvalidInput(f"There is no backup of HDFS in {file.parent}.") from problem
        except (OSError, http.client.HTTPException, Unreadable) as problem:
            raise Unavailable(f"HDFS could not be restored: {problem or type(problem).__name__}") from problem
        finally:
            connection.close()

    def _send(
        self, connection: http.client.HTTPSConnection, method: str, path: str, body: JsonObject | None
    ) -> http.client.HTTPResponse:
        data = None if body is None else json.dumps(body)
        connection.request(method, path, data, self._headers())
        return connection.getresponse()

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._endpoint['secret']}"}

    def _connection(self, seconds: float = _SECONDS) -> http.client.HTTPSConnection:
        endpoint = self._endpoint
        context = ssl.create_default_context(cadata=str(endpoint["certificate"]))
        return http.client.HTTPSConnection(str(endpoint["host"]), int(str(endpoint["steward"])), context=context, timeout=seconds)


def _path(credential: Credential) -> str:
    return f"/credentials/{credential.session}/{credential.generation}"
