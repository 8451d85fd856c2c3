"""The Unix accounts that installations make for people, where tests run as root: what a test's folder is deleted with."""

import os
import pwd
import shutil
import subprocess
from pathlib import Path


def remove_accounts(below: Path) -> None:
    """Remove the accounts of installations below a folder; an account's comment names its data folder."""
    if os.geteuid() != 0 or not shutil.which("userdel"):
        return
    for entry in pwd.getpwall():
        if entry.pw_gecos.startswith("RSparkHub ") and f" {below}/" in entry.pw_gecos:
            subprocess.run(["userdel", entry.pw_name], check=False, capture_output=True)
