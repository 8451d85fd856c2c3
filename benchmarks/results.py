"""How results are kept: a section of RESULTS.md for each benchmark, with machine, date and versions, made anew at each run."""

import platform
import re
import statistics
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

RESULTS = Path(__file__).with_name("RESULTS.md")
HEAD = """# Results

Made by `make bench`; each section says when, on what, and with which versions. Absolute figures hold for the machine they
were taken on and move from hour to hour; the ratios, taken in one run, are what counts.
"""


def machine() -> str:
    """Describe the machine in one line."""
    cpu = next(
        (line.split(":", 1)[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line), ""
    )
    cores = subprocess.run(["nproc"], capture_output=True, text=True, check=True).stdout.strip()
    memory = int(re.search(r"MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text())[1]) // 2**20  # type: ignore[index]
    return f"{cores} cores ({cpu}), {memory} GiB, Linux {platform.release()}, Python {platform.python_version()}"


def versions(*packages: str) -> str:
    """Name the versions of packages that are installed beside us."""
    return ", ".join(f"{name} {version(name)}" for name in packages)


def spread(samples: Sequence[float], *, unit: str, scale: float = 1.0, digits: int = 1) -> str:
    """Write a median with its smallest and largest sample."""
    low, middle, high = min(samples), statistics.median(samples), max(samples)
    return f"{middle * scale:.{digits}f} {unit} ({low * scale:.{digits}f}–{high * scale:.{digits}f})"


def write_section(title: str, body: str, *, with_versions: str) -> None:
    """Put a section into RESULTS.md, in place of the one with the same title."""
    when = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    section = f"## {title}\n\n{when}; {machine()}; {with_versions}.\n\n{body.strip()}\n"
    text = RESULTS.read_text() if RESULTS.exists() else HEAD
    sections = re.split(r"(?m)^(?=## )", text)
    kept = [part.rstrip() + "\n" for part in sections if not part.startswith(f"## {title}\n")]
    RESULTS.write_text("\n".join([*kept, section]))
    print(section)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Make a Markdown table."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])
