"""What Prometheus asks: how many sessions are in which state, how they start and end, how fast the hub answers."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

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
        """Return all measures in Prometheus' text format."""
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
