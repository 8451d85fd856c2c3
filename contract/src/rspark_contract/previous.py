"""What version 1 wrote and reads, as far as it differs: to be removed with the version after this one.

Version 1 knew of one service that needs more than environment variables, Spark, and told of it in a member `spark` of the
document. Shared services were seen by their variables alone.
"""

from collections.abc import Iterator, Mapping

from rspark_contract import reading
from rspark_contract.reading import Fields, JsonObject

_SPARK = "spark"
_CONFIG = reading.json_object(depth=8, values=4096, letters=2**16)
_ENVIRON = reading.mapping(reading.verbatim(2**16), most=256)


def members_of_services(configs: Mapping[str, JsonObject]) -> JsonObject:
    """Return the members by which an agent of version 1 knows of services."""
    return {"spark": configs.get(_SPARK)}


def services_of(document: Fields) -> Iterator[tuple[str, str, JsonObject]]:
    """Yield name, title and configuration of each service that a document of version 1 asks for."""
    if "PGHOST" in document.get("environ", _ENVIRON, {}):
        yield "postgres", "PostgreSQL", {}
    spark = document.get(_SPARK, _CONFIG, None)
    if spark is not None:
        yield _SPARK, "Spark", spark
