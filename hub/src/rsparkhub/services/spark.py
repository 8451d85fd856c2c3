"""Spark as an environment asks for it, put in the terms in which an ensemble is told to run it."""

import math

from rspark_contract.ensemble import ServiceSpec
from rspark_contract.reading import JsonObject
from rsparkhub.domain.environment import SparkService


def spark_service(service: SparkService, *, cpu: float) -> ServiceSpec:
    """Return the service as a session is told of it: where it computes, the memory of its driver in bytes, and its cores.

    In local mode the driver computes itself, with the cores of the session, one at least.
    """
    config: JsonObject = {"mode": service.mode, "memory": int(service.memory), "cores": max(1, math.floor(cpu))}
    if service.mode != "local":
        config |= {"workers": service.workers, "max": max(service.max, service.workers)}
    return ServiceSpec(name="spark", title="Spark", config=config)
