"""Apache Spark: the driver is in the session, started by the first call in R or Python."""

import math
from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field

from rspark_contract.reading import JsonObject
from rsparkhub.domain.environment import Resources, Scope, ServiceOptions
from rsparkhub.domain.quantity import ByteSize
from rsparkhub.domain.requirements import Requirements
from rsparkhub.services.base import Account, Service, SessionConfig

#: What a backend offers on which a driver may ask for executors of its own.
EXECUTORS = "spark-executors"


class SparkOptions(ServiceOptions):
    mode: Literal["local", "kubernetes"] = Field(default="local", description="Where Spark computes.")
    workers: int = Field(default=1, ge=0, le=1000, description="Executors at the start; `local` has none.")
    max: int = Field(default=1, ge=0, le=1000, description="Executors at the most.")
    memory: ByteSize = Field(default=ByteSize(2**30), description="Memory of the driver, or of each executor.")


class Spark(Service[SparkOptions]):
    name = "spark"
    title = "Spark"
    description = "Apache Spark."
    Options = SparkOptions
    scopes: ClassVar[Mapping[Scope, str]] = {"session": "each session has drivers of its own"}
    requires = Requirements(python=("pyspark",), r=("rspark",), java=17)

    def capabilities(self, options: SparkOptions) -> Mapping[str, str]:
        return {"mode": EXECUTORS} if options.mode == "kubernetes" else {}

    def session_config(
        self,
        options: SparkOptions,
        *,
        resources: Resources,
        endpoint: JsonObject | None = None,
        account: Account | None = None,
    ) -> SessionConfig:
        """Return where it computes, memory in bytes, and the cores of the session, one at least.

        The memory is the driver's in local mode, in which it computes itself, and else each executor's.
        """
        config: JsonObject = {
            "mode": options.mode,
            "memory": int(options.memory),
            "cores": max(1, math.floor(resources.cpu)),
        }
        if options.mode != "local":
            config |= {"workers": options.workers, "max": max(options.max, options.workers)}
        return SessionConfig(config=config)


SERVICE = Spark
