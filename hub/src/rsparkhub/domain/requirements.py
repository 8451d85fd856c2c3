"""What must be installed where sessions run: in their image, or on the machine itself."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Requirements:
    """Programs and packages that an interface or a service needs; `java` is the oldest version that will do.

    Where it is large, `installed_by` is the command that installs `programs` and `folders`: RSparkHub runs without them, and
    so do sessions that don't ask for it.
    """

    python: tuple[str, ...] = ()  # modules of the session's Python
    r: tuple[str, ...] = ()  # packages of R
    java: int | None = None
    programs: tuple[str, ...] = ()  # commands of the machine
    folders: tuple[str, ...] = ()  # below the prefix of the session's Python
    installed_by: str | None = None


#: What is needed, by the title of what needs it.
Needs = Mapping[str, Requirements]


def python_modules(needs: Needs) -> tuple[str, ...]:
    """Return the modules of Python that are needed, each once."""
    return tuple(dict.fromkeys(module for each in needs.values() for module in each.python))


def r_packages(needs: Needs) -> tuple[str, ...]:
    """Return the packages of R that are needed, each once."""
    return tuple(dict.fromkeys(package for each in needs.values() for package in each.r))


def java_version(needs: Needs) -> tuple[int, str] | None:
    """Return the oldest version of Java that will do, and who needs it; None when nobody does."""
    versions = {title: each.java for title, each in needs.items() if each.java is not None}
    return (max(versions.values()), ", ".join(versions)) if versions else None
