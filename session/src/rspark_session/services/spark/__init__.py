"""The service `spark`: a driver in R or Python is connected by its first call, and its pages are seen under the session's path.

The driver is started by that call, for which `configuration` writes what it reads; `pages` finds the drivers that run. In
standalone mode a component of the session is a cluster of its own (`cluster`).
"""

# ruff: noqa: PLC0415  (each module is loaded when it is needed; the environment comes before everything else)

import json
import os
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from rspark_session.services.base import Service, ServiceUnavailable

if TYPE_CHECKING:
    from rspark_session.notebook_cell import Cell
    from rspark_session.processes.tree import Process
    from rspark_session.proxy.server import Reply, Request
    from rspark_session.services.spark.history import PastPages
    from rspark_session.services.spark.pages import SparkPages
    from rspark_session.services.spark.secrets import DriverSecrets


#: The file with which the pages of drivers can be asked, beside the folder where they say where those are.
_STATUS = "status.json"


class Spark(Service):
    """Spark in a session: in its driver, on workers of the session's own master, or with executors on Kubernetes."""

    route = "spark"
    python_hooks = ("rspark_session.services.spark.notebook",)

    def environ(self) -> Mapping[str, str]:
        """Return where Spark and its configuration are; nothing where the session's Python has no Spark."""
        home = spark_home()
        if home is None:
            return {}
        folder = self.context.run / "spark" / "conf"
        environ = {
            "SPARK_HOME": home,
            "SPARK_CONF_DIR": str(folder),
            "RSPARK_SPARK_PAGES": f"{self._base}/",
            "RSPARK_SPARK_STATUS": str(self.context.run / "spark" / _STATUS),
        }
        if "kubernetes" in self.context.spec.config:
            # Executors in pods have this one. Those here take the first Python on the path, which has the person's packages.
            environ["PYSPARK_PYTHON"] = sys.executable
        if self.context.spec.config.get("connect") is True:
            # By this name PySpark grants the token to a connection without TLS: what is said stays in this machine.
            port = self.context.spec.config.get("connect_port")
            environ["SPARK_REMOTE"] = f"sc://localhost:{port}/;token={self._secrets.token}"
        if version := spark_version(home):  # sparklyr asks for it, since a wheel has no file RELEASE
            environ["SPARK_HOME_VERSION"] = version
        return environ

    def programs(self) -> Sequence[Path]:
        """Return the folder of the commands by which a person looks after Spark."""
        return (self.context.run / "spark" / "bin",)

    def prepare(self) -> None:
        """Write Spark's folder of configuration.

        Raises
        ------
        ServiceUnavailable
            When it isn't said what the driver may use.
        """
        from rspark_contract.reading import Unreadable
        from rspark_session.files import write_whole
        from rspark_session.services.spark import commands, event_logs
        from rspark_session.services.spark.configuration import SparkConfig, write_configuration

        context = self.context
        try:
            config = SparkConfig.parse(context.spec.config)
        except Unreadable as problem:
            raise ServiceUnavailable(f"{context.spec.title} can't be set up: {problem}.") from problem
        folder = context.run / "spark"
        write_configuration(
            folder / "conf",
            config,
            base_path=context.base_path,
            home=context.home,
            scratch=folder / "scratch",
            secrets=self._secrets,
            additions=[service.for_spark() for service in self.session_services],
        )
        # An interface may show what the drivers compute: their folder is beside this file.
        write_whole(folder / _STATUS, json.dumps({"authorization": self._secrets.authorization()}), durable=False)
        commands.write(folder / "bin")
        event_logs.prune(context.home / event_logs.FOLDER)

    def welcome(self) -> "Sequence[Cell]":
        """Return how the sample database is read in Spark."""
        from rspark_session.services.spark.welcome import CELLS

        return CELLS

    async def answer(self, request: "Request", reply: "Reply", path: str, processes: "Iterable[Process]") -> None:
        """Show the pages of the drivers that run; below `past`, those of all that have ended."""
        if path == "/past" or path.startswith("/past/"):
            await self._past.answer(request, reply, path.removeprefix("/past"), processes)
        else:
            await self._pages.answer(request, reply, path, processes)

    async def busy_with(self, processes: "Iterable[Process]") -> Sequence[str]:
        """Return the applications that have running jobs."""
        self._past.rest(processes)
        return await self._pages.busy_with(processes)

    def own_processes(self, processes: "Iterable[Process]") -> "Iterable[int]":
        """Return the drivers that compute for a kernel or a program, whose jobs say whether they do, and the server of the past.

        A driver uses the processor for a while after its last job, to tidy up.
        """
        return [*self._pages.serving(processes), *self._past.own_processes()]

    @cached_property
    def _secrets(self) -> "DriverSecrets":
        from rspark_session.services.spark.secrets import DriverSecrets

        pods = self.context.spec.config.get("kubernetes")
        word = pods.get("word") if isinstance(pods, dict) else None
        return DriverSecrets(word if isinstance(word, str) else None)

    @cached_property
    def _past(self) -> "PastPages":
        from rspark_session.services.spark.history import PastPages

        return PastPages(
            base=f"{self._base}/past",
            home=self.context.home,
            log=self.context.run / "log" / "spark-history.log",
            headers=self._secrets.headers(),
            environ={**os.environ, **self.environ()},
        )

    @property
    def _base(self) -> str:
        return f"{self.context.base_path.rstrip('/')}/{self.route}"

    @cached_property
    def _pages(self) -> "SparkPages":
        from rspark_session.services.spark.configuration import DRIVERS
        from rspark_session.services.spark.pages import SparkPages

        drivers = self.context.run / "spark" / DRIVERS
        return SparkPages(base=self._base, drivers=drivers, headers=self._secrets.headers())


def spark_home() -> str | None:
    """Return the home of the Spark that the wheel pyspark carries, without importing it; None where it is not installed."""
    package = find_spec("pyspark")
    return next(iter(package.submodule_search_locations or []), None) if package else None


def spark_version(home: str) -> str | None:
    """Return the version of the Spark in a home, such as 4.3.0, without importing it; None where it isn't written there."""
    try:
        text = Path(home, "version.py").read_text(encoding="utf-8")
    except OSError:
        return None
    found = re.search(r"^__version__[^=]*= *[\"']([^\"']+)[\"']", text, re.MULTILINE)
    return found[1] if found else None


SERVICE = Spark
