"""The environment of everything that the agent starts: the names that each tool already reads."""

import os
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from rspark_contract.ensemble import EnsembleDocument
from rspark_session.agent.lifecycle import login_shell, own_packages
from rspark_session.services.base import Service

# What belongs to the hub that started us, or to a Python or desktop that isn't the session's.
_FOREIGN = ("RSPARKHUB_", "RSPARK_", "JUPYTER", "IPYTHON", "PYTHON", "XDG_", "CONDA", "VIRTUAL_ENV", "R_LIBS", "PG", "SPARK_")
#: The modules that services have every kernel of Python load; see `rspark_session.jupyter.python_kernel`.
PYTHON_HOOKS = "RSPARK_PYTHON_HOOKS"
#: Where R looks for packages after the person's own and the product's, as its `Renviron` has it.
_R_SITE_LIBRARIES = "/usr/local/lib/R/site-library:%S"


def build(document: EnsembleDocument, inherited: Mapping[str, str], services: Sequence[Service]) -> dict[str, str]:
    """Return the environment that the interface and every component see."""
    environ = {name: value for name, value in inherited.items() if not name.startswith(_FOREIGN)}
    if not any("UTF-8" in environ.get(name, "").upper().replace("UTF8", "UTF-8") for name in ("LC_ALL", "LC_CTYPE", "LANG")):
        environ["LANG"] = "C.UTF-8"
        environ.pop("LC_ALL", None)
    python = own_packages.python_environment(document)
    programs = [python / "bin", Path(sys.executable).parent, *(folder for service in services for folder in service.programs())]
    environ |= {
        "HOME": str(document.places.home),
        "SHELL": "/bin/bash",
        "RSPARK_SESSION": document.id,
        "RSPARK_USER": document.user or "",
        "RSPARK_HOME": str(document.places.home),
        "RSPARK_HUB_URL": document.hub_url,
        "RSPARK_ENSEMBLE": document.name,
        "PATH": path(inherited.get("PATH", os.defpath), programs),
        "VIRTUAL_ENV": str(python),
        "PYTHONUSERBASE": str(python),
        "R_LIBS_USER": str(own_packages.r_library(document)),
        # After their own, and found also when they set R_LIBS or call .libPaths(): without rspark nothing is saved at sleep.
        "R_LIBS_SITE": ":".join(filter(None, [inherited.get("RSPARK_R_LIBS"), _R_SITE_LIBRARIES])),
        "R_LIBS": "",  # some machines have a default that nobody may write to
        "RETICULATE_MINICONDA_ENABLED": "FALSE",  # R uses the session's Python, and does not ask to download another
    }
    environ |= _person(document, environ)
    if document.token is not None:
        environ["RSPARK_TOKEN_FILE"] = str(document.places.run / "token")
    if java_home := find_java(inherited):
        environ["JAVA_HOME"] = java_home
    for service in services:
        environ |= service.environ()
    if hooks := [hook for service in services for hook in service.python_hooks]:
        environ[PYTHON_HOOKS] = " ".join(hooks)
    environ |= document.environ
    return {**environ, login_shell.VARIABLE: environ["PATH"]}


def _person(document: EnsembleDocument, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the names by which programs know who and where somebody is."""
    names = {"TZ": environ.get("TZ") or time_zone()}
    if document.user:
        # The lowest of Git's files: what a person sets by `git config --global` or in a folder comes before it.
        names |= {"USER": document.user, "LOGNAME": document.user, "GIT_CONFIG_SYSTEM": str(document.places.run / "gitconfig")}
    if editor := shutil.which("nano", path=environ["PATH"]):
        names["EDITOR"] = editor
    return names


def git_config(document: EnsembleDocument) -> str:
    """Return Git's settings of a session: this machine's, and who commits."""
    include = "[include]\n\tpath = /etc/gitconfig\n"
    name = document.user or "nobody"
    host = document.hub_url.partition("://")[2].partition("/")[0].rpartition("@")[2].partition(":")[0] or "localhost"
    quoted = [word.replace("\\", "\\\\").replace('"', '\\"') for word in (name, f"{name}@{host}")]
    return f'{include}[user]\n\tname = "{quoted[0]}"\n\temail = "{quoted[1]}"\n[init]\n\tdefaultBranch = main\n'


def time_zone() -> str:
    """Return the name of this machine's time zone, such as Europe/Berlin; UTC where it can't be read."""
    place = str(Path("/etc/localtime").resolve())
    return place.rpartition("/zoneinfo/")[2] if "/zoneinfo/" in place else "UTC"


def path(inherited: str, programs: Iterable[Path]) -> str:
    """Return a PATH with the session's programs before what this machine has anyway."""
    folders = [*map(str, programs)]
    folders += [folder for folder in inherited.split(os.pathsep) if folder and folder not in folders]
    return os.pathsep.join(folders)


def find_java(inherited: Mapping[str, str]) -> str | None:
    """Return Java's home: JAVA_HOME, else that of the `java` on the path; None where there is none."""
    if inherited.get("JAVA_HOME"):
        return inherited["JAVA_HOME"]
    java = shutil.which("java", path=inherited.get("PATH"))
    return str(Path(java).resolve().parent.parent) if java else None
