"""Spark as an environment asks for it, put in the terms in which an ensemble is told to run it."""

import math
from typing import Any

from rsparkhub.domain.environment import SparkService


def spark_part(service: SparkService, *, cpu: float) -> dict[str, Any]:
    """Give `EnsembleSpec.spark`: where it computes, the memory of its driver in bytes, and its cores.

    In local mode the driver computes itself, with the cores of the session, one at least.
    """
    part = {"mode": service.mode, "memory": int(service.memory), "cores": max(1, math.floor(cpu))}
    if service.mode != "local":
        part |= {"workers": service.workers, "max": max(service.max, service.workers)}
    return part
