"""Whether the Spark of an ensemble computes in pods of its own: executors that drivers ask for, or workers of its master."""

from rsparkhub.domain.ensemble import EnsembleSpec

SERVICE = "spark"


def asks_for_executors(spec: EnsembleSpec) -> bool:
    """Return whether pods beside that of an ensemble compute for it, executors or workers."""
    return _mode(spec) in {"kubernetes", "standalone"}


def asks_for_workers(spec: EnsembleSpec) -> bool:
    """Return whether those are workers of a master in the ensemble."""
    return _mode(spec) == "standalone"


def _mode(spec: EnsembleSpec) -> object:
    service = spec.service(SERVICE)
    return None if service is None else service.config.get("mode")
