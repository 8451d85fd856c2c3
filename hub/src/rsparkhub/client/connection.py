"""One connection to a hub: calls that give typed answers, or the error that the hub told."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Final, Self, TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from rsparkhub.client.errors import error_of
from rsparkhub.domain.errors import Unavailable

T = TypeVar("T", bound=BaseModel)
#: Sent as null, where a call takes that for something else than what is left out.
NULL: Final = object()
#: What is sent, by field; None is not sent, and `NULL` is null. It is the hub that checks it, so that what is wrong is
#: always told alike.
Body = Mapping[str, Any]

_PIECE = 256 * 1024
_PATIENCE = 10.0  # seconds to try an idempotent call again while the hub restarts behind its edge


class Connection:
    """Speaks HTTP with one hub.

    Parameters
    ----------
    url
        Where people open the hub, such as `http://localhost:8000`.
    token
        An API token, sent with each call.
    transport
        How requests travel, where it is not the network.
    timeout
        Seconds that an answer may take.
    """

    def __init__(
        self,
        url: str,
        *,
        token: str | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        timeout: float = 30.0,
    ) -> None:
        self.url = url.rstrip("/").removesuffix("/hub")
        self._timeout = timeout
        self._client = httpx.AsyncClient(base_url=f"{self.url}/hub/api", transport=transport, timeout=timeout)
        self.sign(token)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._client.aclose()

    def sign(self, token: str | None) -> None:
        """Send this token from now on; with None, none."""
        self._client.headers.pop("Authorization", None)
        if token is not None:
            self._client.headers["Authorization"] = f"Bearer {token}"

    async def ask(
        self,
        answer: type[T],
        method: str,
        path: str,
        *,
        body: Body | None = None,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        again: bool = False,
    ) -> T:
        """Call, and read the answer. `again` says that the call may be done twice, should the hub restart meanwhile."""
        return self._read(answer, await self._send(self._request(method, path, body, params, headers), again=again))

    async def tell(
        self, method: str, path: str, *, body: Body | None = None, params: Mapping[str, Any] | None = None, again: bool = False
    ) -> None:
        """Call, where there is no answer to read."""
        await self._send(self._request(method, path, body, params, None), again=again)

    async def send_file(self, answer: type[T], method: str, path: str, file: Path, *, params: Mapping[str, Any]) -> T:
        """Send a file as it is, piece by piece, and read the answer."""
        size = (await asyncio.to_thread(file.stat)).st_size
        headers = {"Content-Length": str(size), "Content-Type": "application/octet-stream"}
        request = self._client.build_request(method, path, content=_pieces(file), params=params, headers=headers)
        return self._read(answer, await self._send(request, again=False))

    async def save(self, path: str, file: Path) -> None:
        """Write an answer into a file, which is there when it is whole."""
        aside = file.with_name(f".{file.name}.part")
        try:
            async with self.open(path, silence=self._timeout) as response:
                with aside.open("wb") as into, self._reached():
                    async for piece in response.aiter_bytes():
                        into.write(piece)
            aside.replace(file)
        finally:
            aside.unlink(missing_ok=True)

    @asynccontextmanager
    async def open(
        self,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        silence: float | None = None,
    ) -> AsyncIterator[httpx.Response]:
        """Open a stream; `silence` is how many seconds it may say nothing."""
        request = self._request("GET", path, None, params, headers)
        request.extensions["timeout"] = httpx.Timeout(self._timeout, read=silence).as_dict()
        with self._reached():
            response = await self._client.send(request, stream=True)
            try:
                if response.is_error:
                    await response.aread()
                    raise error_of(response)
                yield response
            finally:
                await response.aclose()

    def _read(self, answer: type[T], response: httpx.Response) -> T:
        try:
            return answer.model_validate_json(response.content)
        except ValidationError as error:
            raise Unavailable(
                f"What answers at {self.url} is not an RSparkHub that this client understands. "
                "Check the address; update whichever of the two is older."
            ) from error

    def _request(
        self,
        method: str,
        path: str,
        body: Body | None,
        params: Mapping[str, Any] | None,
        headers: Mapping[str, str] | None,
    ) -> httpx.Request:
        said = {name: value for name, value in (params or {}).items() if value is not None}
        sent = {name: None if value is NULL else value for name, value in (body or {}).items() if value is not None}
        content = None if body is None else json.dumps(sent)
        kind = {} if body is None else {"Content-Type": "application/json"}
        return self._client.build_request(method, path, content=content, params=said, headers={**kind, **(headers or {})})

    async def _send(self, request: httpx.Request, *, again: bool) -> httpx.Response:
        loop = asyncio.get_running_loop()
        deadline, pause = loop.time() + (_PATIENCE if again else 0.0), 0.1
        while True:
            try:
                with self._reached():
                    response = await self._client.send(request)
                if response.is_error:
                    raise error_of(response)
            except Unavailable as error:
                nobody_there = isinstance(error.__cause__, httpx.ConnectError)  # not even the edge: it doesn't restart
                if nobody_there or loop.time() + pause > deadline:
                    raise
                await asyncio.sleep(pause)
                pause = min(2 * pause, 1.0)
            else:
                return response

    @contextmanager
    def _reached(self) -> Iterator[None]:
        try:
            yield
        except httpx.ConnectError as error:
            raise Unavailable(
                f"There is no RSparkHub at {self.url}. Start it with `rsparkhub up`, or check the address."
            ) from error
        except httpx.TimeoutException as error:
            raise Unavailable(f"RSparkHub at {self.url} does not answer in time. Try again.") from error
        except httpx.TransportError as error:
            raise Unavailable(f"The connection to RSparkHub at {self.url} was lost. Try again.") from error


async def _pieces(file: Path) -> AsyncIterator[bytes]:
    with file.open("rb") as content:
        while piece := content.read(_PIECE):
            yield piece
