"""The client of a service's steward (`rspark_session.services.steward`): HTTPS with one secret."""

import asyncio
import http.client
import json
import shutil
import ssl
from http import HTTPStatus
from pathlib import Path

from rspark_contract import reading
from rspark_contract.reading import Fields, JsonObject, Unreadable
from rsparkhub.domain.errors import InvalidInput, Unavailable

_SECONDS = 60.0
#: In which something must be heard of a long answer.
_LONGEST_SECONDS = 1800.0
_MOST_BYTES = 2**24


class StewardClient:
    """Requests to the steward that an endpoint of the service `title` names. Each raises `Unavailable` when it can't be done."""

    def __init__(self, endpoint: JsonObject, title: str) -> None:
        self._endpoint = endpoint
        self._title = title

    @property
    def unreadable(self) -> str:
        """What is said of an answer that isn't as expected."""
        return f"{self._title} answered what can't be read."

    async def ask(self, method: str, path: str, body: JsonObject | None = None) -> Fields:
        """Return the JSON object of an answer."""
        return await asyncio.to_thread(self._request, method, path, body)

    async def download(self, path: str, file: Path) -> None:
        """Write what is at a path into a file, whole or not at all; nothing where there is nothing."""
        await asyncio.to_thread(self._download, path, file)

    async def upload(self, file: Path, path: str) -> None:
        """Send a file, a backup; raise `InvalidInput` when it is none."""
        await asyncio.to_thread(self._upload, file, path)

    def _request(self, method: str, path: str, body: JsonObject | None) -> Fields:
        connection = self._connection()
        try:
            connection.request(method, path, None if body is None else json.dumps(body), self._headers())
            answer = connection.getresponse()
            try:
                fields = Fields(reading.decode(answer.read(_MOST_BYTES + 1), most=_MOST_BYTES))
                if answer.status != HTTPStatus.OK:
                    said = fields.get("problem", reading.text(), f"it answered {answer.status}")
                    raise Unavailable(f"{self._title} could not do it: {said}")
            except Unreadable as problem:
                raise Unavailable(self.unreadable) from problem
            return fields
        except (OSError, http.client.HTTPException) as problem:
            raise Unavailable(f"{self._title} does not answer at the moment.") from problem
        finally:
            connection.close()

    def _download(self, path: str, file: Path) -> None:
        connection = self._connection(seconds=_LONGEST_SECONDS)
        fresh = file.with_name(f".{file.name}.new")
        failed = f"{self._title} could not be written into {file.name}"
        try:
            connection.request("GET", path, None, self._headers())
            answer = connection.getresponse()
            if answer.status == HTTPStatus.NOT_FOUND:
                return
            if answer.status != HTTPStatus.OK:
                raise Unavailable(f"{failed}: it answered {answer.status}.")
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            fresh.touch(mode=0o600)
            with fresh.open("wb") as written:
                shutil.copyfileobj(answer, written)
            fresh.replace(file)
        except (OSError, http.client.HTTPException) as problem:  # an answer that ends too soon among them
            raise Unavailable(f"{failed}: {problem or type(problem).__name__}") from problem
        finally:
            fresh.unlink(missing_ok=True)
            connection.close()

    def _upload(self, file: Path, path: str) -> None:
        connection = self._connection(seconds=_LONGEST_SECONDS)
        try:
            with file.open("rb") as content:
                headers = {**self._headers(), "Content-Length": str(file.stat().st_size)}
                connection.request("PUT", path, content, headers)
                answer = connection.getresponse()
            said = Fields(reading.decode(answer.read(_MOST_BYTES), most=_MOST_BYTES)).get("problem", reading.text(), "")
            if answer.status == HTTPStatus.UNPROCESSABLE_ENTITY:
                raise InvalidInput(said)
            if answer.status != HTTPStatus.OK:
                raise Unavailable(f"{self._title} could not be restored: {said}")
        except FileNotFoundError as problem:
            raise InvalidInput(f"There is no backup of {self._title} in {file.parent}.") from problem
        except (OSError, http.client.HTTPException, Unreadable) as problem:
            raise Unavailable(f"{self._title} could not be restored: {problem or type(problem).__name__}") from problem
        finally:
            connection.close()

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._endpoint['secret']}"}

    def _connection(self, seconds: float = _SECONDS) -> http.client.HTTPSConnection:
        endpoint = self._endpoint
        context = ssl.create_default_context(cadata=str(endpoint["certificate"]))
        return http.client.HTTPSConnection(str(endpoint["host"]), int(str(endpoint["steward"])), context=context, timeout=seconds)
