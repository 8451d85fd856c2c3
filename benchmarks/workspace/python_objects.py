"""Saving a Python workspace beside pickle itself, in one run: plain data, instances of a class, arrays, many names.

Run in the Python of sessions. Prints JSON: for each case the seconds of the processor that pickle (`plain`) and ours take, and of
some how both grow, by the number of what is saved. Both write to the same disk.
"""

import json
import os
import pickle
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from IPython.core.interactiveshell import InteractiveShell

from rspark_session.workspace import save

REPEATS = 3
GROWTH = (5_000, 10_000, 20_000)


def cases(space: dict[str, object]) -> dict[str, Callable[[], dict[str, object]]]:
    """Return what makes the names of each case."""
    exec("class Record:\n    def __init__(self, x): self.x, self.name = x, str(x)", space)
    exec("from collections import namedtuple\nPair = namedtuple('Pair', 'id value')", space)
    record, pair = space["Record"], space["Pair"]
    return {
        "500,000 dicts": lambda: {"rows": [{"id": i, "name": f"n{i}", "value": i * 0.5} for i in range(500_000)]},
        "200,000 instances": lambda: {"records": [record(i) for i in range(200_000)]},  # type: ignore[operator]
        "an array of 200 MB": lambda: {"array": np.random.default_rng(1).random(25_000_000)},
        "200,000 named tuples": lambda: {"tuples": [pair(i, i * 0.5) for i in range(200_000)]},  # type: ignore[operator]
        "5,000 names": lambda: {f"name_{i}": [i, str(i), {"x": i}] for i in range(5_000)},
    }


def growing(space: dict[str, object], n: int) -> dict[str, Callable[[], dict[str, object]]]:
    """Return what makes n of each case that is measured as it grows."""
    record = space["Record"]
    return {
        "names": lambda: {f"name_{i}": [i, str(i), {"x": i}] for i in range(n)},
        "lists of one instance, each a name": lambda: {f"name_{i}": [record(i)] for i in range(n // 10)},  # type: ignore[operator]
        "instances in a list": lambda: {"records": [record(i) for i in range(n)]},  # type: ignore[operator]
    }


def seconds(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def to_disk(names: dict[str, object], file: Path) -> None:
    with file.open("wb") as opened:
        pickle.dump(names, opened)
        opened.flush()
        os.fsync(opened.fileno())


def measured(space: dict[str, object], make: Callable[[], dict[str, object]]) -> dict[str, float]:
    """Return the seconds of both for what `make` makes."""
    for name in ("Record", "Pair"):  # so that pickle finds them
        setattr(sys.modules["__main__"], name, space[name])
    names = make()
    space.update(names)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        plain = min(seconds(partial(to_disk, names, place / "plain")) for _ in range(REPEATS))
        ours = min(seconds(partial(save, place / "ours")) for _ in range(REPEATS))
        assert json.loads((place / "ours/manifest.json").read_text())["lost"] == []
    for name in names:
        del space[name]
    return {"plain": plain, "ours": ours}


def main() -> None:
    space = InteractiveShell.instance().user_ns
    results = {title: measured(space, make) for title, make in cases(space).items()}
    growth: dict[str, dict[int, dict[str, float]]] = {}
    for n in GROWTH:
        for title, make in growing(space, n).items():
            growth.setdefault(title, {})[n] = measured(space, make)
    print(json.dumps({"cases": results, "growth": growth}))


if __name__ == "__main__":
    main()
