"""Whether drivers of Spark in an ensemble compute in pods of their own."""

from rsparkhub.domain.ensemble import EnsembleSpec

SERVICE = "spark"


def asks_for_executors(spec: EnsembleSpec) -> bool:
    """Return whether drivers of an ensemble compute in pods of their own."""
    service = spec.service(SERVICE)
    return service is not None and service.config.get("mode") == "kubernetes"
