"""The master and workers that a session has of its own in the mode `standalone`: what they are given, and what a driver is told.

The master is a process of the session. Its workers are too, where the session has a machine for itself or a share of one: then
they share its memory and its cores. On Kubernetes they are pods, on other nodes where there are some. All end with the session. A
word of this session's alone lets drivers, executors and workers speak to each other, encrypted; nobody else gets past it.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rspark_contract import reading
from rspark_contract.reading import Fields, Unreadable
from rspark_session.files import write_whole

_COUNT = reading.integer(0, 10**6)
_BYTES = reading.integer(0, 2**62)
_MOST_BYTES = 2**16
#: The folder of the cluster, beside that of the configuration.
FOLDER = "cluster"
#: The file beside it in which a driver ahead says how it is reached.
AHEAD = "ahead.json"
_SETTINGS, _WANTED, _STATE, _DRIVER, _WORKER = "settings.json", "wanted", "state.json", "driver.json", "worker.json"
#: Of a master and of workers, small and soon there: they plan and pass on, and compute nothing.
ENVIRON_OF_DAEMONS = {
    "SPARK_LOCAL_IP": "127.0.0.1",  # of their pages, which nobody else is to see
    "SPARK_SCALA_VERSION": "2.13",  # else each executor looks for the folders of a build, and there is none
    "SPARK_DAEMON_MEMORY": "128m",
    "SPARK_DAEMON_JAVA_OPTS": "-XX:+UseSerialGC -XX:TieredStopAtLevel=1",
}
#: What a driver needs beside its workers.
DRIVER_MEMORY = 2**30


@dataclass(frozen=True, kw_only=True)
class ClusterSettings:
    """What a cluster is: workers at the start and at the most, each with `memory` in bytes and `cores`, and the master's ports.

    The master is reached at the address `host`. `authorization` is the header with which its pages can be asked.
    """

    workers: int
    most: int
    memory: int
    cores: int
    port: int
    pages_port: int
    host: str = "127.0.0.1"
    authorization: str = ""

    @classmethod
    def parse(cls, fields: Fields) -> "ClusterSettings":
        """Read it from the service's configuration; raise `Unreadable` when it isn't as expected, or doesn't fit its session."""
        settings = cls(
            workers=fields.required("workers", _COUNT),
            most=fields.required("max", _COUNT),
            memory=fields.required("memory", _BYTES),
            cores=fields.required("worker_cores", _COUNT),
            port=fields.required("port", port),
            pages_port=fields.required("pages_port", port),
        )
        available = fields.required("session_memory", _BYTES)
        if "kubernetes" in fields:  # pods of their own take nothing of the session's
            return settings
        if settings.workers * settings.memory + DRIVER_MEMORY > available:
            raise Unreadable(
                f"{settings.workers} workers of {settings.memory >> 20} MB and a driver of {DRIVER_MEMORY >> 20} MB don't fit "
                f"into the {available >> 20} MB of the session; give it more memory, or fewer or smaller workers"
            )
        return settings


@dataclass(frozen=True, kw_only=True)
class DriverAhead:
    """A driver that starts with the session. With `connect` it serves clients of Spark Connect, else the first that takes it."""

    connect: bool


@dataclass(frozen=True, kw_only=True)
class ClusterState:
    """How many workers are wanted, how many the master knows to be alive, and what keeps others away, if anything does."""

    wanted: int
    alive: int
    problem: str = ""


class ClusterFolder:
    """The files by which those who know of a cluster speak to the process that looks after it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write_settings(self, settings: ClusterSettings) -> None:
        """Write what the cluster is; make the folder where it's missing."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_whole(self.folder / _SETTINGS, json.dumps(asdict(settings)), durable=False)

    def write_worker(self, pod: Mapping[str, Any]) -> None:
        """Write what a worker's pod is made of, where workers are pods."""
        write_whole(self.folder / _WORKER, json.dumps(pod, indent=1), durable=False)

    def worker(self) -> Mapping[str, Any] | None:
        """Return what a worker's pod is made of; None where workers are processes.

        Raises
        ------
        Unreadable
            When it can't be read.
        """
        try:
            text = (self.folder / _WORKER).read_bytes()
        except FileNotFoundError:
            return None
        return reading.json_object(depth=12)(reading.decode(text, most=_MOST_BYTES))

    def is_cluster(self) -> bool:
        """Return whether there is a master and workers."""
        return (self.folder / _SETTINGS).exists()

    def ask_for_driver(self, asked: DriverAhead) -> None:
        """Ask for a driver ahead; make the folder where it's missing."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_whole(self.folder / _DRIVER, json.dumps(asdict(asked)), durable=False)

    def driver_ahead(self) -> DriverAhead | None:
        """Return the driver ahead that was asked for; None where none was.

        Raises
        ------
        Unreadable
            When it can't be read what was asked for.
        """
        try:
            asked = (self.folder / _DRIVER).read_bytes()
        except FileNotFoundError:
            return None
        return DriverAhead(connect=Fields(reading.decode(asked, most=_MOST_BYTES)).required("connect", reading.flag))

    def settings(self) -> ClusterSettings:
        """Return what the cluster is.

        Raises
        ------
        OSError, Unreadable
            When there is none.
        """
        fields = Fields(reading.decode((self.folder / _SETTINGS).read_bytes(), most=_MOST_BYTES))
        numbers = {name: fields.required(name, _BYTES) for name in ("workers", "most", "memory", "cores", "port", "pages_port")}
        return ClusterSettings(
            **numbers,
            host=fields.required("host", reading.verbatim(64)),
            authorization=fields.required("authorization", reading.verbatim(4096)),
        )

    def want(self, workers: int) -> None:
        """Ask for a number of workers."""
        write_whole(self.folder / _WANTED, f"{workers}\n", durable=False)

    def wanted(self, otherwise: int) -> int:
        """Return how many workers were asked for; `otherwise` where nobody asked, or not for a number."""
        try:
            return max(int((self.folder / _WANTED).read_text(encoding="ascii")), 0)
        except (OSError, ValueError):
            return otherwise

    def write_state(self, state: ClusterState) -> None:
        """Write what there is now."""
        write_whole(self.folder / _STATE, json.dumps(asdict(state)), durable=False)

    def state(self) -> ClusterState | None:
        """Return what there is now; None before that is known."""
        try:
            fields = Fields(reading.decode((self.folder / _STATE).read_bytes(), most=_MOST_BYTES))
            return ClusterState(
                wanted=fields.required("wanted", _COUNT),
                alive=fields.required("alive", _COUNT),
                problem=fields.get("problem", reading.verbatim(4096), ""),
            )
        except (OSError, Unreadable):
            return None


def driver_settings(cluster: ClusterSettings) -> dict[str, str]:
    """Return the settings of a driver that computes on the session's own workers."""
    return {
        "spark.master": f"spark://{cluster.host}:{cluster.port}",
        "spark.submit.deployMode": "client",
        "spark.driver.memory": f"{DRIVER_MEMORY >> 20}m",
        "spark.driver.bindAddress": cluster.host,
        "spark.driver.host": cluster.host,
        "spark.network.crypto.enabled": "true",
        # The whole of a worker, so that a worker is an executor of one driver.
        "spark.executor.memory": f"{cluster.memory >> 20}m",
        "spark.executor.cores": str(cluster.cores),
    }


def port(value: object) -> int:
    """Read a port, which is text where the agent has filled it in."""
    if isinstance(value, str) and value.isdigit():
        value = int(value)
    return reading.integer(1, 65535)(value)
