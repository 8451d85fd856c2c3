"""Whether the ensemble computes: what kernels say of themselves, and what uses the processor behind their backs."""

from collections.abc import Iterable, Mapping

from rspark_session.agent.reporting.meter import Sample

#: Cores that a process must use to count as computing; a resting Spark driver or `top` stays well below.
COMPUTES = 0.1


def hot(sample: Sample) -> frozenset[tuple[int, int]]:
    """Return the processes that used much of the processor since the sample before."""
    return frozenset(
        (process.pid, process.started) for process in sample.processes.values() if sample.rates.get(process.pid, 0.0) >= COMPUTES
    )


def by_processor(
    sample: Sample,
    before: frozenset[tuple[int, int]],
    *,
    own: Iterable[int],
    components: Iterable[int],
    titles: Mapping[int, str],
) -> list[str]:
    """Return the names of what computes: what was `hot` now and in the sample `before`. To start, or to tidy up, is over sooner.

    `own` are processes that serve (the agent, the Jupyter server): they never count, but what they started does. `components`
    are services, and what looks things up for pages: nothing below them counts, for neither a database that tidies up nor a
    reader of help is a person's work. `titles` names processes (kernels,
    shells) that stand for all that they started.
    """
    own, components = frozenset(own), frozenset(components)
    owner: dict[int, str | None] = {}
    computing = hot(sample) & before
    found: dict[str, None] = {}  # a set that keeps its order
    for process in sample.processes.values():  # parents come first
        if process.pid in own:
            continue
        if process.pid in components or (process.parent in owner and owner[process.parent] is None):
            owner[process.pid] = None
            continue
        title = titles.get(process.pid) or owner.get(process.parent) or process.name
        owner[process.pid] = title
        if (process.pid, process.started) in computing:
            found[title] = None
    return list(found)
