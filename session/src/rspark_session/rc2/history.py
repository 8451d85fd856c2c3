"""What the log has of a console's past: the code that was executed, and the plots with the code that made them."""

import json
from typing import Any

from rspark_session.rc2 import protocol
from rspark_session.rc2.event_log import EventLog

_QUEUED, _PLOT = b'"type":"execution_queued"', b'"type":"plot"'
_MOST_PLOTS = 1000


def executed(log: EventLog, console: str, *, search: str, before: int, count: int) -> protocol.History:
    """Return the code that a console has executed, newest first, whose text has all of `search`, from before a number."""
    found: list[tuple[int, protocol.HistoryEntry]] = []
    wanted = search.casefold()
    for line in log.all():
        if _QUEUED not in line:
            continue
        event = json.loads(line)
        if event["type"] != "execution_queued" or event["console"] != console or event["seq"] >= before:
            continue
        if wanted in event["code"].casefold():
            found.append((event["seq"], _entry(event)))
    newest = found[: -count - 1 : -1]
    more = len(found) > len(newest)
    return protocol.History(entries=tuple(entry for _, entry in newest), next_before=newest[-1][0] if more else None)


def plots(log: EventLog, console: str) -> protocol.Plots:
    """Return the newest plots of a console, oldest first."""
    asked: dict[str, dict[str, Any]] = {}
    found: list[protocol.PlotEntry] = []
    for line in log.all():
        if _QUEUED not in line and _PLOT not in line:
            continue
        event = json.loads(line)
        if event.get("console") != console:
            continue
        if event["type"] == "execution_queued":
            asked[event["execution"]] = event
        elif event["type"] == "plot":
            queued = asked.get(event["execution"], {})
            found.append(
                protocol.PlotEntry(
                    seq=event["seq"],
                    execution=event["execution"],
                    plot=event["plot"],
                    time=event["time"],
                    code=queued.get("code", ""),
                    source=queued.get("source"),
                )
            )
    return protocol.Plots(plots=tuple(found[-_MOST_PLOTS:]))


def _entry(event: dict[str, Any]) -> protocol.HistoryEntry:
    return protocol.HistoryEntry(execution=event["execution"], time=event["time"], who=event["who"], code=event["code"])
