"""What the driver of Spark holds that a console has: asked of its kernel, unseen. It never starts one."""

import os

from rspark_session.rc2 import protocol
from rspark_session.rc2.console import Console
from rspark_session.rc2.room import Room

_LANGUAGES = ("R", "python")


def connections(room: Room) -> list[protocol.Connection]:
    """Return what a client is told of Spark: a connection for each console that may have a driver."""
    if not os.environ.get("SPARK_HOME"):
        return []
    about = {"service": "spark", "address": "", "account": os.environ.get("RSPARK_HIVE", ""), "hive": _has_hive()}
    found = [
        protocol.Connection.model_validate(
            about
            | {
                "title": f"Spark in {_name(console)}",
                "console": console.identity.id,
                "language": console.identity.language.lower(),
            }
        )
        for console in room.consoles
        if console.identity.language in _LANGUAGES and console.state != "ended"
    ]
    return found or [protocol.Connection.model_validate(about | {"title": "Spark"})]


async def catalog(room: Room, console: str | None, path: tuple[str, ...]) -> protocol.Catalog:
    """Return what is at a place; raise `Refusal` when the kernel doesn't say."""
    if console is None:
        return protocol.Catalog(started=False)
    answer = await room.introspection.ask(room.consoles.get(console), {"ask": "spark", "what": "catalog", "path": list(path)})
    return protocol.Catalog.model_validate(answer)


async def page(room: Room, request: protocol.RowsRequest) -> protocol.Page:
    """Return rows of a table; raise `Refusal` when the kernel doesn't."""
    question = {"ask": "spark", "what": "page", **request.model_dump(mode="json", exclude={"service", "console"})}
    answer = await room.introspection.ask(room.consoles.get(request.console or ""), question)
    return protocol.Page.model_validate(answer)


def _has_hive() -> bool:
    return bool(os.environ.get("RSPARK_HIVE"))


def _name(console: Console) -> str:
    return "Python" if console.identity.language == "python" else console.identity.language
