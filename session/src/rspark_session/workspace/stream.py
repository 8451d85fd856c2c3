"""Objects in a file, one frame each, by one pickler whose memory spans them all.

So two names for one list are still one list after the sleep, and yet an object that can't be saved, or can't be read again, takes
no other along. The pickler is Python's own, in C, with cloudpickle's ways for what cells make: classes, functions, enumerations.
Its protocol is 3, whose frames say where each value goes in the memory; the later ones count instead, and would count wrongly
after a frame that could not be read.

An object is written in up to three ways:

- fast: all at once; a part of a kind that is never kept is left out, and `NotKept` stands in its place;
- where that raises, with care: each part is asked alone, and one that refuses is left out like the others;
- where that raises too, by itself: by dill, and by the newest protocol, without what it shares with others.

What is nested too deeply for the stack of a thread is written in a thread with a stack of its own.
"""

import io
import pickle
import sys
import threading
import types
import weakref
from collections.abc import Callable, Iterable, Iterator
from enum import EnumType
from typing import Any, BinaryIO, Literal, NamedTuple, TypeVar

import cloudpickle  # type: ignore[import-not-found,import-untyped,unused-ignore]

from rspark_session.workspace import arrays, enums, functions
from rspark_session.workspace.namespace import namespace
from rspark_session.workspace.placeholder import NotKept
from rspark_session.workspace.unsaveable import Unsaveable, class_name, is_failure, kind_of, kind_of_named, why

T = TypeVar("T")

_PROTOCOL = 3
_WITH_SETTER = 6  # members of what a class is reduced to
_DEPTH, _STACK = 10**7, 2**30  # calls, and bytes of a stack; of the latter only what is used is taken

_LOCKS = {type(threading.Lock()): threading.Lock, type(threading.RLock()): threading.RLock}
_FOUND_BY_NAME = (type, types.FunctionType, types.BuiltinFunctionType)
_WEAK = (weakref.WeakValueDictionary, weakref.WeakKeyDictionary)


class Part(NamedTuple):
    """A part that was left out: a sentence that says why, and whether it was data."""

    why: str
    failed: bool


class _Pickler(cloudpickle.Pickler):  # type: ignore[misc]  # cloudpickle has no types
    def __init__(self, sink: "_Sink", shared: frozenset[int]) -> None:
        super().__init__(sink, protocol=_PROTOCOL)
        self.memo: Any
        self._sink = sink
        self._space = namespace()[0]
        self._shared = shared
        self.left_out: list[Part] = []
        self.careful = False
        self._plain: set[type] = set()  # types of which nothing is special
        self.top: Any = None

    def reducer_override(self, obj: Any) -> Any:
        if type(obj) in self._plain:  # asked for every object, hundreds of thousands of times
            return NotImplemented
        if kind := kind_of(obj):
            self.left_out.append(Part(f"It holds {kind.what}. {kind.remedy}.", False))
            return NotKept(f"{kind.what} ({class_name(obj)})", f"{kind.remedy}.").__reduce__()
        found = self._ours(obj)
        if found is not NotImplemented:
            return found
        try:
            found = super().reducer_override(obj)
            if found is not NotImplemented and isinstance(obj, EnumType) and len(found) == _WITH_SETTER:
                found = enums.with_members(obj, found)
            if found is NotImplemented and self.careful and obj is not self.top:
                found = self._asked(obj)
        except Exception as problem:
            if not self.careful or obj is self.top:
                raise
            return self._without(obj, problem)
        if found is NotImplemented and not self.careful and not isinstance(obj, _FOUND_BY_NAME) and not _is_of_numpy(obj):
            self._plain.add(type(obj))
        return found

    def _ours(self, obj: Any) -> Any:
        """Return how something is made again that neither pickle nor cloudpickle does as we need it."""
        type_ = type(obj)
        if _is_of_numpy(obj):
            root = arrays.root_of(obj)
            if root is not obj and id(root) in self._shared:
                return arrays.reduce(obj, root) or NotImplemented
        elif make := _LOCKS.get(type_):
            return make, ()
        elif type_ is weakref.ReferenceType and (target := obj()) is not None:
            return weakref.ref, (target,)
        elif type_ in _WEAK:
            return type_, (dict(obj),)
        return NotImplemented

    def _asked(self, obj: Any) -> Any:
        """Ask an object how it is made again, and believe only what pickle takes."""
        if type(obj) in self.dispatch_table or isinstance(obj, _FOUND_BY_NAME):
            return NotImplemented
        answer = obj.__reduce_ex__(_PROTOCOL)
        if isinstance(answer, str):
            return NotImplemented
        if not (isinstance(answer, tuple) and 2 <= len(answer) <= 6 and callable(answer[0]) and isinstance(answer[1], tuple)):
            raise pickle.PicklingError("its class doesn't say how it is made again")
        return answer

    def _without(self, obj: Any, problem: Exception) -> Any:
        reason = why(obj, problem)
        self.left_out.append(Part(f"A part of it ({class_name(obj)}) is lost. {reason}", is_failure(problem)))
        return NotKept(class_name(obj), reason).__reduce__()

    def _dynamic_function_reduce(self, func: Any) -> Any:
        if func.__globals__ is self._space:
            return functions.reduce(func)
        return super()._dynamic_function_reduce(func)

    def dump(self, obj: Any) -> None:
        pickle.Pickler.dump(self, obj)  # cloudpickle's hides a RecursionError

    def begin(self, obj: Any, *, careful: bool) -> None:
        """Forget what the object before was."""
        self.left_out, self.careful, self.top = [], careful, obj
        if careful:
            self._plain = set()  # each part is asked

    def place(self) -> int:
        """Return where the next value goes in the memory, as pickle itself says it, in the place of copying the memory."""
        self._sink.captured = captured = io.BytesIO()
        try:
            self.dump([])  # protocol, empty list, BINPUT or LONG_BINPUT, place
        finally:
            self._sink.captured = None
        said = captured.getvalue()[3:-1]
        return int.from_bytes(said[1:], "little")

    def forget_from(self, place: int) -> None:
        """Remove from the memory what was met since the next value went there."""
        self.memo = {key: entry for key, entry in self.memo.copy().items() if entry[0] < place}


def _is_of_numpy(obj: Any) -> bool:
    return type(obj).__module__ == "numpy" and type(obj).__name__ == "ndarray"


class _Sink:
    """The file, or for a while something else in its place."""

    def __init__(self, file: BinaryIO) -> None:
        self.captured: BinaryIO | None = None
        self._file = file

    def write(self, data: bytes) -> int:
        return (self.captured or self._file).write(data)


class FrameEntry(NamedTuple):
    """The entry of a frame in the list of those in a file: its name, whether it shares its memory with the others, its bytes."""

    name: str
    how: Literal["together", "alone"]
    length: int


class Writer:
    """Writes frames to a file that can be truncated. `shared` is what `arrays.shared_roots` returns of all objects.

    `frames` lists what was written. It is kept apart from the file: pickle reads ahead, and so may only read what it wrote.
    """

    def __init__(self, file: BinaryIO, *, shared: frozenset[int] = frozenset()) -> None:
        self._file = file
        self.frames: list[FrameEntry] = []
        self._pickler = _Pickler(_Sink(file), shared)

    def write(self, name: str, value: Any) -> list[Part]:
        """Write one object, and return which parts of it were left out; when it fails, nothing of it is in the file.

        Raises
        ------
        Unsaveable
            When it is of a kind that can't be restored.
        Exception
            Whatever else its pickling raises.
        """
        if kind := kind_of_named(value):
            raise Unsaveable(value, kind)
        start = self._file.tell()
        try:
            return self._write(name, value, start, careful=False)
        except RecursionError:
            return _deep(lambda: self._write(name, value, start, careful=False))
        except OSError:
            if self._file_is_full(start):
                raise
            return self._write_carefully(name, value, start)
        except Exception:  # whatever its classes raise
            return self._write_carefully(name, value, start)

    def _write_carefully(self, name: str, value: Any, start: int) -> list[Part]:
        try:
            return self._write(name, value, start, careful=True)
        except Exception as problem:
            try:
                return self._write_alone(name, value, start)
            except Exception:
                raise problem from None

    def _write(self, name: str, value: Any, start: int, *, careful: bool) -> list[Part]:
        pickler = self._pickler
        pickler.begin(value, careful=careful)
        place = pickler.place()
        try:
            pickler.dump(value)
        except BaseException:
            self._undo(start)
            pickler.forget_from(place)
            raise
        finally:
            pickler.top = None
        self.frames.append(FrameEntry(name, "together", self._file.tell() - start))
        return pickler.left_out

    def _write_alone(self, name: str, value: Any, start: int) -> list[Part]:
        """Write it without what it shares with others, by what is slower and knows more."""
        import dill  # type: ignore[import-not-found,import-untyped,unused-ignore]  # noqa: PLC0415  (seldom needed)

        try:
            data = pickle.dumps(value, protocol=5)
        except Exception:
            data = dill.dumps(value, protocol=5, byref=False, recurse=False)
        try:
            self._file.write(data)
        except BaseException:
            self._undo(start)
            raise
        self.frames.append(FrameEntry(name, "alone", self._file.tell() - start))
        return []

    def _undo(self, start: int) -> None:
        self._file.seek(start)
        self._file.truncate()

    def _file_is_full(self, start: int) -> bool:
        """Return whether the file takes no more: an error that an object raises may look the same."""
        try:
            self._file.write(bytes(1))
            self._file.flush()
        except OSError:
            return True
        finally:
            self._undo(start)
        return False


class Frame(NamedTuple):
    """One name, and its value or the problem in reading it."""

    name: str
    value: Any
    problem: Exception | None


def read(file: BinaryIO, frames: Iterable[FrameEntry]) -> Iterator[Frame]:
    """Yield the frames of a file, as they are listed. One that can't be read has a problem in place of a value."""
    unpickler = pickle.Unpickler(file)  # noqa: S301  (the file is the person's own)
    end, broken = 0, False
    for entry in frames:
        start, end = end, end + entry.length
        value, problem = None, None
        try:
            if entry.how == "alone":
                broken = True
                file.seek(start)
                value = _load_alone(file.read(entry.length))
            else:
                if broken:  # the old one is in the middle of something, or has read ahead from elsewhere
                    file.seek(start)
                    memo, unpickler = unpickler.memo, pickle.Unpickler(file)  # noqa: S301
                    unpickler.memo = memo  # as it is: of a dict, CPython takes the length and forgets the content
                    broken = False
                value = unpickler.load()
        except Exception as error:  # whatever a class of the person raises when it is read
            problem, broken = error, True
        yield Frame(entry.name, value, problem)


def _load_alone(data: bytes) -> Any:
    try:
        return pickle.loads(data)  # noqa: S301
    except Exception:
        import dill  # type: ignore[import-not-found,import-untyped,unused-ignore]  # noqa: PLC0415

        return dill.loads(data, ignore=True)  # noqa: S301


def _deep(work: Callable[[], T]) -> T:
    """Do work in a thread with a stack that is large enough for what is nested deeply."""
    result: list[T] = []
    problem: list[BaseException] = []

    def run() -> None:
        try:
            result.append(work())
        except BaseException as error:
            problem.append(error)

    limit, size = sys.getrecursionlimit(), threading.stack_size(_STACK)
    try:
        sys.setrecursionlimit(_DEPTH)
        thread = threading.Thread(target=run)
        thread.start()
    finally:
        threading.stack_size(size)
    try:
        thread.join()
    finally:
        sys.setrecursionlimit(limit)
    if problem:
        raise problem[0]
    return result[0]
