"""The environment of everything that the agent starts: the names that each tool already reads."""

import os
import re
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from rspark_contract.ensemble import EnsembleDocument
from rspark_session.services.base import Service

# What belongs to the hub that started us, or to a Python or desktop that isn't the session's.
_FOREIGN = ("RSPARKHUB_", "RSPARK_", "JUPYTER", "IPYTHON", "PYTHON", "XDG_", "CONDA", "VIRTUAL_ENV", "R_LIBS", "PG", "SPARK_")


def build(document: EnsembleDocument, inherited: Mapping[str, str], services: Sequence[Service]) -> dict[str, str]:
    """Return the environment that the interface and every component see."""
    environ = {name: value for name, value in inherited.items() if not name.startswith(_FOREIGN)}
    if not any("UTF-8" in environ.get(name, "").upper().replace("UTF8", "UTF-8") for name in ("LC_ALL", "LC_CTYPE", "LANG")):
        environ["LANG"] = "C.UTF-8"
        environ.pop("LC_ALL", None)
    environ |= {
        "HOME": str(document.places.home),
        "SHELL": "/bin/bash",
        "RSPARK_SESSION": document.id,
        "RSPARK_USER": document.user or "",
        "RSPARK_HOME": str(document.places.home),
        "RSPARK_HUB_URL": document.hub_url,
        "RSPARK_ENSEMBLE": document.name,
        "R_LIBS_USER": str(home_library(document)),
        "PATH": path(inherited.get("PATH", os.defpath), [folder for service in services for folder in service.programs()]),
    }
    if libraries := inherited.get("RSPARK_R_LIBS"):
        environ["R_LIBS"] = libraries
    if document.token is not None:
        environ["RSPARK_TOKEN_FILE"] = str(document.places.run / "token")
    if java_home := find_java(inherited):
        environ["JAVA_HOME"] = java_home
    for service in services:
        environ |= service.environ()
    return {**environ, **document.environ}


def home_library(document: EnsembleDocument) -> Path:
    """Return where a person's own R packages go: in the home, out of sight.

    In a container there is one for each version of R and each image, since a package is built for the libraries of its image.
    """
    folder = document.places.home / ".local" / "lib" / "R"
    if not document.image:
        return folder / "library"
    return folder / f"{r_version() or 'R'}-{image_mark(document.image, os.environ)}"


def image_mark(image: str, inherited: Mapping[str, str]) -> str:
    """Return twelve letters that differ for each image: of its digest, or of its name and of what it was built from."""
    _, _, digest = image.partition("@sha256:")
    if digest:
        return digest[:12]
    import hashlib  # noqa: PLC0415  (not needed for an image with a digest, and R waits while it is loaded)

    built = f"{image} {inherited.get('RSPARK_IMAGE', '')}"
    return hashlib.sha256(built.encode()).hexdigest()[:12]


def r_version() -> str | None:
    """Read R's version, such as 4.2, where R itself has it: starting R to ask takes longer than all else."""
    program = shutil.which("R")  # a script of the shell that names its home
    try:
        home = re.search(r"^R_HOME_DIR=(\S+)", Path(program or "").read_text(encoding="utf-8"), re.MULTILINE)
        text = Path(home[1] if home else "", "library/base/DESCRIPTION").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    found = re.search(r"^Version: (\d+\.\d+)", text, re.MULTILINE)
    return found[1] if found else None


def path(inherited: str, programs: Iterable[Path]) -> str:
    """Return a PATH with the session's Python and the programs of its services before what this machine has anyway."""
    folders = [str(Path(sys.executable).parent), *map(str, programs)]
    folders += [folder for folder in inherited.split(os.pathsep) if folder and folder not in folders]
    return os.pathsep.join(folders)


def find_java(inherited: Mapping[str, str]) -> str | None:
    """Return Java's home: JAVA_HOME, else that of the `java` on the path; None where there is none."""
    if inherited.get("JAVA_HOME"):
        return inherited["JAVA_HOME"]
    java = shutil.which("java", path=inherited.get("PATH"))
    return str(Path(java).resolve().parent.parent) if java else None
