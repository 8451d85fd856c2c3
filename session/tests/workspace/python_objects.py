"""Objects that a workspace has, of kinds that pickle alone would lose or break: cases of a test, all over one sleep."""

from typing import NamedTuple


class ObjectCase(NamedTuple):
    """`made` makes it. Afterwards `asked` is `answer`; `lost` are the names of which a part, or all, is named."""

    made: str
    asked: str = "True"
    answer: str = "True"
    lost: tuple[str, ...] = ()


CACHED = """
import functools
@functools.lru_cache(maxsize=7)
def fib(n): return n if n < 2 else fib(n - 1) + fib(n - 2)
fib.note = 'mine'
"""
WRAPPED = """
def counting(f):
    @functools.wraps(f)
    def inner(*a):
        inner.calls += 1
        return f(*a)
    inner.calls = 0
    return inner
@counting
def hi(): return 'hi'
hi()
"""
SHARED_CELL = """
def pair():
    n = [0]
    def more(): n[0] += 1; return n[0]
    def now(): return n[0]
    return more, now
more, now = pair(); more()
"""
ERROR = """
class Refused(Exception):
    def __init__(self, who, what): super().__init__(f'{who}: {what}'); self.who = who
try:
    try: 1 / 0
    except ZeroDivisionError as cause: raise Refused('ann', 'x') from cause
except Refused as problem: error = problem
errors = [error, OSError(2, 'gone', 'file')]
"""
FORWARDS = """
class Forwards:
    def __init__(self): self.inner = [1]
    def __getattr__(self, name): return getattr(self.inner, name)
class Stored:
    def __init__(self): object.__setattr__(self, 'd', {})
    def __setattr__(self, name, value): self.d[name] = value
    def __getattr__(self, name): return self.d[name]
class Text(str):
    def __new__(cls, text, of): made = super().__new__(cls, text); made.of = of; return made
forwards = Forwards(); stored = Stored(); stored.a = 4; text = Text('t', 'book')
"""
REGISTERED = """
class Register(type):
    names = []
    def __new__(meta, name, bases, space): meta.names.append(name); return super().__new__(meta, name, bases, space)
class Plugin(metaclass=Register): pass
class Base:
    below = []
    def __init_subclass__(cls, **more): Base.below.append(cls.__name__)
class Below(Base): pass
plugin, below = Plugin(), Below()
"""
MAPPED = """
import os; os.environ['HOME'] = os.getcwd()
mapped = np.memmap('mapped.bin', dtype='f8', mode='w+', shape=(100,)); mapped[:] = 3; part = mapped[10:20]
"""
CTYPES = """
import ctypes
class Pixel(ctypes.Structure): _fields_ = [('x', ctypes.c_int)]
pixel = Pixel(3); doubles = (ctypes.c_double * 2)(1, 2); number = ctypes.c_int(5); library = {'c': ctypes.CDLL(None), 'n': 1}
"""
ENDLESS = """
import time
class Waits:
    def __reduce__(self):
        while True:
            try: time.sleep(0.05)
            except Exception: pass
class Exits:
    def __reduce__(self): raise SystemExit(3)
waits = Waits(); hold_waits = {'n': 1, 'w': Waits(), 'more': Waits()}; hold_exits = [2, Exits()]
"""
UNREADABLE = """
class SlowToRead:
    def __init__(self): self.a = 1
    def __setstate__(self, state): slow and time.sleep(600)
class ExitsWhenRead:
    def __init__(self): self.a = 1
    def __setstate__(self, state): raise SystemExit(4)
slow = True; hold_slow = [5, SlowToRead(), 6]; hold_exits_read = {'n': 7, 'e': ExitsWhenRead()}; shares = [hold_exits_read]
"""
BETWEEN = """
import multiprocessing, random
between = {'q': multiprocessing.Queue(), 'v': multiprocessing.Value('i', 5), 'n': 3}; system = random.SystemRandom()
"""

CASES = (
    ObjectCase(CACHED, "fib(20), fib.note, fib.cache_parameters()['maxsize']", "(6765, 'mine', 7)"),
    ObjectCase(WRAPPED, "hi(), hi.calls, hi.__wrapped__()", "('hi', 2, 'hi')"),
    ObjectCase(SHARED_CELL, "more(), now()", "(2, 2)"),
    ObjectCase("from typing import NewType; Id = NewType('Id', int); ids = {'t': Id}", "Id(3), ids['t'] is Id", "(3, True)"),
    ObjectCase(ERROR, "error.who, str(error), type(error.__cause__).__name__, errors[0] is error, errors[1].filename",
               "('ann', 'ann: x', 'ZeroDivisionError', True, 'file')"),
    ObjectCase(FORWARDS, "forwards.inner, stored.a, text, text.of", "([1], 4, 't', 'book')"),
    ObjectCase(REGISTERED, "Register.names, Base.below, type(plugin) is Plugin, isinstance(below, Base)",
               "(['Plugin'], ['Below'], True, True)"),
    ObjectCase("import numpy as np\n" + MAPPED, "float(part.sum()), type(part).__name__, mapped.filename is not None",
               "(30.0, 'memmap', True)"),
    ObjectCase(CTYPES, "pixel.x, list(doubles), number.value, library['n']", "(3, [1.0, 2.0], 5, 1)", lost=("library",)),
    ObjectCase("import sys; out = sys.stdout; log = {'to': sys.stderr}",
               "out is sys.stdout, log['to'] is sys.stderr", "(True, True)"),
    ObjectCase("steps = iter([1, 2, 3]); next(steps); both = zip([1], [2]); opened = {'f': open('x', 'w'), 'n': 1}",
               "list(steps), list(both), opened['n']", "([2, 3], [(1, 2)], 1)", lost=("opened",)),
    ObjectCase(ENDLESS, "hold_waits['n'], hold_exits[0]", "(1, 2)", lost=("waits", "hold_waits", "hold_exits")),
    ObjectCase(UNREADABLE, "hold_slow[0], hold_slow[2], hold_exits_read['n'], shares[0] is hold_exits_read", "(5, 6, 7, True)",
               lost=("hold_slow", "hold_exits_read", "shares")),
    ObjectCase("import pyarrow as pa\nt = pa.table({'x': [1]})\n"
               "reader = pa.RecordBatchReader.from_batches(t.schema, t.to_batches())",
               "t.num_rows", "1", lost=("reader",)),
    ObjectCase(BETWEEN, "between['n'], type(system).__name__", "(3, 'SystemRandom')", lost=("between",)),
)  # fmt: skip
