"""What Python has beside its objects is kept over a sleep, or named: every row of the table in docs/concepts.md."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import kernels
from .python_state import CASES, StateCase
from .test_python_workspace import Sleeper, Start


@pytest.fixture(scope="module")
def slept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sleeper]:
    """A kernel in which all of it was set up before a sleep."""
    folder = tmp_path_factory.mktemp("python")
    with kernels(folder / "work") as start:
        python = Sleeper(start, folder / "kept")
        for case in CASES:
            python.run(case.made)
        python.save()
        python.kernel.end()
        python.start()
        python.restore()
        yield python


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.what)
def test_it_is_kept_or_named(slept: Sleeper, case: StateCase) -> None:
    if case.named:
        assert any(case.named in entry["name"] for entry in slept.saved["lost"]), slept.saved["lost"]
    else:
        assert slept.ask(case.asked) == case.answer


def test_nothing_that_failed_is_said_to_have(slept: Sleeper) -> None:
    assert [entry for entry in slept.restored["lost"] if entry.get("failed") or entry["class"] == "state"] == []


def test_a_part_that_can_not_be_restored_takes_no_other_along(start_kernel: Start, tmp_path: Path) -> None:
    python = Sleeper(start_kernel, tmp_path / "kept")
    python.run("import sys, pandas as pd; pd.set_option('display.max_rows', 7); sys.path.insert(0, '/first'); x = 1")
    python.save()
    python.run(
        "import pickle\nfile = " + repr(str(python.folder / "state")) + "\n"
        "saved = list(pickle.load(open(file, 'rb')))\nsaved[0]['pandas options'] = b'odd'\n"
        "pickle.dump(tuple(saved), open(file, 'wb'))"
    )
    python.kernel.end()
    python.start()
    python.restore()
    assert [entry["name"] for entry in json.loads((python.folder / "restored.json").read_text())["lost"]] == ["pandas options"]
    assert python.ask("x, __import__('sys').path[0]") == "(1, '/first')"


def test_what_can_not_be_looked_at_or_given_back_takes_nothing_else_along(start_kernel: Start, tmp_path: Path) -> None:
    python = Sleeper(start_kernel, tmp_path / "kept")
    # Objects of libraries that answer to no question, as those do that are made when they are first asked for something.
    python.run(
        "import csv, json, xml\nclass Odd(dict):\n    def items(self): raise RuntimeError('not set up')\n"
        "class Lazy:\n    __class__ = property(lambda self: 1 / 0)\n"
        "csv.odd, xml.lazy = Odd(a=1), Lazy()\n"
        # A table that a cell made: the module has none of it after the sleep.
        "def tell(): return 'told'\nvars(json)['own_table'] = {'tell': tell}; json.set_table = {'tell': tell}\n"
        "import mimetypes, copyreg\nclass Point: pass\ncopyreg.pickle(Point, lambda point: (Point, ()))\nx = 1"
    )
    python.sleep()
    assert [entry["name"] for entry in python.saved["lost"] if "not set up" in entry["why"]] == ["csv", "csv.odd"]
    assert any("own_table" in entry["name"] for entry in python.restored["lost"])
    assert python.ask("x, tell(), Point in __import__('copyreg').dispatch_table") == "(1, 'told', True)"
    assert python.ask("__import__('json').set_table['tell'] is tell") == "True"


WITH_MODULE = """
import goes, math, sys, copyreg, pandas as pd
def shows(thing): return "shown"
get_ipython().display_formatter.formatters["text/html"].for_type(goes.Thing, shows)
math.thing = goes.Thing()
pd.set_option("display.max_rows", 7)
"""


@pytest.mark.long
def test_what_is_beside_objects_has_a_way_back(start_kernel: Start, tmp_path: Path) -> None:
    python = Sleeper(start_kernel, tmp_path / "kept")
    module = tmp_path / "goes.py"
    module.write_text("class Thing: n = 5\n")
    python.run(f"import sys; sys.path.insert(0, {str(tmp_path)!r}); sys.dont_write_bytecode = True")
    python.run(WITH_MODULE)
    python.save()
    module.write_text("raise RuntimeError('being edited')\n")
    python.run(
        "import pickle\nfile = " + repr(str(python.folder / "state")) + "\n"
        "saved = list(pickle.load(open(file, 'rb')))\nsaved[0]['umask'] = pickle.dumps('odd')\n"
        "pickle.dump(tuple(saved), open(file, 'wb'))"
    )
    for number in range(2):  # the second sleep takes along what the first could not read
        python.kernel.end()
        python.start()
        python.restore()
        names = [line.partition(": ")[0] for line in python.run("%rspark_kept").splitlines()]
        (shown,) = [name for name in names if name.startswith("callback formatter text/html ")]
        assert set(names) == {shown, "math.thing", "umask"}
        if number == 0:
            why = {entry["name"]: entry["why"] for entry in python.restored["lost"]}
            assert all(f"It is still kept: `%rspark_kept {name}` tries again." in why[name] for name in names)
            python.folder = tmp_path / "again"
            python.save()
    module.write_text("class Thing: n = 6\n")
    assert "umask" in python.run(f"%rspark_kept {shown}")  # by itself: all others are there still
    assert python.run("%rspark_kept all").partition(":")[0] == "umask"  # the file is damaged
    assert (
        python.ask("math.thing.n, get_ipython().display_formatter.format(__import__('goes').Thing())[0]['text/html']")
        == "(6, 'shown')"
    )
