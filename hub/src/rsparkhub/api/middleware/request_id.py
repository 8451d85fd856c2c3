"""Each request has an id: in the log's lines about it, in the answer's `X-Request-Id`, and in the sentence of an error."""

import secrets

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rsparkhub import log_context


class RequestIdMiddleware:
    """Makes the id. One that a client sends is not taken over: it could be another request's."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = secrets.token_hex(4)

        async def add(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["X-Request-Id"] = request_id
            await send(message)

        with log_context.bound(request=request_id):
            await self._app(scope, receive, add)
