"""R's profiler is its own `Rprof()`, which the package rspark calls.

It writes a line a sample, with memory in use, then the calls from the innermost to the outermost. `1#6 "c" 1#11 "f" ` reads: `c`
runs line 6 of file 1, and was called by `f` from its line 11. The source is R's own `doprof()` in `src/main/eval.c`.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rspark_session.rc2 import protocol
from rspark_session.rc2.profiler.samples import Call, Line, Sample, Samples

if TYPE_CHECKING:
    from rspark_session.rc2.console import Console

_MEMORY = re.compile(r":(\d+):(\d+):(\d+):(\d+):")
_TOKEN = re.compile(r'"([^"]*)"|(\d+)#(\d+)')
_FILE = re.compile(r"#File (\d+): (.*)")
_HEADER = re.compile(r"sample\.interval=(\d+)")
_WORD = 8  # bytes of R's unit of vectors
_KERNEL = "IRkernel::main"  # the outermost call where the kernel itself computes, and none of a person's
_SENDING = "zmq.send.multipart"  # what the kernel sends by, and the calls that lead there from what a person's code prints
_ON_THE_WAY = ("send_response", "<Anonymous>")

_NOTES = {
    "ended": "The code called Rprof() itself: what came after it is not in this profile.",
    "large": "The profile has become too large. What came after is not in it.",
}


class RRprof:
    """Has R sample into the file that an execution's metadata names."""

    title = "R"
    theirs = "R is being profiled already, by an Rprof() of yours, which goes on. End it with Rprof(NULL), then profile here."

    def prepare(self, console: "Console", request: protocol.Execute) -> None:
        """Take in nothing: R itself knows where its code is from."""

    async def begin(self, console: "Console", file: Path) -> Mapping[str, Any]:
        """Name the file."""
        return {"rspark_profile": str(file)}

    def samples(self, console: "Console", file: Path) -> "RSamples":
        """Return what R has written."""
        return RSamples(file)

    def note(self, outcome: str) -> str | None:
        """Return what became of it before the code's end."""
        return _NOTES.get(outcome)


class RSamples(Samples):
    """Reads the samples of a file that `Rprof()` has written."""

    def __init__(self, file: Path) -> None:
        super().__init__(file)
        self._paths: dict[int, str] = {}

    def samples_of(self, line: str) -> Iterator[Sample]:
        """Return the sample of a line; none of one that tells the interval or a file."""
        if header := _HEADER.search(line) if not self.interval else None:
            self.interval = int(header[1]) / 1e6
        elif file := _FILE.match(line):
            self._paths[int(file[1])] = file[2]
        elif (memory := _MEMORY.match(line)) and line.endswith("\n"):
            sample = _without_sending(self._sample(line[memory.end() :], memory))
            if sample is not None and (not sample.calls or sample.calls[0].name != _KERNEL):
                yield sample

    def _sample(self, text: str, memory: re.Match[str]) -> Sample:
        names: list[str] = []
        lines: list[Line | None] = [None]  # before the first name, and after each
        for name, file, number in _TOKEN.findall(text):
            if file:
                path = self._paths.get(int(file))
                lines[-1] = Line(path, int(number)) if path and int(number) else None
            else:
                names.append(name)
                lines.append(None)
        small, large, nodes, _ = map(int, memory.groups())
        calls = tuple(Call(*each) for each in zip(names, lines[1:], strict=True))
        return Sample(calls[::-1], lines[0], (small + large) * _WORD + nodes)


def _without_sending(sample: Sample) -> Sample | None:
    """Return a sample without the calls by which the kernel sends what is printed; None where these are all of it."""
    names = [call.name for call in sample.calls]
    if _SENDING not in names:
        return sample
    first = names.index(_SENDING)
    while first > 0 and names[first - 1] in _ON_THE_WAY:
        first -= 1
    return Sample(sample.calls[:first], sample.calls[first].line, sample.used) if first > 0 else None
