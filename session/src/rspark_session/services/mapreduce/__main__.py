"""`mapred streaming …` runs a streaming job as the session's person; `hadoop jar …hadoop-streaming….jar …` does the same."""

import os
import secrets
import shlex
import signal
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from rspark_session.services.mapreduce import arguments, jobs, yarn
from rspark_session.services.mapreduce.arguments import ArgumentsInvalid, Streaming
from rspark_session.services.mapreduce.cleaner import Cleaner
from rspark_session.services.mapreduce.hadoop_job import HadoopJob, Outcome
from rspark_session.services.mapreduce.hdfs_client import HdfsClient, HdfsRefused
from rspark_session.services.mapreduce.progress import Reporter
from rspark_session.services.mapreduce.settings import NoMapReduce, Settings
from rspark_session.services.mapreduce.staging import Staging, StagingProblem
from rspark_session.services.problem import ServiceProblem

_FAILED, _USAGE, _INTERRUPTED = 1, 2, 130
#: By it who runs the command has the job end with them, and learns how far it is: a pid and a file.
_OWNER, _STATUS = "RSPARK_MAPREDUCE_OWNER", "RSPARK_MAPREDUCE_STATUS"


class _Interrupted(BaseException):
    """Ctrl-C, or another end that was asked for."""


def main(words: Sequence[str]) -> int:
    """Return the exit code: 0 for a job that is done, 1 for one that failed, 2 for words that are none, 130 for an end."""
    try:
        streaming = _streaming_words(words)
        if not streaming or streaming[0].lstrip("-") in ("help", "h", "info"):
            print(arguments.USAGE, end="")
            return 0 if streaming else _USAGE
        asked = arguments.parse(streaming)
        folder, settings = Settings.of_session()
    except (ArgumentsInvalid, NoMapReduce) as problem:
        print(problem, file=sys.stderr)
        return _USAGE
    status = os.environ.pop(_STATUS, None)
    reporter = Reporter(file=Path(status) if status else None)
    try:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, _interrupt)
        _end_with_owner(os.environ.pop(_OWNER, None))
        return _run(asked, folder, settings, reporter)
    except _Interrupted:
        reporter.say("The job was interrupted. Nothing of it is left.")
        return _INTERRUPTED
    except (ArgumentsInvalid, StagingProblem, HdfsRefused, ServiceProblem, OSError) as problem:
        reporter.say(str(problem))
        return _FAILED


def _streaming_words(words: Sequence[str]) -> Sequence[str]:
    """Return the words of a streaming job."""
    if words[:1] == ["streaming"]:
        return words[1:]
    if words[:1] == ["jar"] and len(words) > 1:
        if "streaming" in Path(words[1]).name:
            return words[2:]
        raise ArgumentsInvalid(f"hadoop jar runs Hadoop's streaming jar alone here, and not {Path(words[1]).name}.")
    if words[:1] and words[0].lstrip("-") not in ("help", "h"):
        raise ArgumentsInvalid(f"mapred knows streaming here, and not {words[0]}.")
    return ()


def _run(asked: Streaming, folder: Path, settings: Settings, reporter: Reporter) -> int:
    began, job = time.monotonic(), f"job-{secrets.token_hex(6)}"
    work = settings.work / job
    work.mkdir(mode=0o700, parents=True)
    staging = Staging(HdfsClient.of_session(), work, reporter.staging)
    note = jobs.note(folder, job, asked.name)
    cleaner = Cleaner(job=job, work=work, note=note, partial=staging.partial_in_hdfs(asked.output, job))
    try:
        staging.check_output(asked.output)
        programs, files = _programs(asked)
        files |= dict(staging.fetch_file(name) for name in asked.files)
        inputs = staging.bring_in(asked.inputs)
        hadoop_job = HadoopJob(asked, job=job, work=work, settings=settings)
        hadoop_job.write(programs)
        cluster = yarn.ensure(folder, reporter.show) if settings.mode == "yarn" else None
        reporter.show("map 0 %, reduce 0 %")
        outcome = hadoop_job.run(inputs, files, reporter, cluster)
        if outcome.problem:
            reporter.say(f"The job failed. {outcome.problem}")
            return _FAILED
        path, size = staging.bring_out(hadoop_job.made, asked.output, job=job)
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        reporter.close()
        cleaner.clear()
    reporter.say(_summary(outcome, path, size, time.monotonic() - began))
    return 0


def _programs(asked: Streaming) -> tuple[dict[str, list[str]], dict[str, Path]]:
    """Return the words of each program, and the files of this folder that they name: tasks have these as well."""
    programs: dict[str, list[str]] = {}
    files: dict[str, Path] = {}
    for kind, program in asked.programs.items():
        if arguments.is_class(program):
            continue
        try:
            words = shlex.split(program)
        except ValueError as problem:
            raise ArgumentsInvalid(f"-{kind} has a quote without its end: {program}") from problem
        if not words:
            raise ArgumentsInvalid(f"-{kind} takes a program, such as -{kind} count.py.")
        programs[kind] = words
        files |= {Path(word).name: Path(word).absolute() for word in words if Path(word).is_file() and _is_of_here(word)}
    return programs, files


def _is_of_here(word: str) -> bool:
    return Path(word).parent == Path()


def _summary(outcome: Outcome, path: str, size: int, seconds: float) -> str:
    read = outcome.count("Map input records")
    written = outcome.count("Reduce output records") or outcome.count("Map output records")
    lines = [f"The job is done: {read:,} lines read, {written:,} written, {size:,} bytes, {seconds:.1f} s. Output: {path}"]
    for group, counted in outcome.own_counters.items():
        lines += [f"  {group}: {name} {value:,}" for name, value in counted.items()]
    return "\n".join(lines)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # once is enough
    raise _Interrupted


def _end_with_owner(pid: str | None) -> None:
    """Have the job end with the process that asked for it."""
    if not pid or not pid.isdigit():
        return

    def watch() -> None:
        while Path("/proc", pid).exists():
            time.sleep(0.5)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
