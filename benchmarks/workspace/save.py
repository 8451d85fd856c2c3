"""Saving a workspace before a sleep, beside what R and Python have themselves: `save()` and `pickle`, in one run."""

import json
import os
import subprocess
from pathlib import Path
from typing import TypedDict

from benchmarks.results import table, versions, write_section

CHECKOUT = Path(__file__).parents[2]

#: What the aim, 1.5 times the plain time, is missed by, as a profiler shows it.
WHY_MORE = (
    "Where it takes more than 1.5 times as long: of 5,000 names, half is what an empty workspace takes, since what is beside "
    "objects is looked for in all packages and modules, and the rest what is asked of each name (its size, its type, whether it "
    "is locked). Of closures, nearly all is the hook that `serialize()` calls for each environment, which is R code. Lists in "
    "each other are cut into pieces, so that reading them needs no deep stack."
)

Seconds = dict[str, float | None]


class Measured(TypedDict):
    """What a program measured: seconds by who saved, of each case, and by number of what grows."""

    cases: dict[str, Seconds]
    growth: dict[str, dict[str, Seconds]]


def measured(*command: str) -> Measured:
    """Return what a program says it measured."""
    libraries = {**os.environ, "R_LIBS": str(CHECKOUT / ".r-library")}
    said = subprocess.run(command, cwd=CHECKOUT, env=libraries, check=True, stdout=subprocess.PIPE, text=True)
    found: Measured = json.loads(said.stdout.strip().splitlines()[-1])
    return found


def grown(by_number: dict[str, Seconds], who: str) -> str:
    """Return how many times as long twice and four times as much takes."""
    first, *more = (seconds[who] or 0.0 for seconds in by_number.values())
    return ", ".join(f"{each / first:.1f}" for each in more)


def main() -> None:
    of_languages = {
        ("Python", "pickle"): measured(".venv-session/bin/python", "benchmarks/workspace/python_objects.py"),
        ("R", "save()"): measured("Rscript", "--vanilla", "benchmarks/workspace/r_objects.R"),
    }
    rows, growth = [], []
    for (language, peer), found in of_languages.items():
        for case, seconds in found["cases"].items():
            plain, ours = seconds["plain"], seconds["ours"]
            assert ours is not None
            by_peer, ratio = (f"{plain:.2f} s", f"{ours / plain:.2f}") if plain else (f"{peer} fails", "")
            rows.append((f"{language}: {case}", f"{by_peer} ({peer})", f"{ours:.2f} s", ratio))
        growth += [
            (f"{language}: {title}", ", ".join(by_number), grown(by_number, "plain"), grown(by_number, "ours"))
            for title, by_number in found["growth"].items()
        ]
    body = table(("What", "Plain", "RSparkHub", "Ratio"), rows)
    body += (
        "\n\nTimes are those of the processor. How they grow: "
        "twice and four times as much takes so many times as long (linear: 2.0, 4.0).\n\n"
        + table(("What", "Of a number of", "Plain", "RSparkHub"), growth)
        + "\n\n"
        + WHY_MORE
    )
    write_section("A workspace is saved", body, with_versions=versions("httpx"))


if __name__ == "__main__":
    main()
