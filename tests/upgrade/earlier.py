"""An earlier version of RSparkHub, out of this checkout's own history, installed in a folder of its own."""

import os
import subprocess
from pathlib import Path

from tests.installation import ROOT

#: The version before this one: the last one whose tables are those of migration 0001.
BEFORE = "d45f8929673313945c110fd5ae5d6f9d2c803ff7"


def is_in_history() -> bool:
    """Return whether this checkout knows the version before; one that was cloned without its history doesn't."""
    asked = subprocess.run(["git", "cat-file", "-e", f"{BEFORE}^{{commit}}"], cwd=ROOT, capture_output=True, check=False)
    return asked.returncode == 0


def install(folder: Path) -> Path:
    """Install the version before in a folder, by its own installer; return its `rsparkhub` command."""
    subprocess.run(["git", "clone", "--quiet", "--shared", "--no-checkout", str(ROOT), str(folder)], check=True)
    subprocess.run(["git", "checkout", "--quiet", BEFORE], cwd=folder, check=True)
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("RSPARKHUB_", "VIRTUAL_ENV"))}
    subprocess.run(["scripts/install", "up"], cwd=folder, env=clean, check=True, timeout=900)
    return folder / ".venv/bin/rsparkhub"
