"""What Prometheus asks: how many sessions are in which state, how they start and end, how fast the hub answers."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from rsparkhub.domain.session import State
from rsparkhub.domain.usage import RunCounts

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """The measures of one app. Those of sessions are the same on each hub of a store: take one hub's, never the sum."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._sessions = _SessionMeasures()
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

    def text(self, counts: dict[State, int], runs: RunCounts) -> bytes:
        """Return all measures in Prometheus' text format."""
        self._sessions.counts, self._sessions.runs = counts, runs
        return generate_latest(self._registry)


class _SessionMeasures(Collector):
    def __init__(self) -> None:
        self.counts: dict[State, int] = {}
        self.runs = RunCounts(starts=0, failures=0, ends={})

    def collect(self) -> Iterator[Metric]:
        sessions = GaugeMetricFamily("rsparkhub_sessions", "Sessions, by state.", labels=["state"])
        for state, count in self.counts.items():
            sessions.add_metric([state.value], count)
        yield sessions
        yield CounterMetricFamily("rsparkhub_session_starts", "Starts that began.", value=self.runs.starts)
        yield CounterMetricFamily("rsparkhub_session_failures", "Sessions that failed.", value=self.runs.failures)
        ends = CounterMetricFamily("rsparkhub_session_ends", "Runs that ended, by exit code.", labels=["code"])
        for code, count in self.runs.ends.items():
            ends.add_metric([code], count)
        yield ends
