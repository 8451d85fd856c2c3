"""Reading a frame that can't be read as a whole: what fails in it is replaced by `NotKept`, all else is there.

Also for the frames after it, which may refer to what this one was the first to hold. This is pickle's own reader in Python,
which is slow and lets each step be guarded.
"""

import io
import operator
import pickle
import struct
from collections.abc import Callable
from functools import partial
from typing import Any, BinaryIO, ClassVar, NamedTuple

from rspark_session.workspace.placeholder import NotKept
from rspark_session.workspace.unsaveable import described
from rspark_session.workspace.watchdog import OutOfTime


class Stand(NamedTuple):
    """What stands in the place of a part that could not be read, and why it could not."""

    value: NotKept
    problem: BaseException


class _Memory(dict[int, Any]):
    """What was met, by its place, and which places are new. `asked` is told of the stands that are asked for."""

    def __init__(self, met: dict[int, Any], stands: dict[int, Stand], asked: Callable[[Stand], None]) -> None:
        self._stands = {place: stand for place, stand in stands.items() if place not in met}  # others were read meanwhile
        super().__init__(met)
        self.update({place: stand.value for place, stand in self._stands.items()})
        self._asked = asked
        self.new: set[int] = set()

    def __getitem__(self, place: int) -> Any:
        if (stand := self._stands.get(place)) is not None and place not in self.new:
            self._asked(stand)
        return super().__getitem__(place)

    def __setitem__(self, place: int, value: Any) -> None:
        super().__setitem__(place, value)
        self.new.add(place)


_InPython: Any = pickle._Unpickler  # type: ignore[attr-defined,unused-ignore]  # what pickle's own reader in C replaces


class TolerantUnpickler(_InPython):  # type: ignore[misc]
    """Reads one frame. `problems` are those that it met, `stands` what it made for them, and `memo` all that was read.

    `met` is what frames before it have read, and `before` what stands for the rest.
    """

    dispatch: ClassVar[dict[int, Any]] = dict(_InPython.dispatch)

    def __init__(self, file: BinaryIO, met: dict[int, Any], before: dict[int, Stand]) -> None:
        super().__init__(file)
        self.problems: list[BaseException] = []
        self.stands: list[Stand] = []
        self.memo = _Memory(met, before, lambda stand: self.problems.append(stand.problem))
        self.stack: list[Any]

    def find_class(self, module: str, name: str) -> Any:
        """Return what has this name, or what stands for it."""
        return self._guarded(lambda: _InPython.find_class(self, module, name), f"{module}.{name}")

    def _guarded(self, make: Callable[[], Any], what: str) -> Any:
        try:
            return make()
        except OutOfTime:
            raise
        except BaseException as problem:  # whatever a class of the person raises when it is read
            self.problems.append(problem)
            stand = NotKept(what, f"It can't be read again: {described(problem)}.")
            self.stands.append(Stand(stand, problem))
            return stand

    def _reduce(self) -> None:
        arguments, function = self.stack.pop(), self.stack[-1]
        self.stack[-1] = _made(self, function, lambda: function(*arguments))

    def _new_object(self) -> None:
        arguments, type_ = self.stack.pop(), self.stack.pop()
        self.append(_made(self, type_, lambda: type_.__new__(type_, *arguments)))

    def _build(self) -> None:
        value = self.stack[-2]
        before = len(self.problems)
        stands = self._guarded(lambda: _InPython.load_build(self), type(value).__qualname__)
        if len(self.problems) > before and not isinstance(value, NotKept):
            self.stack[-1] = stands
            for place in [place for place in self.memo.new if self.memo[place] is value]:
                self.memo[place] = stands

    def _append(self) -> None:
        self._guarded(lambda: _InPython.load_append(self), "an item")

    def _appends(self) -> None:
        self._guarded(lambda: _InPython.load_appends(self), "items")

    def _set_item(self) -> None:
        self._guarded(lambda: _InPython.load_setitem(self), "an item")

    def _set_items(self) -> None:
        items = self.pop_mark()
        target = self.stack[-1]
        for key, value in zip(items[::2], items[1::2], strict=True):
            self._guarded(partial(operator.setitem, target, key, value), "an item")

    dispatch |= {
        pickle.REDUCE[0]: _reduce,
        pickle.NEWOBJ[0]: _new_object,
        pickle.BUILD[0]: _build,
        pickle.APPEND[0]: _append,
        pickle.APPENDS[0]: _appends,
        pickle.SETITEM[0]: _set_item,
        pickle.SETITEMS[0]: _set_items,
    }


def _made(reader: TolerantUnpickler, by: Any, make: Callable[[], Any]) -> Any:
    if isinstance(by, NotKept):
        return by
    return reader._guarded(make, getattr(by, "__qualname__", type(by).__qualname__))


def with_memory(file: BinaryIO, before: pickle.Unpickler, new: dict[int, Any]) -> pickle.Unpickler:
    """Return C's reader of a file that has met what `before`, another one, has met, and what is new.

    C takes the memory of another reader, and of a dict only its length: so the reader itself reads what is new.
    """
    places = list(new)
    code = b"".join(b"J" + struct.pack("<i", n) + b"Qr" + struct.pack("<I", place) + b"0" for n, place in enumerate(places))

    class Filler(pickle.Unpickler):
        def persistent_load(self, n: int) -> Any:
            return new[places[n]]

    filler = Filler(io.BytesIO(b"\x80\x03" + code + b"N."))
    filler.memo = before.memo
    filler.load()
    reader = pickle.Unpickler(file)  # noqa: S301  (the file is the person's own)
    reader.memo = filler.memo
    return reader
