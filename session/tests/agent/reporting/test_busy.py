"""What counts as computing, by the processor that it uses."""

from rspark_session.agent.reporting.busy import by_processor, hot
from rspark_session.agent.reporting.meter import Sample
from rspark_session.processes.tree import Process

AGENT, SERVER, KERNEL, WORKER, SHELL, JOB, STORE, VACUUM, STRAY, READER, READS = range(1, 12)
PARENTS = {
    AGENT: 0,
    SERVER: AGENT,
    KERNEL: SERVER,
    WORKER: KERNEL,
    SHELL: SERVER,
    JOB: SHELL,
    STORE: AGENT,
    VACUUM: STORE,
    STRAY: AGENT,
    READER: SERVER,
    READS: READER,
}


def sample(**rates: float) -> Sample:
    """All processes, of which some use so many cores."""
    processes = {
        pid: Process(pid=pid, parent=parent, name=f"p{pid}", started=7, cpu=0.0, rss=0) for pid, parent in PARENTS.items()
    }
    return Sample(memory=0, cpu=0.0, processes=processes, rates={globals()[name.upper()]: rate for name, rate in rates.items()})


def computing(now: Sample, before: Sample | None = None) -> list[str]:
    titles = {KERNEL: "R kernel, a.ipynb", SHELL: "terminal 1"}
    return by_processor(now, hot(before or now), own=[AGENT, SERVER], components=[STORE, READER], titles=titles)


def test_a_worker_counts_for_its_kernel() -> None:
    assert computing(sample(worker=0.9, kernel=0.5)) == ["R kernel, a.ipynb"]


def test_a_job_counts_for_its_terminal() -> None:
    assert computing(sample(job=1.0)) == ["terminal 1"]


def test_what_lost_its_parent_counts_by_its_name() -> None:
    assert computing(sample(stray=1.0)) == ["p9"]


def test_serving_is_not_computing() -> None:
    assert computing(sample(agent=1.0, server=1.0)) == []


def test_a_service_that_tidies_up_is_not_computing() -> None:
    assert computing(sample(store=1.0, vacuum=1.0)) == []


def test_what_looks_things_up_for_pages_is_not_computing() -> None:
    assert computing(sample(reader=1.0, reads=1.0)) == []


def test_a_little_is_nothing() -> None:
    assert computing(sample(worker=0.05, job=0.09)) == []


def test_a_moment_is_nothing() -> None:
    assert computing(sample(worker=1.0), before=sample(job=1.0)) == []
