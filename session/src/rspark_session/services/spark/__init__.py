"""The service `spark`: a driver in R or Python is connected by its first call, and its pages are seen under the session's path.

The driver is started by that call; so there is no component to start here, only what the call will read (`configuration`), and
the drivers that run to be found (`pages`).
"""

# ruff: noqa: PLC0415  (each module is loaded when it is needed; the environment comes before everything else)

import sys
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from importlib.util import find_spec
from typing import TYPE_CHECKING

from rspark_session.services.base import Service, ServiceUnavailable

if TYPE_CHECKING:
    from rspark_session.notebook_cell import Cell
    from rspark_session.processes.tree import Process
    from rspark_session.proxy.server import Reply, Request
    from rspark_session.services.spark.pages import SparkPages
    from rspark_session.services.spark.secrets import DriverSecrets


class Spark(Service):
    """Spark in a session: in local mode, or with executors on Kubernetes."""

    route = "spark"

    def environ(self) -> Mapping[str, str]:
        """Return where Spark and its configuration are; nothing where the session's Python has no Spark."""
        home = spark_home()
        if home is None:
            return {}
        folder = self.context.run / "spark" / "conf"
        return {"SPARK_HOME": home, "SPARK_CONF_DIR": str(folder), "PYSPARK_PYTHON": sys.executable}

    def prepare(self) -> None:
        """Write Spark's folder of configuration.

        Raises
        ------
        ServiceUnavailable
            When it isn't said what the driver may use.
        """
        from rspark_contract.reading import Unreadable
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
        )

    def welcome(self) -> "Sequence[Cell]":
        """Return how the sample database is read in Spark."""
        from rspark_session.services.spark.welcome import CELLS

        return CELLS

    async def answer(self, request: "Request", reply: "Reply", path: str, processes: "Iterable[Process]") -> None:
        """Show the pages of the drivers that run."""
        await self._pages.answer(request, reply, path, processes)

    async def busy_with(self, processes: "Iterable[Process]") -> Sequence[str]:
        """Return the applications that have running jobs."""
        return await self._pages.busy_with(processes)

    @cached_property
    def _secrets(self) -> "DriverSecrets":
        from rspark_session.services.spark.secrets import DriverSecrets

        return DriverSecrets()

    @cached_property
    def _pages(self) -> "SparkPages":
        from rspark_session.services.spark.pages import SparkPages

        return SparkPages(base=f"{self.context.base_path.rstrip('/')}/{self.route}", headers=self._secrets.headers())


def spark_home() -> str | None:
    """Return the home of the Spark that the wheel pyspark carries, without importing it; None where it is not installed."""
    package = find_spec("pyspark")
    return next(iter(package.submodule_search_locations or []), None) if package else None


SERVICE = Spark
