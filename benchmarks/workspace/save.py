"""Saving a workspace before a sleep, beside what R and Python have themselves: `save()` and `pickle`, in one run."""

import json
import os
import subprocess
from pathlib import Path

from benchmarks.results import table, versions, write_section

CHECKOUT = Path(__file__).parents[2]


def measured(*command: str) -> dict[str, dict[str, float | None]]:
    """Return what a program says it measured: seconds, by case and by who saved."""
    libraries = {**os.environ, "R_LIBS": str(CHECKOUT / ".r-library")}
    said = subprocess.run(command, cwd=CHECKOUT, env=libraries, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, dict[str, float | None]] = json.loads(said.stdout.strip().splitlines()[-1])
    return found


def main() -> None:
    of_languages = {
        ("Python", "pickle"): measured(".venv-session/bin/python", "benchmarks/workspace/python_objects.py"),
        ("R", "save()"): measured("Rscript", "--vanilla", "benchmarks/workspace/r_objects.R"),
    }
    rows = []
    for (language, peer), cases in of_languages.items():
        for case, seconds in cases.items():
            plain, ours = seconds["plain"], seconds["ours"]
            assert ours is not None
            by_peer, ratio = (f"{plain:.2f} s", f"{ours / plain:.2f}") if plain else (f"{peer} fails", "")
            rows.append((f"{language}: {case}", f"{by_peer} ({peer})", f"{ours:.2f} s", ratio))
    body = table(("What", "Plain", "RSparkHub", "Ratio"), rows)
    write_section("A workspace is saved", body, with_versions=versions("httpx"))


if __name__ == "__main__":
    main()
