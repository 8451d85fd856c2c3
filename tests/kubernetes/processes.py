"""Processes of sessions as this machine sees them, whatever their node says: all nodes are this machine."""

import json
from pathlib import Path
from typing import Any

import psutil


def in_pod(session: str, mark: str) -> list[psutil.Process]:
    """Give the processes of a session's pods whose command line has a mark."""
    found = [one for one in psutil.process_iter(["cmdline"]) if mark in " ".join(one.info["cmdline"] or [])]
    return [one for one in found if ensemble(one).get("id") == session]


def ensemble(process: psutil.Process) -> dict[str, Any]:
    """Read in the agent's own file what a process is part of: its environment doesn't say. Empty where there is no such file."""
    try:
        told: dict[str, Any] = json.loads(Path("/proc", str(process.pid), "root", "etc/rspark/ensemble.json").read_text())
    except (OSError, ValueError):
        return {}
    return told
