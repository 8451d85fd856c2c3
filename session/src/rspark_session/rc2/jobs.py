"""Jobs: scripts and notebooks that run, and documents that are rendered, in the background, each a process of its own.

All that happens to a job is in the log of events, so every client sees it, also one that comes the next day. A job ends with the
session's machine at the latest: one of which the log has no end is recorded as lost by the server that starts next.
"""

import json
import re
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from rspark_session.jupyter.reporter import ActivityReporter
from rspark_session.rc2 import job_programs, protocol
from rspark_session.rc2.job_output import JobOutput
from rspark_session.rc2.job_place import failed_at
from rspark_session.rc2.job_process import JobProcess
from rspark_session.rc2.job_progress import Progress, ProgressReader
from rspark_session.rc2.protocol import JobStatus
from rspark_session.rc2.recorder import Recorder
from rspark_session.rc2.refusal import Refusal

#: Jobs that run at the same time.
_MOST_RUNNING = 16
#: Seconds between two events of progress, and how many of them one job records.
_PROGRESS_INTERVAL, _MOST_PROGRESS = 0.3, 5000
_SERVER_GONE = "The session ended while this ran. Run it again."
_SLEEP = "The session was put to sleep, or stopped, while this ran. Run it again."
_KILLED = "It was killed, as happens when the memory of the session runs out."
_CREATED = re.compile(r"^Output created: ([^\r\n]+)$", re.MULTILINE)


@dataclass(kw_only=True)
class _Job:
    """A job that runs."""

    asked: protocol.StartJob
    title: str
    who: str
    file: Path
    started: datetime
    output: JobOutput
    makes_file: bool
    process: JobProcess | None = None
    reader: ProgressReader = field(default_factory=ProgressReader)
    progress: Progress | None = None
    recorded: Progress | None = None
    recorded_at: float = 0.0
    progresses: int = 0
    ended_as: JobStatus | None = None


class Jobs:
    """Starts jobs, and records what they print and how they end."""

    def __init__(self, *, home: Path, recorder: Recorder, reporter: ActivityReporter, kernels: Sequence[str]) -> None:
        self._home = home
        self._kernels = kernels
        self._recorder = recorder
        self._reporter = reporter
        self._running: dict[str, _Job] = {}

    def __iter__(self) -> Iterator[protocol.JobInfo]:
        """Return the jobs that run."""
        return map(_info, self._running.values())

    @property
    def titles(self) -> Mapping[int, str]:
        """The titles of the jobs that run, by their pids."""
        return {job.process.pid: f"job {job.title}" for job in self._running.values() if job.process is not None}

    def start(self, asked: protocol.StartJob, *, who: str) -> None:
        """Run a script or a notebook, or render a document.

        Raises
        ------
        Refusal
            When there is no such file, nothing that runs it, or too much runs already.
        """
        if len(self._running) >= _MOST_RUNNING:
            raise Refusal(f"{_MOST_RUNNING} jobs run already. Wait until one has ended, or cancel one.")
        file = self._file(asked.path)
        program = job_programs.program(file, asked.format, self._kernels)
        title = f"{file.name} to {_NAMES[asked.format]}" if asked.format else file.name
        output = JobOutput(self._recorder, asked.id)
        job = _Job(
            asked=asked,
            title=title,
            who=who,
            file=file,
            started=datetime.now(UTC),
            output=output,
            makes_file=program.makes_file,
        )
        try:
            job.process = JobProcess(
                program.command,
                environ=program.environ,
                folder=file.parent,
                on_output=lambda text: self._printed(job, text),
                on_end=lambda code: self._ended(job, code),
            )
        except OSError as problem:
            raise Refusal(f"{file.name} could not be started: {problem.strerror or problem}.") from problem
        self._running[asked.id] = job
        self._recorder.record(protocol.JobStarted, job=asked.id, who=who, title=title, path=asked.path, format=asked.format)
        self._reporter.changed()

    def cancel(self, job: str) -> None:
        """End a job and all that it started; one that has ended is left alone."""
        found = self._running.get(job)
        if found is not None and found.process is not None:
            found.ended_as = "cancelled"
            found.process.end()

    def reopen(self) -> list[str]:
        """Record the end of jobs that an earlier server has left, and return the ids of all that the log has."""
        unfinished: dict[str, None] = {}
        known: list[str] = []
        for line in self._recorder.log.all():
            if b'"type":"job_' not in line[:300]:
                continue
            event = json.loads(line)
            if event["type"] == "job_started":
                known.append(event["job"])
                unfinished[event["job"]] = None
            elif event["type"] == "job_finished":
                unfinished.pop(event["job"], None)
        for job in unfinished:
            self._recorder.record(protocol.JobFinished, job=job, status="lost", reason=_SERVER_GONE)
        return known

    def close(self) -> None:
        """End all jobs: the session goes to sleep, or ends."""
        for job in list(self._running.values()):
            if job.process is not None:
                job.process.kill()
            self._finish(job, status="lost", code=None, reason=_SLEEP)

    def _file(self, path: str) -> Path:
        home = self._home.resolve()
        try:
            file = (home / path).resolve()
        except (OSError, ValueError, RuntimeError) as problem:
            raise Refusal("This is no file of the home.") from problem
        if not file.is_relative_to(home) or not file.is_file():
            raise Refusal(f"There is no file {path!r} in the home.")
        return file

    def _printed(self, job: _Job, text: str) -> None:
        job.output.take(text)
        if (progress := job.reader.take(text)) is not None:
            job.progress = progress
            self._record_progress(job)

    def _record_progress(self, job: _Job) -> None:
        """Record the progress where it is another than before, and the last is not too young."""
        now, progress = time.monotonic(), job.progress
        if progress is None or progress == job.recorded or job.progresses >= _MOST_PROGRESS:
            return
        if now - job.recorded_at < _PROGRESS_INTERVAL and progress.fraction < 1:
            return
        job.recorded, job.recorded_at = progress, now
        job.progresses += 1
        self._recorder.record(protocol.JobProgress, job=job.asked.id, fraction=progress.fraction, step=progress.step)

    def _ended(self, job: _Job, code: int) -> None:
        if job.ended_as is not None:
            self._finish(job, status=job.ended_as, code=code, reason=None)
        elif code == 0:
            self._finish(job, status="ok", code=code, reason=None)
        else:
            self._finish(job, status="error", code=code, reason=_reason(code))

    def _finish(self, job: _Job, *, status: JobStatus, code: int | None, reason: str | None) -> None:
        if self._running.pop(job.asked.id, None) is None:
            return
        job.output.close()
        self._recorder.record(
            protocol.JobFinished,
            job=job.asked.id,
            status=status,
            code=code,
            reason=reason,
            result=self._result(job) if job.makes_file else None,
            line=failed_at(job.output.end, PurePosixPath(job.asked.path)) if status == "error" else None,
            dropped=job.output.dropped,
        )
        self._reporter.changed()

    def _result(self, job: _Job) -> str | None:
        """Return the path of what it has made, below the home; None where it has said nothing of it."""
        found = _CREATED.findall(job.output.end)
        if not found:
            return None
        made = (job.file.parent / found[-1]).resolve()
        home = self._home.resolve()
        return str(made.relative_to(home)) if made.is_relative_to(home) and made.is_file() else None


_NAMES: Mapping[protocol.RenderFormat, str] = {"html": "HTML", "pdf": "PDF", "docx": "Word"}


def _reason(code: int) -> str:
    if code == -signal.SIGKILL:
        return _KILLED
    if code < 0:
        return f"It was ended by the signal {signal.Signals(-code).name}."
    return f"It ended with the code {code}."


def _info(job: _Job) -> protocol.JobInfo:
    return protocol.JobInfo(
        job=job.asked.id,
        who=job.who,
        title=job.title,
        path=job.asked.path,
        format=job.asked.format,
        started=job.started,
        fraction=job.progress.fraction if job.progress else None,
        step=job.progress.step if job.progress else None,
    )
