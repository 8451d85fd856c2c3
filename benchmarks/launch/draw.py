"""Draws the pictures of `benchmarks.launch`, from JSON on standard input: SVG by matplotlib, in the Python of the driver."""

import json
import sys
from pathlib import Path
from statistics import median
from typing import Any

import matplotlib as mpl

mpl.use("svg")
import matplotlib.pyplot as plt  # after the choice of what it draws for

COLOURS = {"bare": "#9aa0a6", "jupyterhub": "#e8833a", "sqlite": "#2f6f9f", "postgresql": "#5aa469"}
Row = dict[str, Any]


def figures(rows: list[Row], titles: dict[str, str], file: Path) -> None:
    """Draw starts a second, CPU a start and the API's p99 as bars, a group for each burst."""
    bursts = list(dict.fromkeys((row["starts"], row["in_flight"]) for row in rows))
    panels = {
        "starts a second": lambda row: row["starts_per_second"],
        "CPU of hub and controller a start, ms": lambda row: (
            row["cpu_ms_a_start"].get("hub", 0) + row["cpu_ms_a_start"].get("controller", 0)
        ),
        "p99 of another request meanwhile, ms": lambda row: 1000 * (row["api_seconds"]["p99"] or 0),
    }
    figure, axes = plt.subplots(1, len(panels), figsize=(13, 3.8), layout="constrained")
    width = 0.8 / len(titles)
    for axis, (title, value) in zip(axes, panels.items(), strict=True):
        for place, (name, label) in enumerate(titles.items()):
            heights = []
            for burst in bursts:
                found = [value(row) for row in rows if row["name"] == name and (row["starts"], row["in_flight"]) == burst]
                heights.append(median(found) if found else 0)
            shown = axis.bar(
                [number + width * place for number in range(len(bursts))], heights, width, color=COLOURS[name], label=label
            )
            axis.bar_label(shown, [f"{height:.0f}" if height else "" for height in heights], fontsize=7)
        axis.set_title(title, fontsize=10)
        axis.set_xticks([number + 0.4 - width / 2 for number in range(len(bursts))])
        axis.set_xticklabels(
            [f"{starts:,}, all at once" if starts == flight else f"{starts:,}, {flight} in flight" for starts, flight in bursts],
            fontsize=8,
        )
        axis.spines[["top", "right"]].set_visible(False)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=len(titles), fontsize=8, frameon=False)
    figure.savefig(file, metadata={"Date": None})


def moments(rows: list[Row], titles: dict[str, str], file: Path) -> None:
    """Draw how many sessions were ready at which moment of the largest burst that came all at once."""
    largest = max((row["starts"], row["in_flight"]) for row in rows if row["starts"] == max(each["starts"] for each in rows))
    figure, axis = plt.subplots(figsize=(8, 4), layout="constrained")
    for name, label in titles.items():
        found = [row for row in rows if row["name"] == name and (row["starts"], row["in_flight"]) == largest]
        for row in found[:1]:
            after = row["ready_after"]
            axis.step([0, *after], range(len(after) + 1), where="post", color=COLOURS[name], label=label)
    axis.set_xlabel("seconds after the first request")
    axis.set_ylabel(f"ready, of {largest[0]:,}")
    axis.legend(fontsize=8, frameon=False)
    axis.spines[["top", "right"]].set_visible(False)
    figure.savefig(file, metadata={"Date": None})


def main() -> None:
    given = json.load(sys.stdin)
    rows = [row for row in given["rows"] if row["killed"] is None]
    titles = {name: title for name, title in given["titles"].items() if any(row["name"] == name for row in rows)}
    mpl.rcParams["svg.hashsalt"] = "rsparkhub"  # the same rows give the same file
    mpl.rcParams["svg.fonttype"] = "none"
    folder = Path(given["folder"])
    figures(rows, titles, folder / "launch.svg")
    moments(rows, titles, folder / "launch-ready.svg")


if __name__ == "__main__":
    main()
