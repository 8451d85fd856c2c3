"""`rsparkhub audit`: who did what."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from rsparkhub.cli.output import AsJson
from rsparkhub.domain.event import EventKind

if TYPE_CHECKING:
    from rsparkhub.client import AsyncHub
    from rsparkhub.wire.record import EventView


def add_to(app: typer.Typer) -> None:
    app.command()(audit)


def audit(
    person: Annotated[str | None, typer.Option(help="Who did it, or whose session or account it is about.")] = None,
    session: Annotated[str | None, typer.Option(help="A session's id, or its name.")] = None,
    kind: Annotated[EventKind | None, typer.Option(help="Of this kind alone.")] = None,
    days: Annotated[int | None, typer.Option(min=1, max=100_000, help="How many days to look back; all by default.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1_000_000, help="How many at most.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Show what happened, newest first: to sessions, to people, sign-ins, and visits to others' sessions. For administrators."""
    from rsparkhub.cli.access import ask
    from rsparkhub.cli.output import print_json, print_table

    since = None if days is None else datetime.now(UTC) - timedelta(days=days)

    async def work(hub: "AsyncHub") -> "list[EventView]":
        found: list[EventView] = []
        events = hub.records.audit(person=person, session=session, kinds=None if kind is None else [kind], since=since)
        async for event in events:
            found.append(event)
            if len(found) == limit:
                break
        await events.aclose()
        return found

    events = ask(work)
    if as_json:
        print_json([event.model_dump(mode="json") for event in events])
        return
    rows = ([_moment(event.at), event.by or "", event.owner or "", event.session or "", event.text] for event in events)
    print_table(["WHEN", "WHO", "WHOSE", "SESSION", "WHAT"], rows, empty="Nothing like this happened.")


def _moment(at: datetime) -> str:
    return f"{at.astimezone():%Y-%m-%d %H:%M:%S}"
