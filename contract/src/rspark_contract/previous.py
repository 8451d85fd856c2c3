"""What version 1 wrote and reads, as far as it differs: to be removed with the version after this one.

Version 1 knew of one service that needs more than environment variables, Spark, and told of it in a member `spark` of the
document. Shared services were seen by their variables alone.
"""

from collections.abc import Iterator, Mapping

from rspark_contract.reading import JsonObject

_SPARK = "spark"


def members_of_services(configs: Mapping[str, JsonObject]) -> JsonObject:
    """Return the members by which an agent of version 1 knows of services."""
    return {"spark": configs.get(_SPARK)}


def services_of(spark: JsonObject | None, environ: Mapping[str, str]) -> Iterator[tuple[str, str, JsonObject]]:
    """Yield name, title and configuration of each service that a document of version 1 asks for."""
    if "PGHOST" in environ:
        yield "postgres", "PostgreSQL", {}
    if spark is not None:
        yield _SPARK, "Spark", spark
