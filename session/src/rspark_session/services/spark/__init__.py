"""The service `spark`: a driver in R or Python is connected by its first call, and its pages are seen under the session's path.

The driver is started by that call; so there is no component to start here, only what the call will read (`configuration`), and
the drivers that run to be found (`pages`).
"""

# ruff: noqa: PLC0415  (each module is loaded when it is needed; the environment comes before everything else)

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
    from rspark_session.services.spark.pages import SparkPages
    from rspark_session.services.spark.secrets import DriverSecrets


class Spark(Service):
    """Spark in a session: in local mode, or with executors on Kubernetes."""

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
            "RSPARK_SPARK_PAGES": f"{self.context.base_path.rstrip('/')}/{self.route}/",
        }
        if self.context.spec.config.get("mode", "local") != "local":
            # Executors have this one too. Workers here are of the first Python on the path, which has the person's packages.
            environ["PYSPARK_PYTHON"] = sys.executable
        if version := spark_version(home):  # sparklyr asks for it, since a wheel has no file RELEASE
            environ["SPARK_HOME_VERSION"] = version
        return environ

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
            additions=[service.for_spark() for service in self.session_services],
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

    def own_processes(self, processes: "Iterable[Process]") -> "Iterable[int]":
        """Return the drivers that compute for a kernel or a program: their jobs say whether they do.

        A driver uses the processor for a while after its last job, to tidy up.
        """
        return self._pages.serving(processes)

    @cached_property
    def _secrets(self) -> "DriverSecrets":
        from rspark_session.services.spark.secrets import DriverSecrets

        return DriverSecrets()

    @cached_property
    def _pages(self) -> "SparkPages":
        from rspark_session.services.spark.configuration import DRIVERS
        from rspark_session.services.spark.pages import SparkPages

        drivers = self.context.run / "spark" / DRIVERS
        base = f"{self.context.base_path.rstrip('/')}/{self.route}"
        return SparkPages(base=base, drivers=drivers, headers=self._secrets.headers())


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
