"""Objects in a file, one frame each, by one pickler whose memory spans them all.

So two names for one list are still one list after the sleep, and yet an object that can't be saved, or can't be read again, takes
no other along. The pickler is Python's own, in C, with cloudpickle's ways for what cells make: classes, functions, enumerations.
Its protocol is 3, whose frames say where each value goes in the memory; the later ones count instead, and would count wrongly
after a frame that could not be read.

An object is written in up to three ways:

- fast: all at once; a part of a kind that is never kept is left out, and `NotKept` stands in its place;
- where that raises, with care: each part is asked alone, and one that refuses is left out like the others;
- where that raises too, by itself: by dill, and by the newest protocol, without what it shares with others.

A class may raise anything, `SystemExit` among it, or never return (`watchdog`): that costs its object, or the part that it is.

What is nested too deeply for the stack of a thread is written in a thread with a stack of its own.
"""

import copyreg
import io
import pickle
import sys
import threading
import types
from collections.abc import Callable, Iterable, Iterator
from enum import EnumType
from typing import Any, BinaryIO, Literal, NamedTuple, TypeVar, cast

import cloudpickle  # type: ignore[import-not-found,import-untyped,unused-ignore]

from rspark_session.workspace import arrays, classes, enums, functions, objects
from rspark_session.workspace.namespace import namespace
from rspark_session.workspace.placeholder import NotKept
from rspark_session.workspace.tolerant import Stand, TolerantUnpickler, with_memory
from rspark_session.workspace.unsaveable import Unsaveable, class_name, is_failure, kind_of, kind_of_named, why
from rspark_session.workspace.watchdog import GetsNowhere, OutOfTime, Watchdog

T = TypeVar("T")

_PROTOCOL = 3
_WITH_SETTER = 6  # members of what a class is reduced to
_DEPTH, _STACK = 10**7, 2**30  # calls, and bytes of a stack; of the latter only what is used is taken

_NEW_OBJECT = copyreg.__newobj__  # type: ignore[attr-defined]
_FOUND_BY_NAME = (type, types.FunctionType, types.BuiltinFunctionType)
_CONTAINERS = frozenset({list, tuple, set, frozenset, dict})


class Part(NamedTuple):
    """A part that was left out: a sentence that says why, and whether it was data."""

    why: str
    failed: bool


class _Pickler(cloudpickle.Pickler):  # type: ignore[misc]  # cloudpickle has no types
    def __init__(self, sink: "_Sink", shared: frozenset[int], watchdog: Watchdog) -> None:
        super().__init__(sink, protocol=_PROTOCOL)
        # One dictionary, which C asks for every object: cloudpickle's is several in a row, asked in Python.
        table = {**self.dispatch_table, types.CodeType: functions.reduce_code}
        pickle.Pickler.dispatch_table.__set__(self, table)  # type: ignore[attr-defined]
        self.memo: Any
        self._sink = sink
        self._space = namespace()[0]
        self._shared = shared
        self.left_out: list[Part] = []
        self.careful = False
        self._plain: set[type] = set()  # types of which nothing is special
        self._simple: set[type] = set()  # and those whose objects are their attributes and nothing else
        self._tuples: set[type] = set()  # and those of named tuples
        self.top: Any = None
        self._watchdog = watchdog
        self.steps = 0
        self._endless: dict[type, BaseException] = {}
        self._unkept: list[Any] = []  # objects of this frame that something stands for
        self.all_unkept: list[Any] = []  # and of all that were written

    def reducer_override(self, obj: Any) -> Any:
        self.steps += 1
        kind = type(obj)
        if kind in self._simple:  # asked for every object, hundreds of thousands of times
            return _NEW_OBJECT, (kind,), obj.__dict__ or None
        if kind in self._plain:
            return NotImplemented
        if kind in self._tuples:
            return _NEW_OBJECT, (kind, *obj)
        try:
            return self._reduced(obj)
        except OutOfTime:
            raise
        except BaseException as problem:
            if not self.careful or obj is self.top:
                raise
            return self._without(obj, problem)

    def _reduced(self, obj: Any) -> Any:
        if type(obj) in self._endless:
            return self._without(obj, self._endless[type(obj)])
        stream = objects.stream_of(obj)
        if stream is None and (kind := kind_of(obj)):
            part = Part(f"It holds {kind.what}. {kind.remedy}.", False)
            return self._stand_in(obj, part, NotKept(f"{kind.what} ({class_name(obj)})", f"{kind.remedy}."))
        if found := stream or arrays.way_of(obj, self._shared) or objects.reduce(obj):
            return found
        found = super().reducer_override(obj)
        if found is NotImplemented:
            return self._plainly(obj)
        if isinstance(obj, EnumType) and len(found) == _WITH_SETTER:
            return enums.with_members(obj, found)
        return classes.without_hooks(obj, found) if isinstance(obj, type) else found

    def _plainly(self, obj: Any) -> Any:
        """Leave it to pickle, and ask no more about its type; where care is needed, ask the object before."""
        if self.careful:
            return NotImplemented if obj is self.top else self._asked(obj)
        if not isinstance(obj, _FOUND_BY_NAME) and not arrays.is_array(obj):
            self._kind_of_class(type(obj)).add(type(obj))
        return NotImplemented

    def _kind_of_class(self, type_: type) -> set[type]:
        """Return the set in which a class belongs of which nothing is special."""
        if type_ in self.dispatch_table:
            return self._plain
        if objects.is_simple(type_):
            return self._simple
        return self._tuples if objects.is_named_tuple(type_) else self._plain

    def _asked(self, obj: Any) -> Any:
        """Ask an object how it is made again, and believe only what pickle takes."""
        if type(obj) in self.dispatch_table or isinstance(obj, _FOUND_BY_NAME):
            return NotImplemented
        try:
            with self._watchdog.impatient():
                answer = obj.__reduce_ex__(_PROTOCOL)
        except GetsNowhere as problem:
            self.is_endless(type(obj), problem)
            raise
        if isinstance(answer, str):
            return NotImplemented
        if not (isinstance(answer, tuple) and 2 <= len(answer) <= 6 and callable(answer[0]) and isinstance(answer[1], tuple)):
            raise pickle.PicklingError("its class doesn't say how it is made again")
        return answer

    def is_endless(self, type_: type, problem: BaseException) -> None:
        """Ask objects of this class no more."""
        if type_.__module__ != "builtins":
            self._endless[type_] = problem

    def _without(self, obj: Any, problem: BaseException) -> Any:
        reason = why(obj, problem)
        part = Part(f"A part of it ({class_name(obj)}) is lost. {reason}", is_failure(problem))
        return self._stand_in(obj, part, NotKept(class_name(obj), reason))

    def _stand_in(self, obj: Any, part: Part, stand_in: NotKept) -> Any:
        self.left_out.append(part)
        self._unkept.append(obj)
        return stand_in.__reduce__()

    def _dynamic_function_reduce(self, func: Any) -> Any:
        if func.__globals__ is self._space:
            return functions.reduce(func)
        return super()._dynamic_function_reduce(func)

    def dump(self, obj: Any) -> None:
        pickle.Pickler.dump(self, obj)  # cloudpickle's hides a RecursionError

    def begin(self, obj: Any, *, careful: bool) -> None:
        """Forget what the object before was."""
        self.left_out, self.careful, self.top, self._unkept = [], careful, obj, []
        if careful:
            self._plain, self._simple, self._tuples = set(), set(), set()  # each part is asked

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

    def ask_again(self) -> None:
        """Forget what something stands for in this frame, so that another that holds it is asked, and named, by itself.

        Its place stays taken, since pickle gives the next value the place that is the length of its memory.
        """
        if any(count > _HELD_ONCE for count in _references(self._unkept)):  # else no other holds any, and it takes no time
            memory = self.memo.copy()
            for key in map(id, self._unkept):
                memory[key] = (memory[key][0], object())
            self.memo = memory
        self.all_unkept += self._unkept
        self._unkept = []


def _references(objs: list[Any]) -> list[int]:
    return [sys.getrefcount(obj) for obj in objs]


_HELD_ONCE = _references([object()])[0] + 2  # by an object of the frame, and by pickle's memory


class _Sink:
    """The file, or for a while something else in its place."""

    def __init__(self, file: BinaryIO) -> None:
        self.captured: BinaryIO | None = None
        self._file = file

    def write(self, data: bytes) -> int:
        return (self.captured or self._file).write(data)


class FrameEntry(NamedTuple):
    """The entry of a frame in the list of those in a file: its name, whether it shares its memory with the others, its bytes.

    A frame of many objects has all their `names`, and no other.
    """

    name: str
    how: Literal["together", "alone"]
    length: int
    names: list[str] | None = None


class Writer:
    """Writes frames to a file that can be truncated. `shared` is what `arrays.shared_roots` returns of all objects.

    `frames` lists what was written. It is kept apart from the file: pickle reads ahead, and so may only read what it wrote.
    """

    def __init__(self, file: BinaryIO, watchdog: Watchdog, *, shared: frozenset[int] = frozenset()) -> None:
        self._file, self._watchdog = file, watchdog
        self.frames: list[FrameEntry] = []
        self.is_full = False  # whether the disk has no room for more
        self._pickler = _Pickler(_Sink(file), shared, watchdog)

    @property
    def left_out(self) -> list[Any]:
        """All objects that were left out of others."""
        return self._pickler.all_unkept

    def write(self, name: str, value: Any) -> list[Part]:
        """Write one object, and return which parts of it were left out; when it fails, nothing of it is in the file.

        Raises
        ------
        Unsaveable
            When it is of a kind that can't be restored.
        BaseException
            Whatever else its pickling raises; `OutOfTime` when no other can be written either.
        """
        if objects.stream_of(value) is None and (kind := kind_of_named(value)):
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
        except OutOfTime:
            raise
        except GetsNowhere as problem:
            try:
                with self._watchdog.impatient():
                    return self._write(name, value, start, careful=True)
            except GetsNowhere:
                self._pickler.is_endless(type(value), problem)
                raise
        except BaseException:  # whatever its classes raise
            return self._write_carefully(name, value, start)

    def write_plain(self, values: dict[str, Any]) -> bool:
        """Write many objects in one frame, where they are of nothing but Python's plain types, of which each can be read.

        Return whether that was done; else nothing of them is in the file.
        """
        start, steps, place = self._file.tell(), self._pickler.steps, self._pickler.place()
        try:
            self._write("", list(values.values()), start, careful=False)
        except OutOfTime:
            raise
        except BaseException:  # each is written by itself, and says what is wrong
            return False
        entry = self.frames.pop()
        if self._pickler.steps != steps:  # pickle has asked about something
            self._undo(start)
            self._pickler.forget_from(place)
            return False
        self.frames.append(entry._replace(names=list(values)))
        return True

    def _write_carefully(self, name: str, value: Any, start: int) -> list[Part]:
        try:
            return self._write(name, value, start, careful=True)
        except (GetsNowhere, OutOfTime):
            raise
        except BaseException as problem:
            try:
                return self._write_alone(name, value, start)
            except Exception:
                raise problem from None

    def _write(self, name: str, value: Any, start: int, *, careful: bool) -> list[Part]:
        pickler = self._pickler
        pickler.begin(value, careful=careful)
        place = pickler.place()
        try:
            with self._watchdog.watching(lambda: pickler.steps):
                pickler.dump(value)
        except BaseException:
            self._undo(start)
            pickler.forget_from(place)
            raise
        finally:
            pickler.top = None
        self.frames.append(FrameEntry(name, "together", self._file.tell() - start))
        pickler.ask_again()
        return pickler.left_out

    def _write_alone(self, name: str, value: Any, start: int) -> list[Part]:
        """Write it without what it shares with others, by what is slower and knows more."""
        import dill  # type: ignore[import-not-found,import-untyped,unused-ignore]  # noqa: PLC0415  (seldom needed)

        data = io.BytesIO()
        with self._watchdog.watching(data.tell):
            try:
                pickle.Pickler(data, protocol=5).dump(value)
            except Exception:
                data.seek(0)
                data.truncate()
                dill.dump(value, data, protocol=5, byref=False, recurse=False)
        try:
            self._file.write(data.getbuffer())
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
    """One name, and its value, or the problem in reading it; both where a part of the value could not be read.

    `stands` are the objects in it that stand for what could not be read.
    """

    name: str
    value: Any
    problem: BaseException | None
    stands: tuple[NotKept, ...] = ()


def read(file: BinaryIO, frames: Iterable[FrameEntry], watchdog: Watchdog) -> Iterator[Frame]:
    """Yield the frames of a file, as they are listed. One that can't be read has a problem.

    What could not be read is tried again when all else is there, and comes a second time where that helps: a class may ask for
    another one when it is made.
    """
    reader = _Reader(file, watchdog)
    end, again = 0, []
    for entry in frames:
        start, end = end, end + entry.length
        frame = reader.read(entry, start)
        if entry.names is not None:
            yield from reader.each(entry.names, frame)
            continue
        if frame.problem is not None and entry.how == "together" and not isinstance(frame.problem, GetsNowhere):
            again.append((entry, start))
        yield frame
    for entry, start in again:
        frame = reader.read(entry, start)
        if frame.problem is None:
            yield frame


class _Nowhere(io.RawIOBase):
    """A file that takes everything and has nothing."""

    def __init__(self) -> None:
        self._at = 0

    def write(self, data: Any) -> int:
        self._at += len(data)
        return len(data)

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = offset
        return offset

    def truncate(self, size: int | None = None) -> int:
        return self._at


def left_out_of(value: Any, watchdog: Watchdog) -> list[Part]:
    """Return which parts of an object are left out where it shares nothing with what was written before."""
    return Writer(cast("BinaryIO", _Nowhere()), watchdog).write("", value)


def _holds(value: Any, found: set[int]) -> bool:
    """Return whether an object, or a container in it, holds one of those whose ids are in `found`."""
    waiting, met = [value], set()
    while waiting:
        each = waiting.pop()
        if id(each) in found:
            return True
        if type(each) in _CONTAINERS and id(each) not in met:
            met.add(id(each))
            waiting += [*each, *each.values()] if type(each) is dict else each
    return False


class _Reader:
    def __init__(self, file: BinaryIO, watchdog: Watchdog) -> None:
        self._file, self._watchdog = file, watchdog
        self._unpickler = pickle.Unpickler(file)  # noqa: S301  (the file is the person's own)
        self._at = 0
        # What stands for what could not be read, by its place, is not in the memory of `_unpickler`: what refers to it is read
        # with care as well, and named.
        self._stands: dict[int, Stand] = {}

    def read(self, entry: FrameEntry, start: int) -> Frame:
        try:
            value = self._load_alone(entry, start) if entry.how == "alone" else self._load(start)
        except BaseException as problem:  # whatever a class of the person raises when it is read
            self._at = -1
            if entry.how == "alone" or isinstance(problem, OutOfTime):
                return Frame(entry.name, None, problem)
            return self._read_tolerantly(entry, start, problem)
        self._at = -1 if entry.how == "alone" else start + entry.length
        return Frame(entry.name, value, None)

    def _load(self, start: int) -> Any:
        if self._at != start:  # the reader has read ahead from elsewhere, or is in the middle of something
            self._file.seek(start)
            self._unpickler = with_memory(self._file, self._unpickler, {})
        with self._watchdog.watching(self._file.tell):
            return self._unpickler.load()

    def _load_alone(self, entry: FrameEntry, start: int) -> Any:
        self._file.seek(start)
        data = io.BytesIO(self._file.read(entry.length))
        with self._watchdog.watching(data.tell):
            return _load_alone(data)

    def _read_tolerantly(self, entry: FrameEntry, start: int, problem: BaseException) -> Frame:
        """Read what can be read of a frame."""
        self._file.seek(start)
        met = self._unpickler.memo.copy()
        tolerant = TolerantUnpickler(self._file, met, self._stands)
        try:
            with self._watchdog.impatient(), self._watchdog.watching(self._file.tell):
                value = tolerant.load()
        except BaseException as other:  # it is damaged
            return Frame(entry.name, None, other if isinstance(other, OutOfTime) else problem)
        self._remember(tolerant, met)
        # Many objects of plain types can all be read, but for what they refer to.
        is_lost = bool(tolerant.stands) if entry.names else self._is_stand(value, tolerant)
        problem = tolerant.problems[0] if tolerant.problems else problem
        return Frame(entry.name, None if is_lost else value, problem, tuple(stand.value for stand in tolerant.stands))

    def _remember(self, tolerant: TolerantUnpickler, met: dict[int, Any]) -> None:
        """Have in the memory what was read with care, but nothing that stands for something."""
        new = {place: tolerant.memo[place] for place in tolerant.memo.new}
        made = {id(stand.value): stand for stand in tolerant.stands}
        stands = {place: made[id(value)] for place, value in new.items() if id(value) in made}
        before = self._unpickler
        if stands.keys() & met.keys():  # the memory has what was half made before it failed
            before, new = pickle.Unpickler(self._file), met | new  # noqa: S301  (the file is the person's own)
        self._unpickler = with_memory(self._file, before, {place: new[place] for place in new.keys() - stands.keys()})
        self._stands |= stands

    def _is_stand(self, value: Any, tolerant: TolerantUnpickler) -> bool:
        return any(stand.value is value for stand in (*self._stands.values(), *tolerant.stands))

    def each(self, names: list[str], frame: Frame) -> Iterator[Frame]:
        """Yield a frame for each of the names of one, which are of plain types."""
        stands = {id(stand.value) for stand in self._stands.values()}
        for number, name in enumerate(names):
            if frame.value is None:  # the file is damaged
                yield Frame(name, None, frame.problem)
            elif frame.problem is None or not _holds(frame.value[number], stands):
                yield Frame(name, frame.value[number], None)
            else:
                yield Frame(name, frame.value[number], frame.problem)


def _load_alone(data: BinaryIO) -> Any:
    try:
        return pickle.load(data)  # noqa: S301
    except Exception:
        import dill  # type: ignore[import-not-found,import-untyped,unused-ignore]  # noqa: PLC0415

        data.seek(0)
        return dill.load(data, ignore=True)  # noqa: S301


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
