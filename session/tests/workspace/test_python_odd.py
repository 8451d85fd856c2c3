"""One odd thing in a kernel costs itself, and neither the workspace nor what is saved, or given back, together with it."""

from pathlib import Path

import pytest

from .test_python_workspace import Sleeper, Start

FILTERS = """
import sys, warnings
class Own(UserWarning): pass
warnings.filterwarnings("ignore", category=Own)
class Own(UserWarning): pass
warnings.filterwarnings("error", message="mine")
"""
LAZY = """
class Lazy: __class__ = property(lambda self: 1 / 0)
lazy = Lazy()
"""
HOOK = """
class Hook:
    def __getattr__(self, name): raise RuntimeError("not set up")
sys.unraisablehook = Hook()
"""
CLASS_OF_CLASS = """
class Meta(type): __module__ = property(lambda self: 1 / 0)
class Strange(metaclass=Meta): pass
strange = Strange()
"""
MUTE = """
class Mute(Exception):
    def __str__(self): raise RuntimeError("mute")
class Raises:
    def __reduce__(self): raise Mute
raises = Raises()
"""
NAMELESS = "import types; nameless = types.ModuleType('nameless'); del nameless.__name__"
OWN_MODULE = """
import pathlib
_ = pathlib.Path("own_limits.py").write_text("limit = 1\\n"), pathlib.Path("own_other.py").write_text("n = 1\\n")
sys.path.append("."); import own_limits, own_other
own_limits.limit, own_limits.lazy, own_other.n = 7, Lazy(), 8
class Strict(types.ModuleType):
    def __getattribute__(self, name): raise RuntimeError("strict")
sys.modules["strict"] = Strict("strict")
"""
PANDAS = """
import functools, pandas as pd
pd.options.display.max_rows = 7; pd.options.display.float_format = functools.partial(lambda end, x: f"{x:.1f}{end}", "!")
"""
SLOW = """
import threading
class Slow:
    def __getattr__(self, name): threading.Event().wait()
get_ipython().magics_manager.magics["line"]["slow"] = Slow()
"""
#: What takes no end is found out in 10 ticks.
TICK = "__import__('rspark_session.workspace.watchdog', fromlist=['_']).Watchdog.tick = 0.1"
LIMITS = """
import resource
resource.getrlimit = functools.partial(divmod, 1, 0); limits = ["limits"]
"""
ODD = (FILTERS, LAZY, HOOK, CLASS_OF_CLASS, MUTE, NAMELESS, OWN_MODULE, PANDAS, LIMITS)

GOES = """
class Model:
    x = 5
class Own(UserWarning): pass
"""
HOLDS = """
import pathlib, sys, warnings
_ = pathlib.Path("own_models.py").write_text("n = 1\\n"), pathlib.Path("own_lazy.py").write_text(
    "n = 1\\ndef __getattr__(name): raise RuntimeError('lazy')\\n")
sys.path.append("."); import goes, own_models, own_lazy, numpy.random
own_models.model, own_models.n, own_lazy.extra, own_lazy.n = goes.Model(), 2, 3, 2
def after(result, model=goes.Model()): pass
get_ipython().events.register("post_run_cell", after)
warnings.filterwarnings("error", message="mine"); warnings.filterwarnings("ignore", category=goes.Own)
import random; random.seed(1); first = random.random(); random.seed(1)
del goes, after; x = 1
"""


@pytest.fixture
def python(start_kernel: Start, tmp_path: Path) -> Sleeper:
    return Sleeper(start_kernel, tmp_path / "kept")


def test_what_can_not_be_saved_takes_nothing_along(python: Sleeper) -> None:
    for made in ODD:
        python.run(made)
    python.run("x = 1")
    python.sleep()
    names = {entry["name"] for entry in python.saved["lost"]}
    assert {"filters of warnings", "sys.unraisablehook", "raises", "nameless", "limits", "module strict"} <= names
    assert python.ask("x, limits, own_limits.limit, own_other.n") == "(1, ['limits'], 7, 8)"
    assert python.ask("pd.options.display.max_rows, pd.options.display.float_format(1)") == "(7, '1.0!')"
    assert python.ask("[f[0] for f in warnings.filters if f[1] and f[1].pattern == 'mine']") == "['error']"


@pytest.mark.long
def test_long_lines_of_numbers_take_no_time_and_hide_no_other_cell(python: Sleeper) -> None:
    python.run("import math; math.tau2 = 3")
    for numbers in (10_000, 60_000, 80_000):  # more than is read in all
        python.run(f"numbers = [{', '.join(f'{number}.5' for number in range(numbers))}]")
    python.sleep()
    assert python.ask("math.tau2, len(numbers)") == "(3, 80000)"


def test_an_error_that_says_much_takes_no_time(python: Sleeper) -> None:
    python.run("class Long:\n    def __reduce__(self): raise ValueError('pickling ' * 100_000)\nlong, x = Long(), 1")
    python.sleep()
    assert python.lost()["long"][1].startswith("It can't be saved: pickling")
    assert python.ask("x") == "1"


def test_what_takes_no_end_to_be_read_is_named_and_takes_nothing_along(python: Sleeper) -> None:
    python.run("import math; math.tau2, x = 3, 1")
    python.run(SLOW)
    python.run(TICK)
    python.sleep()
    assert python.lost()["magics"] == ("", "It takes no end to be read. Give it again.")
    assert python.ask("math.tau2, x") == "(3, 1)"


#: What hangs in each part of a save that is collected before the objects, and what that part is called.
HANGS = {
    "hangs": """
class Lazy(types.ModuleType):
    @property
    def __dict__(self): wait()
sys.modules["hangs"] = Lazy("hangs")
""",
    "sys.breakpointhook": """
class Hook:
    def __getattr__(self, name): wait()
sys.breakpointhook = Hook()
""",
    "threads": """
class Work(threading.Thread):
    def run(self): threading.Event().wait()
    @property
    def _target(self): wait()
    _target = _target.setter(lambda self, value: None)
Work(daemon=True).start()
""",
    "functions for the end": """
class Last:
    def __eq__(self, other): wait()
    def __call__(self): pass
    __hash__ = None
atexit.register(Last())
""",
    "callback pandas option display.float_format": """
class Format:
    def __call__(self, number): return str(number)
    def __reduce_ex__(self, version): wait()
pd.options.display.float_format = Format()
""",
    "random numbers of numpy": "numpy.random.get_state = lambda: wait()",
}


@pytest.mark.long
@pytest.mark.parametrize("does", ["threading.Event().wait()", "raise SystemExit(1)"])
def test_what_hangs_or_ends_all_before_the_objects_takes_nothing_along(python: Sleeper, does: str) -> None:
    python.run("import atexit, sys, threading, types, numpy.random, pandas as pd, math; math.tau2, x = 3, 1")
    python.run(f"def wait(): {does}")
    for made in HANGS.values():
        python.run(made)
    python.run("class Sized:\n    def __sizeof__(self): wait()\nsized, y = Sized(), [1, 2]\nglobals()[5] = 6")
    python.run(TICK)
    python.save()
    lost = {entry["name"] for entry in python.saved["lost"]}
    python.kernel.end()
    python.start()
    python.restore()
    assert python.ask("x, y, math.tau2") == "(1, [1, 2], 3)"
    assert lost >= set(HANGS)


def test_what_can_not_be_given_back_is_named_and_takes_nothing_along(python: Sleeper, tmp_path: Path) -> None:
    (tmp_path / "goes.py").write_text(GOES)
    python.run(f"import sys; sys.path.insert(0, {str(tmp_path)!r})")
    python.run(HOLDS)
    python.save()
    (tmp_path / "goes.py").unlink()
    python.kernel.end()
    python.start()
    python.kernel.shown("import sys; sys.modules['numpy'] = sys.modules['numpy.random'] = None", silent=True)
    python.restore()
    lost = {entry["name"]: entry for entry in python.restored["lost"]}
    assert "No module named 'goes'" in lost["module own_models"]["why"]
    assert lost["module own_models"]["failed"]
    assert "No module named 'goes'" in lost["callback event post_run_cell 0"]["why"]
    assert {"filters of warnings", "random numbers"} < lost.keys()
    assert python.ask("x, own_models.n, own_lazy.n, own_lazy.extra") == "(1, 2, 2, 3)"
    assert python.ask("[f[0] for f in warnings.filters if f[1] and f[1].pattern == 'mine']") == "['error']"
    assert python.ask("random.random() == first") == "True"


def test_what_a_version_before_saved_in_one_piece_is_read(python: Sleeper) -> None:
    python.run("import numpy, random, warnings; warnings.filterwarnings('error', message='mine'); numpy.random.seed(3)")
    python.save()
    python.run(
        "import pickle\nfile = " + repr(str(python.folder / "state")) + "\nsaved = list(pickle.load(open(file, 'rb')))\n"
        "saved[0]['warnings'] = pickle.dumps([('error', None, DeprecationWarning, None, 0), *warnings.filters])\n"
        "saved[2] = pickle.dumps((random.getstate(), numpy.random.get_state()))\npickle.dump(tuple(saved), open(file, 'wb'))"
    )
    expected = python.ask("random.random(), float(numpy.random.rand())")
    python.kernel.end()
    python.start()
    python.restore()
    assert python.restored["lost"] == []
    assert python.ask("random.random(), float(numpy.random.rand())") == expected
    assert python.ask("warnings.filters[0][2] is DeprecationWarning, warnings.filters[1][1].pattern") == "(True, 'mine')"
