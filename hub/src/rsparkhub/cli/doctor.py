"""`rsparkhub doctor`: what is wrong with this installation, and how to mend it."""

import asyncio
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import typer

from rsparkhub.cli.output import AsJson

if TYPE_CHECKING:
    from rsparkhub.domain.finding import Finding
    from rsparkhub.factory import Factory
    from rsparkhub.settings import Settings

_MARKS = {"ok": ("✓", "green"), "warning": ("!", "yellow"), "problem": ("✗", "red")}


def add_to(app: typer.Typer) -> None:
    app.command(rich_help_panel="This machine")(doctor)


def doctor(as_json: AsJson = False) -> None:
    """Check this installation: each point is fine, a warning, or a problem with the way to mend it.

    The exit code is 4 when there is a problem.
    """
    from rsparkhub.cli.exit_codes import ExitCode
    from rsparkhub.cli.output import console, print_json, printable
    from rsparkhub.installed.settings import load_settings

    findings = asyncio.run(_look(load_settings()))
    if as_json:
        print_json({"findings": [asdict(finding) for finding in findings]})
    else:
        screen = console()
        for finding in findings:
            mark, colour = _MARKS[finding.level]
            screen.print(f"[{colour}]{mark}[/] {finding.name:<16} ", end="")
            screen.print(printable(finding.sentence), markup=False)
    if any(finding.level == "problem" for finding in findings):
        raise typer.Exit(ExitCode.INSTALLATION)


async def _look(settings: "Settings") -> "list[Finding]":
    from rsparkhub.domain.errors import RsparkhubError
    from rsparkhub.domain.finding import problem
    from rsparkhub.factory import Factory
    from rsparkhub.installation.checks import examine

    findings = await examine(settings)
    if settings.store_url is None and not (settings.data / "rsparkhub.sqlite").exists():  # and none is made
        return findings
    try:
        async with Factory(settings) as factory:
            return [*findings, *await _look_inside(factory)]
    except RsparkhubError as error:
        return [*findings, problem("database", str(error), "")]


async def _look_inside(factory: "Factory") -> "list[Finding]":
    """Look at what is kept and what runs, whether they agree."""
    from rsparkhub.domain.finding import ok, problem, warning
    from rsparkhub.domain.session import LIVE, State

    counts = await factory.store.sessions.counts()
    findings = [ok("database", f"The database is of this version; sessions: {sum(counts.values())}.")]
    problems = factory.catalog.problems()
    names = ", ".join(environment.name for environment in factory.catalog.list())
    if problems:
        findings.append(problem("catalog", "\n".join(problems), ""))
    elif names:
        findings.append(ok("catalog", f"Environments: {names}."))
    else:
        findings.append(problem("catalog", "There is no environment.", "See the setting environments."))
    findings.append(await _look_for_stuck(factory))
    live: set[str] = set()
    for kind in ("session", "service"):
        rows = await factory.store.sessions.list(kind=kind, states=[*LIVE, State.QUEUED], with_deleted=True)
        live |= {row.id for row in rows}
    leaked = []
    for ref in await factory.backend.list():
        if ref.id not in live and (await factory.backend.observe(ref)).phase in {"starting", "up", "ending"}:
            leaked.append(ref.id)
    if leaked:
        findings.append(warning("leftovers", f"Wanted by nobody, and runs: {', '.join(leaked)}.", "`rsparkhub down` ends it."))
    else:
        findings.append(ok("leftovers", "Nothing runs that is not wanted."))
    return findings


async def _look_for_stuck(factory: "Factory") -> "Finding":
    from rsparkhub.domain.finding import ok, warning
    from rsparkhub.domain.session import Wanted
    from rsparkhub.domain.stuck import stuck

    rows = [row for kind in ("session", "service") for row in await factory.store.sessions.list(kind=kind, with_deleted=True)]
    deleted_at = await factory.store.sessions.deleted_at([row.id for row in rows if row.wanted is Wanted.DELETED])
    now = datetime.now(UTC)
    found = [(row, stuck(row, now=now, deleted_at=deleted_at.get(row.id))) for row in rows]
    lines = [f"{row.id} of {row.owner or row.name}: {each.text}" for row, each in found if each is not None]
    damaged = [f"{row.id} of {row.owner or row.name}: {row.reason}" for row in rows if row.damaged]
    if lines or damaged:
        return warning("sessions", "\n".join([*lines, *damaged]), "Look at the log of the controller.")
    return ok("sessions", "No session has long been under way.")
