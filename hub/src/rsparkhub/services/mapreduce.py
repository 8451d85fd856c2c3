"""MapReduce: Hadoop's streaming jobs in the session itself, in one process or on a YARN of its own."""

import math
from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field

from rspark_contract.reading import JsonObject
from rsparkhub.domain.environment import Resources, Scope, ServiceOptions
from rsparkhub.domain.requirements import Requirements
from rsparkhub.services.base import Account, Service, SessionConfig

#: What a backend offers in whose sessions a process may make a network of its own, which a YARN takes.
NETWORKS = "session-networks"


class MapReduceOptions(ServiceOptions):
    mode: Literal["local", "yarn"] = Field(
        default="local",
        description="Where jobs run: in one process each, or on a YARN of the session's own, which starts with its first job. "
        "Kubernetes has no `yarn`: no process of a pod may make the network that it takes.",
    )


class MapReduce(Service[MapReduceOptions]):
    name = "mapreduce"
    title = "MapReduce"
    mark = "MR"
    description = "Hadoop's MapReduce: streaming jobs of R, Python and bash."
    Options = MapReduceOptions
    scopes: ClassVar[Mapping[Scope, str]] = {"session": "each session runs its jobs itself: a YARN for all would isolate nobody"}
    requires = Requirements(java=17, r=("rspark",), folders=("share/rspark/hadoop/jars",), installed_by="make hdfs")

    def capabilities(self, options: MapReduceOptions) -> Mapping[str, str]:
        return {"mode": NETWORKS} if options.mode == "yarn" else {}

    def session_config(
        self,
        options: MapReduceOptions,
        *,
        resources: Resources,
        endpoint: JsonObject | None = None,
        account: Account | None = None,
    ) -> SessionConfig:
        """Return where jobs run, and what of the session they may use: memory in bytes, and cores, one at least."""
        return SessionConfig(
            config={"mode": options.mode, "memory": int(resources.memory), "cores": max(1, math.floor(resources.cpu))}
        )


SERVICE = MapReduce
