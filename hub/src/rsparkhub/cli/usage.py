"""`rsparkhub usage`: who ran what, for how long."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from rsparkhub.cli.output import AsJson


def add_to(app: typer.Typer) -> None:
    app.command()(usage)


def usage(
    days: Annotated[int, typer.Option(min=1, help="How many days to look back.")] = 30,
    everybody: Annotated[bool, typer.Option("--all", help="Everybody's; for administrators.")] = False,
    sessions: Annotated[bool, typer.Option("--sessions", help="Session by session.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show what was used, in hours of running."""
    from rsparkhub.cli.access import ask
    from rsparkhub.cli.output import print_json, print_table

    since = datetime.now(UTC) - timedelta(days=days)
    used = ask(lambda hub: hub.records.usage(since=since, everybody=everybody))
    if as_json:
        print_json(used.model_dump(mode="json"))
    elif sessions:
        rows = ([u.owner, u.session, u.environment, u.starts, _hours(u.seconds)] for u in used.sessions)
        print_table(["PERSON", "SESSION", "ENVIRONMENT", "STARTS", "HOURS"], rows, empty=f"Nothing ran in the last {days} days.")
    else:
        rows = ([u.owner, u.sessions, u.starts, _hours(u.seconds)] for u in used.people)
        print_table(["PERSON", "SESSIONS", "STARTS", "HOURS"], rows, empty=f"Nothing ran in the last {days} days.")


def _hours(seconds: float) -> str:
    return f"{seconds / 3600:.1f}"
