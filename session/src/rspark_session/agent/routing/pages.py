"""The pages that stand in for an interface that can't be reached."""

from html import escape

from rspark_contract.status import AgentState
from rspark_session.agent.components.report import ComponentReport
from rspark_session.proxy import page

#: The query of a visit that starts again what failed.
AGAIN = "start"


def not_open(state: AgentState) -> bytes:
    """Return the page that says why the interface can't be reached in this state."""
    if state is AgentState.STARTING:
        return page.html("Your session is starting", "<p>It opens here by itself when it is ready.</p>", refresh=1)
    if state is AgentState.READY:
        return page.html("It starts again", "<p>It had ended by itself. It opens here when it is ready.</p>", refresh=1)
    return page.html(
        "Your session has ended or is about to", "<p>What it saved is on your list of sessions; start it from there.</p>"
    )


def starting(report: ComponentReport) -> bytes:
    """Return the page of an interface beside the first that is on its way."""
    return page.html(f"{report.title} is starting", "<p>It opens here by itself when it is ready.</p>", refresh=1)


def not_started(report: ComponentReport, path: str) -> bytes:
    """Return the page of an interface beside the first, at this path, that does not run."""
    again = f'<p><a href="{escape(path)}?{AGAIN}">Start it</a></p>'
    return page.html(f"{report.title} does not run", f"<p>{escape(report.reason or '')}</p>{again}")


NO_ANSWER = page.html("Your session doesn't answer", "<p>Try again in a moment. If it goes on, look at the session's log.</p>")
