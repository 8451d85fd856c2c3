"""The session's data services over HTTP, under `rc2/api/connections`."""

import json
import os
from pathlib import Path
from typing import Any

from tornado import web

from rspark_session.rc2 import protocol
from rspark_session.rc2.connections import postgres, rows, spark
from rspark_session.rc2.handlers import RoomHandler
from rspark_session.rc2.refusal import Refusal
from rspark_session.rc2.room import Room

_POSTGRES_PATH = 3  # database, schema, table
_SPARK_PATH = 2


class List(RoomHandler):
    """The services that the session has."""

    @web.authenticated
    def get(self) -> None:
        """Answer with them."""
        found = [postgres.connection()] if postgres.is_there() else []
        self.answer(protocol.Connections(connections=(*found, *spark.connections(self.room), *_named_only())))


class Catalog(RoomHandler):
    """What is at a place in a catalog."""

    @web.authenticated
    async def post(self) -> None:
        """Answer with it."""
        request = self.body(protocol.CatalogRequest)
        if request.service == "postgres":
            self.answer(await postgres.catalog(request.path))
        else:
            self.answer(await spark.catalog(self.room, request.console, request.path))


class PageOfRows(RoomHandler):
    """Rows of a table."""

    @web.authenticated
    async def post(self) -> None:
        """Answer with them."""
        request = self.body(protocol.RowsRequest)
        self.room.activity()
        if len(request.path) != (_POSTGRES_PATH if request.service == "postgres" else _SPARK_PATH):
            raise Refusal("This is no table.")
        self.answer(await (rows.page(request) if request.service == "postgres" else spark.page(self.room, request)))


def _named_only() -> list[protocol.Connection]:
    """Return the services that have no tables."""
    found = []
    if access := os.environ.get("RSPARK_HDFS"):
        about = _read(Path(access))
        found.append(
            protocol.Connection(service="hdfs", title="HDFS", address=about.get("url", ""), account=about.get("home", ""))
        )
    if bucket := os.environ.get("RSPARK_S3_BUCKET"):
        address = os.environ.get("AWS_ENDPOINT_URL", "")
        found.append(protocol.Connection(service="s3", title="Object storage", address=address, account=bucket))
    return found


def _read(access: Path) -> dict[str, str]:
    """Return where HDFS is; nothing where it isn't written."""
    try:
        about: dict[str, str] = json.loads(access.read_bytes())
    except (OSError, ValueError):
        return {}
    return about


def handlers(room: Room) -> list[tuple[str, type[RoomHandler], dict[str, Any]]]:
    """Return the handlers by their addresses."""
    found: dict[str, type[RoomHandler]] = {
        r"/rc2/api/connections": List,
        r"/rc2/api/connections/catalog": Catalog,
        r"/rc2/api/connections/page": PageOfRows,
    }
    return [(path, handler, {"room": room}) for path, handler in found.items()]
