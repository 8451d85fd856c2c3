"""The profiler of Python is a thread of ours in its kernel, which looks at the calls of a cell while it computes."""

import json
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal
from weakref import WeakKeyDictionary

from pydantic import Field, TypeAdapter, ValidationError

from rspark_session.rc2 import kernel_code, protocol
from rspark_session.rc2.profiler.samples import Call, Line, Sample, Samples

if TYPE_CHECKING:
    from rspark_session.rc2.console import Console

_SCRIPT = Path(__file__).with_name("python_sampler.py")
_PATIENCE = 5.0  # seconds
_INTERVAL = 0.01  # seconds of computing between two samples, as the script has it
#: Pieces of files that were executed last, and characters of one.
_MOST_PIECES, _LONGEST = 500, 2**18
_INSTALLED = {"site-packages", "dist-packages"}

_Count = Annotated[int, Field(ge=0)]
_CELL = tuple[Literal["cell"], str, str]
_SAMPLE = tuple[Literal["sample"], _Count, _Count, list[tuple[str, str, int]]]
_LINE: TypeAdapter[_CELL | _SAMPLE] = TypeAdapter(_CELL | _SAMPLE)

_Pieces = OrderedDict[str, protocol.Source]  # what was executed from files, by its code, the last at the end


class PythonSampling:
    """Has Python's kernel write samples. Lines are known of code that was run from an open file, and of files in the `home`."""

    title = "Python"
    theirs = ""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._pieces: WeakKeyDictionary[Console, _Pieces] = WeakKeyDictionary()

    def prepare(self, console: "Console", request: protocol.Execute) -> None:
        """Remember where the code is from."""
        if request.source is None or len(request.code) > _LONGEST:
            return
        pieces = self._pieces.setdefault(console, OrderedDict())
        pieces[request.code.rstrip()] = request.source
        pieces.move_to_end(request.code.rstrip())
        while len(pieces) > _MOST_PIECES:
            pieces.popitem(last=False)

    async def begin(self, console: "Console", file: Path) -> Mapping[str, Any]:
        """Let the kernel look at the cell that names the file."""
        await console.run_hidden(kernel_code.in_python(_SCRIPT, f"prepare({json.dumps(str(file))})"), seconds=_PATIENCE)
        return {"rspark_profile": str(file)}

    def samples(self, console: "Console", file: Path) -> "PythonSamples":
        """Return what the kernel has written."""
        return PythonSamples(file, self._pieces.get(console, OrderedDict()), self._home)

    def note(self, outcome: str) -> str | None:
        """Return nothing: the kernel says no more than it writes."""
        return None


class PythonSamples(Samples):
    """Reads the samples of a file that the kernel has written, with the pieces of files that its cells were."""

    interval = _INTERVAL

    def __init__(self, file: Path, pieces: Mapping[str, protocol.Source], home: Path) -> None:
        super().__init__(file)
        self._pieces = pieces
        self._home = home
        self._sources: dict[str, protocol.Source | None] = {}  # of what Python calls a file

    def samples_of(self, line: str) -> Iterator[Sample]:
        """Return the samples of a line, which may be several that are alike; none of one that tells which code a cell was."""
        try:
            said = _LINE.validate_json(line)
        except ValidationError:
            return
        if said[0] == "cell":
            self._sources[said[1]] = self._pieces.get(said[2].rstrip())
        else:
            yield from self._samples(*said[1:])

    def _samples(self, count: int, used: int, frames: list[tuple[str, str, int]]) -> Iterator[Sample]:
        lines = [self._line(file, number) for _, file, number in frames]
        calls = tuple(Call(name, line) for (name, _, _), line in zip(frames, (None, *lines), strict=False))
        for _ in range(count):
            yield Sample(calls, lines[-1] if lines else None, used)

    def _line(self, file: str, number: int) -> Line | None:
        """Return the line of a person's file; None of what is installed, and of code that is in no file."""
        if file not in self._sources:
            self._sources[file] = self._source(file)
        source = self._sources[file]
        return Line(source.path, source.first_line + number - 1) if source is not None and number > 0 else None

    def _source(self, file: str) -> protocol.Source | None:
        path = Path(file)
        if not path.is_relative_to(self._home):
            return None
        own = path.relative_to(self._home)
        if any(part.startswith(".") or part in _INSTALLED for part in own.parts):
            return None
        return protocol.Source(path=str(own), first_line=1, last_line=1)
