"""The samples of a profile, put together: a tree of calls that is bounded, the functions, and the lines."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from rspark_session.rc2 import protocol
from rspark_session.rc2.profiler.samples import Call, Line, Sample, Samples

#: Calls that are shown, that are put together at most, and how deep.
_MOST_SHOWN, _MOST_CALLS, _DEEPEST = 3000, 200_000, 300
_MOST_FUNCTIONS, _MOST_LINES = 500, 2000
_LONGEST = 200


@dataclass(eq=False)
class _Node:
    call: Call | None
    samples: int = 0
    own: int = 0
    bytes: int = 0
    inner: dict[Call, "_Node"] = field(default_factory=dict)


def put_together(samples: Samples, language: str) -> protocol.Profile:
    """Return the profile of samples, whose language people call so; raise `OSError` when they can't be read."""
    tree = _Tree()
    for sample in samples:
        tree.add(sample)
    calls, left_out = tree.calls()
    return protocol.Profile(
        language=language,
        interval=samples.interval or 0.01,
        samples=tree.root.samples,
        bytes=tree.root.bytes,
        peak=tree.peak,
        calls=calls,
        functions=tree.functions(),
        lines=tree.lines(),
        left_out=left_out,
    )


class _Tree:
    def __init__(self) -> None:
        self.root = _Node(None)
        self.peak = 0
        self._nodes = 0
        self._used: int | None = None
        self._total: Counter[str] = Counter()
        self._own: Counter[str] = Counter()
        self._bytes: Counter[str] = Counter()
        self._own_bytes: Counter[str] = Counter()
        self._on_line: Counter[Line] = Counter()
        self._line_bytes: Counter[Line] = Counter()

    def add(self, sample: Sample) -> None:
        taken = max(0, sample.used - self._used) if self._used is not None else 0
        self._used = sample.used
        self.peak = max(self.peak, sample.used)
        node = self.root
        node.samples += 1
        node.bytes += taken
        for call in sample.calls[:_DEEPEST]:
            following = node.inner.get(call)
            if following is None:
                if self._nodes >= _MOST_CALLS:
                    break
                self._nodes += 1
                following = node.inner[call] = _Node(call)
            node = following
            node.samples += 1
            node.bytes += taken
        node.own += 1
        for name in {call.name for call in sample.calls}:
            self._total[name] += 1
            self._bytes[name] += taken
        if sample.calls:
            self._own[sample.calls[-1].name] += 1
            self._own_bytes[sample.calls[-1].name] += taken
        for line in {line for line in (sample.at, *(call.line for call in sample.calls)) if line is not None}:
            self._on_line[line] += 1
            self._line_bytes[line] += taken

    def calls(self) -> tuple[tuple[protocol.ProfiledCall, ...], int]:
        """Return the largest calls, each after the one that made it, and how many are left out."""
        least = 1
        while self._count(least) > _MOST_SHOWN:
            least += 1
        found: list[protocol.ProfiledCall] = []
        waiting: list[tuple[_Node, int | None]] = [(node, None) for node in _largest_last(self.root.inner.values(), least)]
        while waiting:
            node, parent = waiting.pop()
            call = node.call
            assert call is not None  # the root alone has none
            inner = _largest_last(node.inner.values(), least)
            own = node.samples - sum(each.samples for each in inner)
            found.append(
                protocol.ProfiledCall(
                    name=call.name[:_LONGEST],
                    parent=parent,
                    samples=node.samples,
                    own=own,
                    bytes=node.bytes,
                    path=call.line.path if call.line else None,
                    line=call.line.number if call.line else None,
                )
            )
            waiting.extend((each, len(found) - 1) for each in inner)
        return tuple(found), self._nodes - len(found)

    def functions(self) -> tuple[protocol.ProfiledFunction, ...]:
        """Return the functions, those with the most samples of their own first."""
        names = sorted(self._total, key=lambda name: (-self._own[name], -self._total[name], name))[:_MOST_FUNCTIONS]
        return tuple(
            protocol.ProfiledFunction(
                name=name[:_LONGEST],
                samples=self._total[name],
                own=self._own[name],
                bytes=self._bytes[name],
                own_bytes=self._own_bytes[name],
            )
            for name in names
        )

    def lines(self) -> tuple[protocol.ProfiledLine, ...]:
        """Return the lines, in order of their files."""
        largest = [line for line, _ in self._on_line.most_common(_MOST_LINES)]
        return tuple(
            protocol.ProfiledLine(path=line.path, line=line.number, samples=self._on_line[line], bytes=self._line_bytes[line])
            for line in sorted(largest, key=lambda line: (line.path, line.number))
        )

    def _count(self, least: int) -> int:
        """Return how many calls have so many samples."""
        count, waiting = 0, [self.root]
        while waiting:
            inner = [node for node in waiting.pop().inner.values() if node.samples >= least]
            count += len(inner)
            waiting.extend(inner)
        return count


def _largest_last(nodes: Iterable[_Node], least: int) -> list[_Node]:
    return sorted((node for node in nodes if node.samples >= least), key=lambda node: node.samples)
