"""Hadoop as it is installed, for the services that run it: its jars, the Java that runs them, and files of its settings."""

import sys
from collections.abc import Mapping
from html import escape
from pathlib import Path

from rspark_session.files import write_whole
from rspark_session.services.java import find_java
from rspark_session.services.problem import ServiceProblem

#: Where an installation puts Hadoop, below the prefix of the session's Python: `jars/`, and `webapps/` with its pages.
HADOOP = Path(sys.prefix, "share/rspark/hadoop")
INSTALL = "Install what Hadoop needs: make hdfs."


def java() -> str:
    """Return the program java; raise `ServiceProblem` where there is none."""
    return find_java(INSTALL)


def check_installed() -> None:
    """Raise `ServiceProblem` where Hadoop's jars are not here."""
    if not (HADOOP / "jars").is_dir():
        raise ServiceProblem(f"Hadoop is not installed. {INSTALL}")


def class_path(configuration: Path) -> str:
    """Return the class path of Hadoop with a folder of configuration before it."""
    return f"{configuration}:{HADOOP}:{HADOOP}/jars/*"


def write_settings(path: Path, settings: Mapping[str, str]) -> None:
    """Write a file such as core-site.xml."""
    lines = [
        f"<property><name>{escape(name)}</name><value>{escape(value)}</value></property>" for name, value in settings.items()
    ]
    write_whole(path, "\n".join(["<configuration>", *lines, "</configuration>", ""]))
