"""Kinds of object that can't be restored, or would be broken when they are, and the sentence that says so to a person."""

import io
import re
import sys
from dataclasses import dataclass
from types import AsyncGeneratorType, CoroutineType, FrameType, GeneratorType, TracebackType
from typing import Any

from rspark_session.workspace.watchdog import GetsNowhere, OutOfTime


@dataclass(frozen=True)
class Kind:
    """A kind of object: what it is, and what to do after waking."""

    what: str
    remedy: str


_FILE = Kind("an open file", "Open it again")
_CONNECTION = Kind("an open connection", "Connect again")
_DATABASE = Kind("a database connection", "Connect again")
_SPARK = Kind("a part of Spark's session, which ends with the kernel", "Make it again")
_GENERATOR = Kind("a generator or coroutine in the middle of its work", "Start it again")
_RUNNING = Kind("something that runs beside the kernel", "Start it again")
_TEMPORARY = Kind("a temporary folder, which ends with the kernel", "Make it again")
_BETWEEN = Kind("shared by processes that are gone", "Make it again")
_LIBRARY = Kind("a library of C that was loaded", "Load it again")
_LOCK = Kind("a lock of threads that are gone", "Make it again")

#: By module and name, so that nothing has to be imported to know it. Subclasses count too.
_BY_NAME = {
    ("socket", "socket"): _CONNECTION,
    ("_socket", "socket"): _CONNECTION,
    ("tempfile", "TemporaryDirectory"): _TEMPORARY,
    ("tempfile", "_TemporaryFileWrapper"): _FILE,
    ("threading", "Thread"): _RUNNING,
    ("multiprocessing.process", "BaseProcess"): _RUNNING,
    ("subprocess", "Popen"): _RUNNING,
    ("multiprocessing.pool", "Pool"): _RUNNING,
    ("multiprocessing.managers", "BaseManager"): _RUNNING,
    ("multiprocessing.managers", "BaseProxy"): _BETWEEN,
    ("multiprocessing.queues", "Queue"): _BETWEEN,
    ("multiprocessing.queues", "SimpleQueue"): _BETWEEN,
    ("multiprocessing.synchronize", "SemLock"): _BETWEEN,
    ("multiprocessing.synchronize", "Condition"): _BETWEEN,
    ("multiprocessing.synchronize", "Event"): _BETWEEN,
    ("multiprocessing.sharedctypes", "SynchronizedBase"): _BETWEEN,
    ("multiprocessing.shared_memory", "SharedMemory"): _BETWEEN,
    ("multiprocessing.connection", "_ConnectionBase"): _CONNECTION,
    ("ctypes", "CDLL"): _LIBRARY,
    ("concurrent.futures._base", "Executor"): _RUNNING,
    ("concurrent.futures._base", "Future"): _RUNNING,
    ("_asyncio", "Future"): _RUNNING,
    ("_asyncio", "Task"): _RUNNING,
    ("asyncio.events", "AbstractEventLoop"): _RUNNING,
    ("sqlite3", "Connection"): _DATABASE,
    ("sqlite3", "Cursor"): _DATABASE,
    ("psycopg._connection_base", "BaseConnection"): _DATABASE,
    ("psycopg._cursor_base", "BaseCursor"): _DATABASE,
    ("psycopg2.extensions", "connection"): _DATABASE,
    ("psycopg2.extensions", "cursor"): _DATABASE,
    ("sqlalchemy.engine.base", "Connection"): _DATABASE,
    ("sqlalchemy.engine.base", "Engine"): _DATABASE,
    ("sqlalchemy.orm.session", "Session"): _DATABASE,
    ("duckdb", "DuckDBPyConnection"): _DATABASE,
    ("py4j.java_gateway", "JavaObject"): _SPARK,
    ("py4j.java_gateway", "JavaClass"): _SPARK,
    ("py4j.java_gateway", "JavaPackage"): _SPARK,
    ("py4j.java_gateway", "JVMView"): _SPARK,
    ("py4j.java_gateway", "GatewayClient"): _SPARK,
    ("py4j.java_gateway", "JavaGateway"): _SPARK,
    ("pyspark.core.context", "SparkContext"): _SPARK,
    ("pyspark.core.rdd", "RDD"): _SPARK,
    ("pyspark.sql.session", "SparkSession"): _SPARK,
    ("pyspark.sql.dataframe", "DataFrame"): _SPARK,
    ("pyspark.sql.column", "Column"): _SPARK,
}
_LOCKS = (type(sys.modules["_thread"].allocate_lock()), type(sys.modules["_thread"].RLock()))
_by_type: dict[type, Kind | None] = {}


#: What Python, Cython and libraries say of objects that are made for one process.
_REFUSES = re.compile(
    r"\b(can(not|'t)( be)? pickled?|(not|isn't) pickl[ei]able|pickling .* (not|isn't) supported"
    r"|no default __reduce__|cannot be converted to a Python object for pickling)\b",
    re.IGNORECASE,
)
#: How many letters of an error are looked at: the pattern takes the square of them, at worst.
_LOOKED_AT = 10_000


class Unsaveable(Exception):
    """An object is, or holds, something that can't be restored: `value`, of the kind `kind`."""

    def __init__(self, value: Any, kind: Kind) -> None:
        super().__init__(kind.what)
        self.value, self.kind = value, kind


def kind_of(value: Any) -> Kind | None:
    """Return the kind of a value that can't be restored wherever it is found, else None."""
    type_ = type(value)
    if type_ not in _by_type:
        _by_type[type_] = _kind_of_type(type_)
    return _by_type[type_]


def kind_of_named(value: Any) -> Kind | None:
    """Return the kind of a value that can't be restored under a name of its own, else None.

    A lock by itself is lost; one inside another object is made anew, so that the object works.
    """
    return _LOCK if isinstance(value, _LOCKS) else kind_of(value)


def why(value: Any, problem: BaseException) -> str:
    """Return a sentence that says why `value` was not saved."""
    if isinstance(problem, Unsaveable):
        verb = "It is" if problem.value is value else "It holds"
        return f"{verb} {problem.kind.what}. {problem.kind.remedy}."
    if isinstance(problem, RecursionError):
        return "It is nested too deeply to be saved. Make it again."
    if isinstance(problem, GetsNowhere):
        return "Its class takes no end to say how it is saved. Save it in another way."
    if isinstance(problem, OutOfTime):
        return "There was not enough time to save it."
    if isinstance(problem, MemoryError):
        return "There was not enough memory to save it. Make it again."
    message = " ".join(said(problem).split()) or type(problem).__name__
    return f"It can't be saved: {message[:200]}."


def is_failure(problem: BaseException) -> bool:
    """Return whether data could not be kept; not where something is of a kind that never can, as we know, or as Python says."""
    if isinstance(problem, Unsaveable):
        return False
    return not (isinstance(problem, NotImplementedError) or _REFUSES.search(said(problem)[:_LOOKED_AT]))


def said(problem: BaseException) -> str:
    """Return what an error says; a class of the person may fail to say it."""
    try:
        return str(problem)
    except Exception:
        return ""


def described(problem: BaseException) -> str:
    """Return an error's class, and what it says."""
    if isinstance(problem, (GetsNowhere, OutOfTime)):
        return said(problem)
    return f"{type(problem).__name__}: {said(problem)}".removesuffix(": ")


def class_name(value: Any) -> str:
    """Return the name of a value's class as a person writes it: `int`, and `pandas.DataFrame` by its module."""
    type_ = type(value)
    try:
        module, name = type_.__module__, type_.__qualname__
    except Exception:  # the class of a class may answer as it likes
        module, name = None, type.__dict__["__qualname__"].__get__(type_)
    return name if not isinstance(module, str) or module in {"builtins", "__main__"} else f"{module}.{name}"


def _kind_of_type(type_: type) -> Kind | None:
    if issubclass(type_, (GeneratorType, CoroutineType, AsyncGeneratorType, FrameType, TracebackType)):
        return _GENERATOR
    if issubclass(type_, io.IOBase) and not issubclass(type_, (io.BytesIO, io.StringIO)):
        return _FILE
    for base in type_.__mro__:
        if kind := _BY_NAME.get((base.__module__, base.__qualname__)):
            return kind
    return None
