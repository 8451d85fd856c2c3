"""Apache Spark: the driver is in the session, started by the first call in R or Python, and so is a master in standalone mode."""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar, Literal

from pydantic import Field

from rspark_contract.reading import JsonObject
from rspark_contract.specs import ComponentSpec
from rsparkhub.domain.environment import Resources, Scope, ServiceOptions
from rsparkhub.domain.quantity import ByteSize
from rsparkhub.domain.requirements import Requirements
from rsparkhub.services.base import Account, Service, SessionConfig

#: What a backend offers on which a driver may ask for executors of its own.
EXECUTORS = "spark-executors"
#: What a backend offers on which a session may have a master and workers: processes in its own share, or pods.
STANDALONE = "spark-standalone"

_CAPABILITIES = {"kubernetes": EXECUTORS, "standalone": STANDALONE}

#: What a session has of Spark before the first call, looked after by one process: ready when the master is, where there is one.
CLUSTER = ComponentSpec(
    name="spark",
    title="Spark",
    command=("{python}", "-m", "rspark_session.services.spark.cluster", "{run}/spark"),
    ready={"tcp": "127.0.0.1:{port:spark-master-pages}"},  # they come after the master's own port, which is elsewhere in a pod
)


class SparkOptions(ServiceOptions):
    mode: Literal["local", "standalone", "kubernetes"] = Field(
        default="local",
        description="Where Spark computes: in the driver; on workers of the session's own master, which are processes beside it "
        "or, on Kubernetes, pods on other nodes where there are some; or in pods that each driver asks for, on Kubernetes alone.",
    )
    workers: int = Field(default=1, ge=0, le=1000, description="Workers or executors at the start; `local` has none.")
    max: int = Field(default=1, ge=0, le=1000, description="Workers or executors at the most.")
    memory: ByteSize = Field(default=ByteSize(2**30), description="Memory of the driver, or of each worker or executor.")
    cores: int = Field(default=1, ge=1, le=1024, description="Cores of each worker of `standalone`.")
    ahead: bool = Field(
        default=False,
        description="Whether a driver starts with the session, so that the first call has it at once; it takes 500 MB.",
    )
    connect: bool = Field(
        default=False,
        description="Whether the session has Spark Connect at `SPARK_REMOTE`, by a driver that starts with it. Then Python's "
        "`SparkSession.builder.getOrCreate()` is a client of it, without `sparkContext`.",
    )


class Spark(Service[SparkOptions]):
    name = "spark"
    title = "Spark"
    description = "Apache Spark."
    Options = SparkOptions
    scopes: ClassVar[Mapping[Scope, str]] = {"session": "each session has drivers of its own"}
    requires = Requirements(python=("pyspark",), r=("rspark",), java=17)

    def capabilities(self, options: SparkOptions) -> Mapping[str, str]:
        return {"mode": _CAPABILITIES[options.mode]} if options.mode in _CAPABILITIES else {}

    def session_components(self, options: SparkOptions) -> tuple[ComponentSpec, ...]:
        """Return what runs before the first call: a master and workers, a driver ahead, or nothing."""
        if options.mode == "standalone":
            return (CLUSTER,)
        return (replace(CLUSTER, ready={}),) if options.ahead or options.connect else ()

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
        if options.mode == "standalone":
            config |= {
                "worker_cores": options.cores,
                "session_memory": int(resources.memory),
                "port": "{port:spark-master}",
                "pages_port": "{port:spark-master-pages}",
            }
        if options.ahead:
            config["ahead"] = True
        if options.connect:
            config |= {"connect": True, "connect_port": "{port:spark-connect}"}
        return SessionConfig(config=config)


SERVICE = Spark
