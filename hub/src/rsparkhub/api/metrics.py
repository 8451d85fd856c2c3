"""What Prometheus asks: how many sessions are in which state, how they start and end, how fast the hub answers."""

import time
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rsparkhub.api.history import Counters
from rsparkhub.domain.session import State

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """The measures of one app. Those of sessions are the same on each hub of a store: take one hub's, never the sum."""

    def __init__(self, *, counters: Counters) -> None:
        self._registry = CollectorRegistry()
        self._sessions = _SessionMeasures(counters)
        self._registry.register(self._sessions)
        self._durations = Histogram(
            "rsparkhub_http_request_duration_seconds",
            "Time until an answer began.",
            ("method", "route", "status"),
            registry=self._registry,
        )

    def answered(self, *, method: str, route: str, status: int, seconds: float) -> None:
        """Note one answer."""
        self._durations.labels(method, route, str(status)).observe(seconds)

    def text(self, counts: dict[State, int]) -> bytes:
        """Give all measures in Prometheus' text format."""
        self._sessions.counts = counts
        return generate_latest(self._registry)


class _SessionMeasures(Collector):
    def __init__(self, counters: Counters) -> None:
        self._tally = counters
        self.counts: dict[State, int] = {}

    def collect(self) -> Iterator[Metric]:
        sessions = GaugeMetricFamily("rsparkhub_sessions", "Sessions, by state.", labels=["state"])
        for state, count in self.counts.items():
            sessions.add_metric([state.value], count)
        yield sessions
        yield CounterMetricFamily("rsparkhub_session_starts", "Starts that began.", value=self._tally.starts)
        yield CounterMetricFamily("rsparkhub_session_failures", "Sessions that failed.", value=self._tally.failures)
        ends = CounterMetricFamily("rsparkhub_session_ends", "Runs that ended, by exit code.", labels=["code"])
        for code, count in self._tally.ends.items():
            ends.add_metric([code], count)
        yield ends


class MetricsMiddleware:
    """Measures how long each answer takes to begin; a stream is not measured to its end."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics) -> None:
        self._app = app
        self._measures = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()

        async def watch(message: Message) -> None:
            if message["type"] == "http.response.start":
                route = getattr(scope.get("route"), "path", "none")
                seconds = time.perf_counter() - began
                self._measures.answered(method=_known(scope["method"]), route=route, status=message["status"], seconds=seconds)
            await send(message)

        await self._app(scope, receive, watch)


def _known(method: str) -> str:
    """Give the method, or `other` for one that a stranger made up: labels must stay few."""
    return method if method in {"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"} else "other"
