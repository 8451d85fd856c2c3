"""What several names hold, and can't be kept or read again: each of them is named, and what else they share stays shared."""

from pathlib import Path

import pytest

from .test_python_workspace import Sleeper, Start

HELD = """
class Bad:
    def __reduce__(self): raise ValueError("no")
class Holder: pass
first, second = Holder(), Holder()
bad = first.bad = second.bad = Bad()
common = first.common = second.common = ["common"]
opened = open("/dev/null"); one = [opened, 1]; two = [opened, 2]
third, fourth = Holder(), Holder()
third.hidden = fourth.hidden = open("/dev/null"); third.alone = open("/dev/null")
last = [first, second, common, one]
"""
MODULE = """
class Model:
    def __init__(self): self.x = 5
class Half(Model):
    def __setstate__(self, state): self.__dict__.update(state)
"""
BROKEN = """
class Half:
    def __setstate__(self, state): raise ValueError("not today")
"""
SHARED = """
import goes
class Holder: pass
first, second, third, fourth = Holder(), Holder(), Holder(), Holder()
model = first.model = second.model = goes.Model()
half = third.half = fourth.half = goes.Half()
common = first.common = second.common = third.common = ["common"]
deep = [[[[model]]]]; other = goes.Model(); plain = [[["plain"]]]
last = [first, third, common]
del goes
"""
TOGETHER = (
    "model is first.model is second.model is deep[0][0][0][0], half is third.half is fourth.half, model.x, half.x, other.x, "
    "first.common is second.common"
)


@pytest.fixture
def python(start_kernel: Start, tmp_path: Path) -> Sleeper:
    return Sleeper(start_kernel, tmp_path / "kept")


def test_what_can_not_be_saved_is_named_for_each_that_holds_it(python: Sleeper) -> None:
    python.run(HELD)
    python.sleep()
    assert set(python.lost()) == {"first", "second", "third", "fourth", "bad", "opened", "one", "two", "last"}
    assert python.lost()["bad"] == ("Bad", "It can't be saved: no.")
    assert python.ask("'bad' in globals(), 'opened' in globals(), one[1], two[1]") == "(False, False, 1, 2)"
    assert python.ask("last[0] is first, last[1] is second, last[3] is one") == "(True, True, True)"
    assert python.ask("last[2] is common is first.common is second.common, common") == "(True, ['common'])"
    assert python.ask("[second.bad, two[0], fourth.hidden, third.alone]").count("<not kept: ") == 4
    assert python.saved["objects"] == python.restored["objects"] == 10  # two classes, four holders, four lists


def test_what_can_not_be_read_again_is_named_for_each_that_holds_it(python: Sleeper, tmp_path: Path) -> None:
    module = tmp_path / "goes.py"
    module.write_text(MODULE)
    python.run(f"import sys; sys.path.insert(0, {str(tmp_path)!r}); sys.dont_write_bytecode = True")
    python.run(SHARED)
    python.save()
    module.write_text(BROKEN)
    python.kernel.end()
    python.start()
    python.restore()
    why = {entry["name"]: entry["why"] for entry in python.restored["lost"]}
    no_model = {name for name in why if "has no attribute 'Model'" in why[name]}
    assert no_model == {"first", "second", "model", "deep", "other", "last"}
    assert {name for name in why if "ValueError: not today" in why[name]} == {"third", "fourth", "half"} == why.keys() - no_model
    assert [why[name].partition(" can't")[0] for name in ("second", "model")] == ["A part of it", "It"]
    assert python.ask("[name for name in ('model', 'half', 'other') if name in globals()], plain") == "([], [[['plain']]])"
    assert python.ask("last[0] is first, last[1] is third, last[2] is common is second.common") == "(True, True, True)"
    module.write_text(MODULE)
    python.run("import importlib, sys; importlib.reload(sys.modules['goes']) if 'goes' in sys.modules else None")
    assert python.run("%rspark_kept all") == ""
    assert python.ask(TOGETHER) == "(True, True, 5, 5, 5, True)"


CONTAINERS = """
import collections
class Box: pass
class Closed:
    def __init__(self): self.held, self.rest = inner, 1
    def __getstate__(self): return {"rest": self.rest}
inner = [open("/dev/null"), "rest"]
a = {"inner": inner}; b = {"inner": inner}; same = inner
deep = [[[inner]]]; box = Box(); box.inner = inner; queue = collections.deque([inner])
def uses(found=inner): return found
closed = Closed(); apart = ["rest"]
"""


def test_a_container_is_named_for_every_name_that_holds_it(python: Sleeper) -> None:
    python.run(CONTAINERS)
    python.sleep()
    assert set(python.lost()) == {"inner", "a", "b", "same", "deep", "box", "queue", "uses"}
    assert {why for _, why in python.lost().values()} == {"It holds an open file. Open it again."}
    assert python.ask("inner is a['inner'] is b['inner'] is same is deep[0][0][0] is box.inner is queue[0] is uses()") == "True"
    assert python.ask("inner[1], closed.rest, apart, repr(inner[0])[:23]") == "('rest', 1, ['rest'], '<not kept: an open file')"


def test_a_container_that_can_not_be_read_is_named_and_read_again_for_every_name(python: Sleeper, tmp_path: Path) -> None:
    module = tmp_path / "goes.py"
    module.write_text(MODULE)
    python.run(f"import sys; sys.path.insert(0, {str(tmp_path)!r}); sys.dont_write_bytecode = True\nimport goes")
    python.run("inner = [goes.Model(), 'rest']; a = {'inner': inner}; b = {'inner': inner}; apart = ['rest']; del goes")
    python.save()
    module.write_text(BROKEN)
    python.kernel.end()
    python.start()
    python.restore()
    assert {entry["name"] for entry in python.restored["lost"]} == {"inner", "a", "b"}
    module.write_text(MODULE)
    python.run("import importlib; importlib.reload(sys.modules['goes']) if 'goes' in sys.modules else None")
    assert python.run("%rspark_kept all") == ""
    assert python.ask("inner is a['inner'] is b['inner'], inner[0].x, apart") == "(True, 5, ['rest'])"
