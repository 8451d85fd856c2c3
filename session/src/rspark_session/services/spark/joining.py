"""How a process of Python has the driver that was started with the session, in place of one of its own.

Imported by who has PySpark already, so that nothing here makes a kernel load it.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pyspark.core.context import SparkContext
from pyspark.java_gateway import launch_gateway

from rspark_contract import reading
from rspark_contract.reading import Fields, Unreadable
from rspark_session.processes import tree
from rspark_session.services.spark.standalone import AHEAD

_MOST_BYTES = 2**12
#: Settings of a session rather than of its driver: who asks for others gets a driver of their own.
_OF_SESSIONS = ("spark.app.name", "spark.sql.shuffle.", "spark.sql.execution.", "spark.sql.adaptive.", "spark.sql.session.")
_GATEWAY = ("PYSPARK_GATEWAY_PORT", "PYSPARK_GATEWAY_SECRET")


class DriverProcess:
    """A driver that another process has started: enough of `subprocess.Popen` for those who ask whether it still runs."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        found = tree.read(pid)
        self._started = found.started if found else None

    def poll(self) -> int | None:
        """Return None while it runs, and 0 afterwards: its code is its parent's."""
        found = tree.read(self.pid)
        return None if found is not None and found.started == self._started else 0


def take(settings: Mapping[str, str]) -> dict[str, Any]:
    """Return the arguments with which a `SparkContext` has the session's driver; none where that is taken, or doesn't suit.

    `settings` are those that the person asks for.
    """
    if SparkContext._gateway is not None or "PYSPARK_SUBMIT_ARGS" in os.environ or "PYSPARK_GATEWAY_PORT" in os.environ:
        return {}
    if not all(name.startswith(_OF_SESSIONS) for name in settings):
        return {}
    found = _taken(Path(os.environ.get("SPARK_CONF_DIR", "")).parent / AHEAD)
    if found is None:
        return {}
    try:
        os.environ.update(zip(_GATEWAY, (str(found.required("port", reading.integer(1, 65535))), _secret(found)), strict=True))
        launch: Any = launch_gateway  # it carries no types
        gateway: Any = launch()
        gateway.proc = DriverProcess(found.required("pid", reading.integer(1, 2**31)))
        context = gateway.jvm.org.apache.spark.rspark.Ahead.take(os.getpid(), os.getcwd())  # noqa: PTH109
    except Exception:  # it has just ended, so that another one is started as without it
        return {}
    finally:
        for name in _GATEWAY:
            os.environ.pop(name, None)
    return {"gateway": gateway, "jsc": context}


def join() -> None:
    """Make the session's driver that of this process, where it has none and that one is free."""
    if SparkContext._active_spark_context is None and (arguments := take({})):
        SparkContext(**arguments)


def _taken(file: Path) -> Fields | None:
    """Return what the file says, which is ours from then on; None where another was first."""
    mine = file.with_name(f"{file.name}.{os.getpid()}")
    try:
        file.rename(mine)
        content = mine.read_bytes()
        mine.unlink()
        return Fields(reading.decode(content, most=_MOST_BYTES))
    except (OSError, Unreadable):
        return None


def _secret(fields: Fields) -> str:
    return fields.required("secret", reading.text(1000))
