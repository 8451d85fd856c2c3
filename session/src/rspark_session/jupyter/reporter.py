"""Reports to the agent, as it changes, what goes on in this server: a person's last activity, and which kernels compute."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from rspark_session.jupyter.messages import Activity, Processes, Report

_ACTIVITY_INTERVAL = 1.0  # seconds; typing is reported once in this time, and once more when it stops
_DEBOUNCE = 0.25  # seconds that something must go on to be reported: completing a word isn't computing


class ActivityReporter:
    """Sends `Activity` and `Processes`. It looks when something may have changed, never on a clock."""

    def __init__(self, send: Callable[[Report], None]) -> None:
        self._send = send
        self._observe: Callable[[], Awaitable[Processes]] | None = None
        self._sent: Processes | None = None
        self._activity: datetime | None = None
        self._activity_timer: asyncio.TimerHandle | None = None
        self._observe_timer: asyncio.TimerHandle | None = None

    def start(self, observe: Callable[[], Awaitable[Processes]]) -> None:
        """Report what `observe` returns from now on: at once, and whenever `changed` is called."""
        self._observe = observe
        self.changed()

    def activity(self) -> None:
        """Report that a person did something."""
        self._activity = datetime.now(UTC)
        if self._activity_timer is None:
            self._send_activity()
            self._activity_timer = asyncio.get_running_loop().call_later(_ACTIVITY_INTERVAL, self._activity_interval_over)

    def changed(self) -> None:
        """Look soon: a kernel or a terminal came, went, or changed its state."""
        if self._observe_timer is None:
            self._observe_timer = asyncio.get_running_loop().call_later(_DEBOUNCE, self._look)

    def _send_activity(self) -> None:
        if self._activity is not None:
            self._send(Activity(self._activity))
            self._activity = None

    def _activity_interval_over(self) -> None:
        self._activity_timer = None
        self._send_activity()

    def _look(self) -> None:
        self._observe_timer = None
        self._sending = asyncio.ensure_future(self._send_processes())

    async def _send_processes(self) -> None:
        if self._observe is None:
            return
        processes = await self._observe()
        if processes != self._sent:
            self._sent = processes
            self._send(processes)
