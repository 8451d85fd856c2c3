"""Runs the app: uvicorn, told what is special about the hub."""

import socket

import uvicorn
from fastapi import FastAPI

from rsparkhub.api.bounded_http import HttpBounds, bounded_http, most_connections

_GRACE = 5  # seconds that answers under way have when the hub stops
#: Seconds for which a connection is kept after an answer: longer than the edge keeps its own (`UPSTREAM_IDLE_SECONDS`).
_KEEP_ALIVE = 60


class Server(uvicorn.Server):
    """Serves the app on sockets that the caller bound; ends the streams first when it is to stop, since it waits for them."""

    def __init__(self, app: FastAPI, *, log_level: str = "info", largest_file: int = 0) -> None:
        self._app = app
        super().__init__(
            uvicorn.Config(
                app,
                http=bounded_http(HttpBounds(largest_file=largest_file)),
                limit_concurrency=most_connections(),
                ws="none",  # websockets are for sessions, and the edge takes them there
                log_level=log_level,
                log_config=None,
                access_log=False,  # the edge writes one
                proxy_headers=False,  # `forwarded` does it, and knows whom to believe
                server_header=False,
                timeout_keep_alive=_KEEP_ALIVE,
                timeout_graceful_shutdown=_GRACE,
            )
        )

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the streams, then what else is under way."""
        self._app.state.context.broadcaster.close()
        await super().shutdown(sockets)
