"""Runs the server of a service until it is told to end."""

import signal
import sys
from collections.abc import Callable
from types import FrameType

from rspark_session.services.problem import ServiceProblem

#: How long until an end that was lost is asked for again, in seconds.
_AGAIN = 0.2


class _EndAsked(BaseException):
    """SIGTERM or SIGINT came. Not an Exception, so that nothing on the way takes it for a failure."""


def run_server(serve: Callable[[], None]) -> int:
    """Return the exit code of a server: 0 after an end that was asked for, 1 with a sentence on stderr after a failure."""
    signal.signal(signal.SIGTERM, _end)
    signal.signal(signal.SIGINT, _end)
    try:
        serve()
    except _EndAsked:
        return 0
    except (ServiceProblem, OSError) as problem:
        print(problem, file=sys.stderr)
        return 1
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    return 0


def _end(number: int, _frame: FrameType | None) -> None:
    # Once is enough: a second signal must not interrupt the ending.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Python drops an exception that is raised in some places, such as what logging does after each fork: then it is raised again.
    signal.signal(signal.SIGALRM, _end_where_it_was_lost)
    signal.setitimer(signal.ITIMER_REAL, _AGAIN, _AGAIN)
    raise _EndAsked(number)


def _end_where_it_was_lost(number: int, _frame: FrameType | None) -> None:
    problem = sys.exception()  # of whoever ends something because of it, it is the exception, or what came before that
    while problem is not None:
        if isinstance(problem, _EndAsked):
            return
        problem = problem.__context__
    raise _EndAsked(number)
