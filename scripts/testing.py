"""Runs every check and every test of the project that doesn't take minutes, or with `--long` those that do, and closes with the
end of what each failed one said, a line for each and one for all.

What keeps one core busy runs beside another of its kind; its lines begin with its name. All of them run, also after one has
failed, so that one run tells everything; the exit code is not 0 when any failed.
"""

import argparse
import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Condition, Thread

import changed

TOP = Path(__file__).resolve().parent.parent
BIN = TOP / ".venv/bin"
#: Tests of one file share what they start, so a file is one process's.
TWO_AT_A_TIME = ("-n", "2", "--dist", "loadfile")
#: Each test of something that hangs waits for it: of many that fail, ten tell enough.
PYTEST = (f"{BIN}/pytest", "--maxfail=10")
#: The tests that don't take minutes, and those that do: people, killed programs, browsers, whole services, and a cluster.
SHORT, LONG = ("-m", "not long"), ("-m", "long")
NOT_END_TO_END = ("--ignore=tests/kubernetes", "--ignore=tests/pages")
#: By how many cores steps are put beside each other.
CORES = 2
#: How much of what a failed step said is told once more at the end, where people look first.
LINES = 25
#: For how long to hear what has been said when a step has ended, in seconds: a process that it left may keep the pipe.
HEARING = 5.0


@dataclass(frozen=True, kw_only=True, eq=False)
class Step:
    """One check or one run of tests."""

    name: str
    kind: str  # check | test | long
    command: Sequence[str]
    folder: Path = TOP
    root: bool = False  # whether it needs root, as a Kubernetes node does
    cores: int = CORES  # that it keeps busy


def mypy(package: str, environment: str) -> list[str]:
    """Return the command that checks a package in its own environment, with a cache of its own: several run at once."""
    python = TOP / environment / "bin/python"
    return [f"{BIN}/mypy", "-p", package, f"--python-executable={python}", f"--cache-dir=.mypy_cache/{package}"]


STEPS = (
    Step(name="ruff", kind="check", command=[f"{BIN}/ruff", "check", "."], cores=1),
    Step(name="format", kind="check", command=[f"{BIN}/ruff", "format", "--check", "."], cores=1),
    Step(name="types: hub, contract", kind="check", command=[f"{BIN}/mypy"], cores=1),
    Step(name="types: session", kind="check", command=mypy("rspark_session", ".venv-session"), cores=1),
    Step(name="types: spawner", kind="check", command=mypy("rsparkhub_spawner", ".venv-jupyterhub"), cores=1),
    Step(name="layers", kind="check", command=[f"{BIN}/lint-imports"], cores=1),
    Step(name="reference", kind="check", command=["scripts/make-reference", "--check"], cores=1),
    Step(name="R package", kind="test", command=["r/check"], cores=1),
    Step(name="docs", kind="check", command=["scripts/make-docs"], cores=1),
    Step(name="pages: types", kind="check", command=["scripts/make-web-types", "--check"], cores=1),
    Step(name="pages: check", kind="check", command=["npm", "run", "check"], folder=TOP / "web", cores=1),
    Step(name="pages: test", kind="test", command=["npm", "run", "test"], folder=TOP / "web"),
    Step(name="contract", kind="test", command=[*PYTEST, *SHORT, "contract/tests"], cores=1),
    Step(name="edge", kind="test", command=["scripts/build-go", "edge", "check"]),
    Step(name="s3", kind="test", command=["scripts/build-go", "s3", "check"]),
    Step(name="hub", kind="test", command=[*PYTEST, *TWO_AT_A_TIME, *SHORT, "hub/tests"]),
    Step(name="session", kind="test", command=[*PYTEST, *TWO_AT_A_TIME, *SHORT, "session/tests"]),
    Step(name="pages: browser", kind="test", command=[*PYTEST, *TWO_AT_A_TIME, *SHORT, "tests/pages"]),
    Step(name="end to end", kind="test", command=[*PYTEST, *TWO_AT_A_TIME, *SHORT, "tests", *NOT_END_TO_END]),
    Step(name="long: contract", kind="long", command=[*PYTEST, *LONG, "contract/tests"]),
    Step(name="long: hub", kind="long", command=[*PYTEST, *TWO_AT_A_TIME, *LONG, "hub/tests"]),
    Step(name="long: session", kind="long", command=[*PYTEST, *TWO_AT_A_TIME, *LONG, "session/tests"]),
    Step(name="long: pages", kind="long", command=[*PYTEST, *TWO_AT_A_TIME, *LONG, "tests/pages"]),
    Step(name="long: end to end", kind="long", command=[*PYTEST, *LONG, "tests", *NOT_END_TO_END]),
    # What these build is the first time's work of a machine; the tests find it there.
    Step(name="build: cluster", kind="long", command=["scripts/cluster", "build"]),
    Step(name="cluster", kind="long", command=["scripts/cluster", "check"]),
    Step(name="build: Helm", kind="long", command=["scripts/cluster", "helm"]),
    Step(name="build: images", kind="long", command=["make", "--no-print-directory", "images"], root=True),
    Step(name="Kubernetes", kind="long", command=[*PYTEST, "tests/kubernetes"], root=True),
)


@dataclass(frozen=True, kw_only=True)
class Result:
    """How a step ended."""

    code: int
    seconds: float
    said: Sequence[str]  # the last lines


def run_all(steps: Sequence[Step]) -> list[tuple[Step, Result]]:
    """Run steps in this order, each as soon as enough cores are free."""
    results: dict[Step, Result] = {}
    free, freed = CORES, Condition()

    def run_one(step: Step) -> None:
        nonlocal free
        result = run(step)
        with freed:
            results[step] = result
            free += step.cores
            freed.notify()

    threads = []
    for step in steps:
        with freed:
            while free < step.cores:
                freed.wait()
            free -= step.cores
        threads.append(Thread(target=run_one, args=(step,)))
        threads[-1].start()
    for thread in threads:
        thread.join()
    return [(step, results[step]) for step in steps]


def run(step: Step) -> Result:
    """Run a step, and pass on what it says."""
    print(f"\n=== {step.name}: {' '.join(step.command).removeprefix(f'{BIN}/')}", flush=True)
    environ = {**os.environ, "PATH": f"{TOP / '.build/bin'}:{os.environ['PATH']}"}
    began = time.monotonic()
    said: deque[str] = deque(maxlen=LINES)
    with subprocess.Popen(
        step.command,
        cwd=step.folder,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        assert process.stdout
        prefix = f"[{step.name}] " if step.cores < CORES else ""
        hearing = Thread(target=pass_on, args=(process.stdout, prefix, said), daemon=True)
        hearing.start()
        code = process.wait()
        hearing.join(HEARING)
    return Result(code=code, seconds=time.monotonic() - began, said=said)


def pass_on(lines: Iterable[str], prefix: str, said: deque[str]) -> None:
    """Print what a step says as it says it, and remember the end of it."""
    for line in lines:
        print(f"{prefix}{line}", end="", flush=True)
        said.append(line)


def changed_steps(base: str | None) -> list[Step]:
    """Return the steps that a change can touch; of a suite of tests, with only those files of it."""
    files = changed.changed_files(base)
    touched = changed.touched_by(files)
    if touched.everything:
        print("What everything stands on has changed: all checks and tests run but those that take minutes.", flush=True)
        return [step for step in STEPS if step.kind != "long"]
    print(f"{len(files)} files have changed; {len(touched.steps)} groups of tests can be touched.", flush=True)
    steps = []
    for step in STEPS:
        if step.kind == "check" and step.name not in changed.BY_FOLDER:
            steps.append(step)
        elif step.name in touched.steps:
            chosen = touched.steps[step.name]
            steps.append(step if chosen is None else replace(step, command=[*step.command[:-1], *chosen]))
    return steps


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--only", choices=("check", "test"), help="only the checks, or only the tests")
    which.add_argument("--long", action="store_true", help="the tests that take minutes, and those on a cluster")
    which.add_argument("--changed", action="store_true", help="the checks, and the tests that a change since --base can touch")
    parser.add_argument("--base", help="a commit; by default where this branch left origin/main, else the last commit")
    told = parser.parse_args()
    # Where this runs in the background of a shell, SIGINT is ignored, and would be by R too, which tests interrupt.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    kinds = {"long"} if told.long else {told.only} if told.only else {"check", "test"}
    asked = changed_steps(told.base) if told.changed else [step for step in STEPS if step.kind in kinds]
    steps = [step for step in asked if os.geteuid() == 0 or not step.root]
    results = run_all(steps)
    failed = [step.name for step, result in results if result.code]
    skipped = [step.name for step in asked if step not in steps]
    for step, result in results:
        if result.code:
            print(f"\n=== the end of what {step.name} said\n{''.join(result.said).rstrip()}")
    print("\n=== all")
    for step, result in results:
        print(f"{'FAILED' if result.code else 'passed':>8}  {step.name:<14} {result.seconds:5.0f} s")
    for name in skipped:
        print(f" skipped  {name:<14} it needs root")
    print(f"\n{len(results) - len(failed)} passed, {len(failed)} failed, {len(skipped)} skipped")
    if os.environ.get("CI"):
        failed += skipped  # what is not tested there is tested nowhere
    if failed:
        print(f"Failed: {', '.join(failed)}.", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
