"""What a Python kernel has again after a sleep."""

import json
import pickle
import shutil
import struct
from collections.abc import Callable, Iterator
from enum import Enum
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import pytest
from session.tests.places import session_python

from .conftest import Kernel, kernels

Start = Callable[..., Kernel]
Sleep = Callable[..., Kernel]
COMMAND = [session_python(), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
CALL = "__import__('rspark_session.workspace', fromlist=['_']).{name}({folder!r})"


class Sleeper:
    """Runs cells in one kernel, sleeps, and goes on in another."""

    def __init__(self, start: Start, folder: Path) -> None:
        self.folder = folder
        self._start = start
        self.kernel = start(COMMAND)

    def run(self, code: str) -> str:
        return self.kernel.run(code)

    def ask(self, expression: str) -> str:
        return self.kernel.run(f"print(repr(({expression})))")

    def save(self) -> None:
        assert self.kernel.shown(CALL.format(name="save", folder=str(self.folder)), silent=True) == []

    def start(self) -> None:
        """Start the kernel that goes on; the one before has ended."""
        self.kernel = self._start(COMMAND)

    def restore(self) -> None:
        assert self.kernel.shown(CALL.format(name="restore", folder=str(self.folder)), silent=True) == []

    def sleep(self) -> None:
        self.save()
        self.kernel.end()
        self.start()
        self.restore()

    @property
    def saved(self) -> dict[str, Any]:
        return json.loads((self.folder / "manifest.json").read_text())

    @property
    def restored(self) -> dict[str, Any]:
        return json.loads((self.folder / "restored.json").read_text())

    def lost(self) -> dict[str, tuple[str, str]]:
        return {entry["name"]: (entry["class"], entry["why"]) for entry in self.saved["lost"]}


@pytest.fixture
def python(start_kernel: Start, tmp_path: Path) -> Sleeper:
    return Sleeper(start_kernel, tmp_path / "kept")


# Made in one kernel; each is asked for in another after the sleep.
COUNTER = """
def counter():
    n = 0
    def more():
        nonlocal n
        n += 1
        return n
    return more
count = counter(); count()
"""
POINT = """
class Point:
    def __init__(self, x): self.x = x
point = Point(3)
"""
PAIR = """
from dataclasses import dataclass
@dataclass
class Pair:
    a: int
    b: int
pair = Pair(1, 2)
"""
COLOUR = """
from enum import Enum
class Colour(Enum):
    RED = 1, "warm"
    ROT = RED
    BLUE = 2, "cold"
    def __init__(self, number, feel): self.feel = feel
    @property
    def shout(self): return self.name + "!"
red = Colour.RED
"""
LINKED = """
class Node: pass
head = None
for _i in range(100000):
    _n = Node(); _n.next = head; head = _n
del _n
def length(node):
    n = 0
    while node is not None: n, node = n + 1, node.next
    return n
"""
ODD = """
class Odd:
    x = 1
    def __eq__(self, other): raise ValueError("eq")
    def __hash__(self): raise ValueError("hash")
    def __bool__(self): raise ValueError("bool")
    def __repr__(self): raise ValueError("repr")
    def __len__(self): raise ValueError("len")
    def __sizeof__(self): raise ValueError("sizeof")
odd = Odd(); odds = [odd, Odd()]
"""
KEPT = [
    ("n = 41", "n + 1", "42"),
    ("text = 'ünïcode'", "text", "'ünïcode'"),
    ("_mine = [1, (2, {'three': {4}})]", "_mine", "[1, (2, {'three': {4}})]"),
    ("double = lambda x: 2 * x", "double(21)", "42"),
    ("factor = 6\ndef times(x): return factor * x", "times(7)", "42"),
    (COUNTER, "count()", "2"),
    (POINT, "isinstance(point, Point), point.x", "(True, 3)"),
    (PAIR, "pair == Pair(1, 2)", "True"),
    (COLOUR, "red is Colour.RED is Colour.ROT, red.feel, red.shout, len(Colour)", "(True, 'warm', 'RED!', 2)"),
    ("import numpy as np\narray = np.arange(6).reshape(2, 3)", "int(array.sum()), np.__name__", "(15, 'numpy')"),
    ("import pandas as pd\nframe = pd.DataFrame({'x': [1, None]})", "frame.shape, int(frame.x.isna().sum())", "((2, 1), 1)"),
    ("from math import sqrt as root", "root(9)", "3.0"),
    ("import re\npattern = re.compile('a+')", "bool(pattern.match('aa'))", "True"),
    ("from datetime import datetime, UTC\nat = datetime(2013, 1, 1, tzinfo=UTC)", "at.tzinfo is UTC", "True"),
    ("itself = []; itself.append(itself)", "itself[0] is itself", "True"),
    ("import queue\nwaiting = queue.Queue(); waiting.put(5)", "waiting.get(timeout=5)", "5"),
    ("import os.path as p", "p.basename('/a/b')", "'b'"),
    ("open = 3", "open", "3"),
    ("deep = []\nfor _i in range(100000): deep = [deep]", "len(deep)", "1"),
    (LINKED, "length(head)", "100000"),
    ("from typing import TypeVar, Generic\nT = TypeVar('T')\nclass Box(Generic[T]): pass\nbox = Box()",
     "isinstance(box, Box)", "True"),
    ("whole = np.arange(10); part = whole[2:8:2]; part[0] = 77", "int(whole[2]), part.base is not None", "(77, True)"),
    ("whole2 = np.arange(10); part2 = whole2[::-1]", "part2.__setitem__(0, 5) or int(whole2[9])", "5"),
    (ODD, "odd.x, [o.x for o in odds]", "(1, [1, 1])"),
    ("huge = 7 ** 100000", "huge == 7 ** 100000", "True"),
    ("import weakref\nclass Ref: pass\nref = Ref(); weak = weakref.ref(ref)", "weak() is ref", "True"),
    ("import functools\nadd3 = functools.partial(lambda a, b: a + b, 3)", "add3(4)", "7"),
    ("from collections import namedtuple, Counter, defaultdict\nXY = namedtuple('XY', 'x y'); xy = XY(1, 2)",
     "xy == XY(1, 2)", "True"),
    ("groups = defaultdict(lambda: [0]); groups['a']", "groups['b'], groups['a']", "([0], [0])"),
    ("mixed = np.array([1, 'a', lambda: 3], dtype=object)", "mixed[2]()", "3"),
]  # fmt: skip


@pytest.fixture(scope="module")
def slept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sleeper]:
    """A kernel that has all of `KEPT` after a sleep."""
    folder = tmp_path_factory.mktemp("python")
    with kernels(folder / "work") as start:
        python = Sleeper(start, folder / "kept")
        for made, _, _ in KEPT:
            python.run(made)
        python.sleep()
        yield python


@pytest.mark.parametrize(("asked", "answer"), [case[1:] for case in KEPT])
def test_it_has_its_objects_again(slept: Sleeper, asked: str, answer: str) -> None:
    assert slept.ask(asked) == answer


def test_nothing_of_that_was_lost(slept: Sleeper) -> None:
    assert slept.saved["lost"] == []
    assert slept.restored["lost"] == []
    assert slept.restored["objects"] == slept.saved["objects"] >= len(KEPT)


def test_what_two_names_share_stays_shared(python: Sleeper) -> None:
    python.run("a = [1]; b = a; c = {'a': a}\nclass C: pass\nx = C(); y = C(); y.other = x; f = lambda: a")
    python.sleep()
    assert python.ask("a is b, c['a'] is a, y.other is x, type(x) is C, f() is a") == "(True, True, True, True, True)"


def test_functions_see_the_names_that_come_after_the_sleep(python: Sleeper) -> None:
    python.run("def f(): return later")
    python.sleep()
    python.run("later = 7")
    assert python.ask("f()") == "7"


class Case(NamedTuple):
    made: str
    class_: str
    why: str


STUBBORN = """
class Stubborn:
    def __reduce__(self): raise ValueError("no, thank you")
{} = Stubborn()
"""
MISSING = """
class Missing:
    def __reduce__(self): raise FileNotFoundError(2, "gone")
{} = Missing()
"""
GENERATOR = "It is a generator or coroutine in the middle of its work. Start it again."
RUNNING = "It is something that runs beside the kernel. Start it again."
MODULE = "It is a module that can't be imported by its name. Make it again."
LOCK = "It is a lock of threads that are gone. Make it again."
DATABASE = "It is a database connection. Connect again."
LOST = {
    "file": Case("{} = open('/dev/null')", "_io.TextIOWrapper", "It is an open file. Open it again."),
    "connection": Case("import socket; {} = socket.socket()", "socket.socket", "It is an open connection. Connect again."),
    "generator": Case("{} = (n for n in range(3))", "generator", GENERATOR),
    "database": Case("import sqlite3; {} = sqlite3.connect(':memory:')", "sqlite3.Connection", DATABASE),
    "lock": Case("import threading; {} = threading.Lock()", "_thread.lock", LOCK),
    "thread": Case("import threading; {} = threading.Thread(target=print)", "threading.Thread", RUNNING),
    "process": Case("import subprocess; {0} = subprocess.Popen(['true']); {0}.wait()", "subprocess.Popen", RUNNING),
    "module": Case("import types; {} = types.ModuleType('made')", "module", MODULE),
    "stubborn": Case(STUBBORN, "Stubborn", "It can't be saved: no, thank you."),
    "missing": Case(MISSING, "Missing", "It can't be saved: [Errno 2] gone."),
}


@pytest.fixture(scope="module")
def bereft(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sleeper]:
    """A kernel that had all of `LOST` before a sleep, each between two objects that can be kept."""
    folder = tmp_path_factory.mktemp("python")
    with kernels(folder / "work") as start:
        python = Sleeper(start, folder / "kept")
        python.run("before_all = ['before']")
        for name, case in LOST.items():
            python.run(case.made.format(name))
            python.run(f"after_{name} = [before_all, {name!r}]")
        python.sleep()
        yield python


@pytest.mark.parametrize("name", LOST)
def test_what_cannot_be_kept_is_named_and_takes_nothing_else_along(bereft: Sleeper, name: str) -> None:
    assert bereft.lost()[name] == (LOST[name].class_, LOST[name].why)
    assert bereft.ask(f"after_{name}, after_{name}[0] is before_all") == f"([['before'], {name!r}], True)"
    assert bereft.ask(f"{name!r} in globals()") == "False"


def test_nothing_else_of_that_was_lost(bereft: Sleeper) -> None:
    assert set(bereft.lost()) == set(LOST)
    assert bereft.restored["lost"] == bereft.saved["lost"]


def test_sparks_session_and_what_belongs_to_it_is_named(python: Sleeper) -> None:
    python.run(
        "import sys\n"
        "from py4j.java_gateway import JavaObject\n"
        "from pyspark.sql import DataFrame, Row, SparkSession\n"
        "from pyspark.sql.types import StructType\n"
        "java = JavaObject.__new__(JavaObject)\n"
        "spark = SparkSession.__new__(SparkSession)\n"
        "rows = [Row(a=1)]; schema = StructType()"
    )
    python.sleep()
    assert set(python.lost()) == {"java", "spark"}
    assert python.lost()["spark"][1].startswith("It is a part of Spark's session")
    assert python.ask("rows, len(schema)") == "([Row(a=1)], 0)"


def test_an_object_that_fails_half_way_leaves_what_follows_whole(python: Sleeper) -> None:
    python.run(
        "shared = ['shared']\nhalf = [shared, ['new'], (n for n in [])]\nwhole = [shared, ['new']]\ntwice = [whole, whole]"
    )
    python.sleep()
    assert python.lost()["half"] == ("list", "It holds a generator or coroutine in the middle of its work. Start it again.")
    assert set(python.lost()) == {"half"}
    assert python.ask("half[0] is shared, half[1]") == "(True, ['new'])"
    assert python.ask("half[2]").startswith("<not kept: a generator or coroutine")
    assert python.ask("whole, whole[0] is shared, twice[0] is whole") == "([['shared'], ['new']], True, True)"


def test_an_object_that_cannot_be_read_again_takes_no_other_along(python: Sleeper) -> None:
    python.run(
        "def _fail(*a): raise ValueError('not today')\n"
        "class Bad:\n    def __reduce__(self): return (_fail, (['kept inside'],))\n"
        "a = ['a']; bad = Bad(); b = [a, 'b']; c = [b, a]"
    )
    python.sleep()
    assert python.saved["lost"] == []
    why = "It can't be read again: ValueError: not today. It is still kept: `%rspark_kept bad` tries again."
    assert python.restored["lost"] == [{"name": "bad", "class": "", "why": why, "failed": True}]
    assert python.restored["objects"] == python.saved["objects"] - 1
    assert python.ask("a, b, c[0] is b, b[0] is a, 'bad' in globals()") == "(['a'], [['a'], 'b'], True, True, False)"


def test_what_ipython_puts_there_is_not_taken_for_the_persons(python: Sleeper) -> None:
    python.run("1 + 1")
    python.run("_")
    python.sleep()
    assert python.saved["objects"] == 0
    assert python.saved["lost"] == []
    assert python.ask("get_ipython().user_ns is globals(), In[0], exit is not None") == "(True, '', True)"


def test_random_numbers_go_on_where_they_were(python: Sleeper) -> None:
    python.run("import random, numpy\nrandom.seed(1); numpy.random.seed(2); g = numpy.random.default_rng(3)")
    expected = "random.random(), float(numpy.random.rand()), float(g.random())"
    python.run(f"before = random.getstate(), numpy.random.get_state(), g.bit_generator.state\nfirst = {expected}")
    python.run("random.setstate(before[0]); numpy.random.set_state(before[1]); g.bit_generator.state = before[2]")
    python.sleep()
    assert python.ask(f"first == ({expected})") == "True"


def test_the_working_directory_and_the_modules_beside_it_are_there(python: Sleeper, tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "beside.py").write_text("value = 5\nclass Thing:\n    pass\n")
    python.run(
        f"import os, sys\nos.chdir({str(project)!r}); sys.path.append({str(project)!r})\nimport beside\nthing = beside.Thing()"
    )
    python.sleep()
    assert python.ask("os.getcwd(), beside.value, type(thing) is beside.Thing") == f"({str(project)!r}, 5, True)"


def test_a_folder_or_a_module_that_went_away_is_named(python: Sleeper, tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "passing.py").write_text("")
    python.run(f"import os, sys\nos.chdir({str(project)!r}); sys.path.append({str(project)!r})\nimport passing\nn = 1")
    python.save()
    shutil.rmtree(project)
    python.kernel.end()
    python.start()
    python.restore()
    assert [(entry["name"], entry["class"]) for entry in python.restored["lost"]] == [
        (str(project), "folder"),
        ("passing", "module"),
    ]
    assert python.ask("n") == "1"


def test_plots_are_neither_lost_nor_shown_again(python: Sleeper) -> None:
    python.run("%matplotlib inline\nimport matplotlib.pyplot as plt\nfigure, axes = plt.subplots(); axes.plot([1, 2, 3])")
    python.sleep()
    assert python.saved["lost"] == []
    assert python.ask("len(axes.lines), axes.figure is figure, plt.get_fignums()") == "(1, True, [])"
    shown = python.kernel.shown("plt.plot([3, 2, 1]); plt.show()")
    assert [list(message["content"]["data"]) for message in shown if message["msg_type"] == "display_data"] == [
        ["text/plain", "image/png"]
    ]


def test_saving_changes_nothing_in_the_kernel(python: Sleeper, tmp_path: Path) -> None:
    python.run("n = 1")
    python.kernel.shown("names = set(globals())", silent=True)
    python.kernel.shown(CALL.format(name="save", folder=str(tmp_path / "kept")), silent=True)
    assert python.ask("set(globals()) - names - {'names', '_i2'}") == "set()"


@pytest.mark.long
def test_much_data_is_kept_as_it_is_and_little_is_compressed(python: Sleeper) -> None:
    python.run("import numpy\nlittle = numpy.zeros(4 * 10**5)")
    python.sleep()
    assert (python.folder / "objects.gz").stat().st_size < 10**6
    assert not (python.folder / "objects").exists()
    python.run("much = numpy.zeros(4 * 10**7); much[-1] = 9")
    python.folder = python.folder.with_name("kept-2")
    python.sleep()
    assert (python.folder / "objects").stat().st_size > 3 * 10**8
    assert python.saved["bytes"] > 3 * 10**8
    assert python.ask("float(much[-1]), little.size") == "(9.0, 400000)"


def test_a_folder_that_cannot_be_written_leaves_no_manifest_and_no_trace_in_the_kernel(python: Sleeper, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert python.kernel.shown(CALL.format(name="save", folder=str(tmp_path / "file/kept")), silent=True) == []


def test_a_folder_without_a_workspace_says_so_in_a_file(python: Sleeper, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert python.kernel.shown(CALL.format(name="restore", folder=str(tmp_path / "empty")), silent=True) == []
    assert "manifest.json" in json.loads((tmp_path / "empty/failed.json").read_text())["why"]
    assert not (tmp_path / "empty/restored.json").exists()


def test_a_kill_in_the_middle_leaves_no_manifest(python: Sleeper) -> None:
    python.run(
        "import os\nclass Deadly:\n    def __reduce__(self): os.kill(os.getpid(), 9)\n"
        "import numpy\nn = numpy.zeros(1000)\nd = Deadly()"
    )
    python.kernel.client.execute(CALL.format(name="save", folder=str(python.folder)), silent=True)
    while python.kernel.manager.is_alive():
        pass
    assert (python.folder / "objects").exists()
    assert not (python.folder / "manifest.json").exists()


def test_a_workspace_that_the_first_version_saved_is_restored(python: Sleeper, tmp_path: Path) -> None:
    """Such files name a class and a function of ours, which therefore stay where they are."""

    def body(value: object) -> bytes:
        return pickle.dumps(value, protocol=2)[2:-1]  # without the opcodes of begin and end

    fields = {"folder": str(tmp_path), "search": [], "modules": {"m": "math"}, "random": Random(7).getstate()}
    state = b"\x80\x02crspark_session.workspace.state\nState\n)\x81" + body(fields | {"numpy_random": None, "lost": []}) + b"b."
    colour = b"\x80\x02crspark_session.workspace.enums\nmake\n" + body(("Colour", "Colour", (Enum,), {"RED": 1})) + b"R."
    python.folder.mkdir()
    (python.folder / "state").write_bytes(state)
    (python.folder / "objects").write_bytes(struct.pack("<IQ", 6, len(colour)) + b"Colour" + colour)
    (python.folder / "manifest.json").write_text('{"language": "python", "objects": 1, "bytes": 9, "lost": []}')
    python.restore()
    assert python.restored["lost"] == []
    assert python.ask("Colour.RED.value, m.pi > 3, __import__('os').getcwd()") == f"(1, True, {str(tmp_path)!r})"
    assert python.ask("__import__('random').random()") == repr(Random(7).random())


SMALLEST = """
class Bad:
    def __reduce__(self): raise ValueError("no")
class Worse:
    def __getstate__(self): raise KeyError("no")
class Wrong:
    def __reduce__(self): return 5
data = {"rows": list(range(5)), "log": open("/dev/null"), "bad": Bad(), "worse": [Worse()], "wrong": (Wrong(),)}
class Model:
    def __init__(self): self.weights = [1, 2]; self.file = open("/dev/null")
model = Model()
import pandas as pd
frame = pd.DataFrame({"x": [1, 2], "y": [Bad(), "ok"]})
"""


def test_the_smallest_part_is_lost_and_something_says_what_it_was(python: Sleeper) -> None:
    python.run(SMALLEST)
    python.sleep()
    assert set(python.lost()) == {"data", "model", "frame"}
    failed = {entry["name"]: entry["failed"] for entry in python.saved["lost"]}
    assert failed == {"data": True, "model": False, "frame": True}
    assert python.ask("data['rows'], model.weights, list(frame.x), frame.y[1]") == "([0, 1, 2, 3, 4], [1, 2], [1, 2], 'ok')"
    for place in ("data['log']", "data['bad']", "data['worse'][0]", "data['wrong'][0]", "model.file", "frame.y[0]"):
        assert python.ask(place).startswith("<not kept: "), place


def test_what_can_not_be_read_is_kept_until_its_module_is_mended(python: Sleeper, tmp_path: Path) -> None:
    module = tmp_path / "passing.py"
    module.write_text("class Thing:\n    x = 5\n")
    python.run(f"import sys; sys.path.insert(0, {str(tmp_path)!r})\nimport passing\nbefore = [1]")
    python.run("thing = passing.Thing(); after = [before, 2]; del passing")
    python.save()
    module.write_text("")
    for number in (2, 3):  # it is kept over more than one sleep
        python.kernel.end()
        python.start()
        python.restore()
        assert python.ask("after[0] is before, 'thing' in globals()") == "(True, False)"
        assert "thing" in python.ask("__import__('rspark_session.workspace', fromlist=['_']).kept()")
        assert "thing: It can't be read again" in python.run("%rspark_kept")
        python.folder = tmp_path / f"kept-{number}"
        python.save()
    python.kernel.end()
    python.start()
    python.restore()
    module.write_text("class Thing:\n    x = 5\n")
    python.run("import importlib, sys; importlib.reload(sys.modules['passing']) if 'passing' in sys.modules else None")
    assert python.run("%rspark_kept thing") == ""
    assert python.ask("thing.x") == "5"


def test_a_deleted_working_directory_takes_nothing_along(python: Sleeper) -> None:
    python.run("import os; os.mkdir('gone'); os.chdir('gone'); os.rmdir(os.getcwd()); x = 5")
    python.sleep()
    assert python.ask("x") == "5"
    (entry,) = python.restored["lost"]
    assert (entry["class"], entry["name"].endswith("/gone")) == ("folder", True)


def test_many_small_names_share_a_frame_and_what_they_share(python: Sleeper) -> None:
    python.run("shared = [1]\nfor i in range(700): globals()[f'n{i}'] = [i, shared]")
    python.run("n3 = [{1}, shared]; n4 = [[[[open('/dev/null')]]], shared]")
    python.sleep()
    assert python.ask("[n5[1] is shared, n699[1] is shared, n3[1] is shared, n4[1] is shared, n3[0], n6[0]]") == (
        "[True, True, True, True, {1}, 6]"
    )
    assert list(python.lost()) == ["n4"]
    assert python.saved["objects"] == 702
    frames = json.loads((python.folder / "frames.json").read_text())
    assert sum(names is not None and len(names) > 100 for _, _, _, names in frames) > 0


def test_frames_of_versions_that_had_one_for_each_name_are_read(python: Sleeper) -> None:
    python.run("class Point: pass\npoint = Point(); point.x = 3")
    python.save()
    listed = python.folder / "frames.json"
    before = json.loads(listed.read_text())
    assert all(names is None for _, _, _, names in before if names != ["i"])
    listed.write_text(json.dumps([entry[:3] for entry in before]))
    python.kernel.end()
    python.start()
    python.restore()
    assert python.ask("point.x") == "3"


class OfManyKinds(NamedTuple):
    made: str
    asked: str
    answer: str


OBJECTS_OF_CLASSES = (
    OfManyKinds("class A: pass\na = A(); a.x = a; b = A()", "a.x is a, vars(b)", "(True, {})"),
    OfManyKinds("class B:\n    __slots__ = ('x',)\ns = B(); s.x = 1", "s.x", "1"),
    OfManyKinds("class C:\n    def __getstate__(self): return {'y': 2}\nc = C(); c.x = 1", "vars(c)", "{'y': 2}"),
    OfManyKinds("class D(dict): pass\nd = D(a=1); d.x = 2", "d, d.x", "({'a': 1}, 2)"),
    OfManyKinds("from typing import NamedTuple\nclass E(NamedTuple):\n    x: int\n    y: int = 2\ne = E(1)", "e", "E(x=1, y=2)"),
    OfManyKinds("class F(E):\n    def __new__(cls, x): return super().__new__(cls, x, 9)\nf = F(1); f.z = 3", "f, f.z",
                "(F(x=1, y=9), 3)"),
    OfManyKinds("class G:\n    def __setstate__(self, s): self.set = s\ng = G(); g.x = 1", "g.set", "{'x': 1}"),
    OfManyKinds("class H:\n    @property\n    def __dict__(self): return {'no': 1}\nh = H()", "type(h).__name__", "'H'"),
)  # fmt: skip


def test_objects_are_made_as_their_classes_say(python: Sleeper) -> None:
    for case in OBJECTS_OF_CLASSES:
        python.run(case.made)
    python.sleep()
    assert python.lost() == {}
    assert [python.ask(case.asked) for case in OBJECTS_OF_CLASSES] == [case.answer for case in OBJECTS_OF_CLASSES]
