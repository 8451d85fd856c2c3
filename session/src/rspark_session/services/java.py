"""Finds the Java of this machine."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from rspark_session.services.problem import ServiceProblem


def find_java(remedy: str) -> str:
    """Return the program java; raise `ServiceProblem`, which ends with `remedy`, where there is none."""
    home = os.environ.get("JAVA_HOME")
    found = str(Path(home, "bin/java")) if home else shutil.which("java")
    if found is None or not os.access(found, os.X_OK):
        raise ServiceProblem(f"There is no Java on this machine. {remedy}")
    return found


def java_version(java: str) -> int:
    """Return the version of a program java, such as 17; 0 where it doesn't say."""
    said = subprocess.run([java, "-version"], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False).stderr
    found = re.search(r'version "(?:1\.)?([0-9]+)', said)
    return int(found[1]) if found else 0
