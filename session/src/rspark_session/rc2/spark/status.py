"""What a driver's API tells of jobs and stages, as the protocol has it. Only what is understood is taken."""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from rspark_session.rc2 import protocol
from rspark_session.rc2.protocol import SparkStatus

#: Stages of a job that are told.
_MOST_STAGES = 8
_STATES: Mapping[str, SparkStatus] = {"RUNNING": "running", "SUCCEEDED": "ok", "FAILED": "failed"}
#: The group of a call of a kernel of Python or R, with the process that made it.
_CALL = re.compile(r"^rspark-(?:cell|R)-(\d+)-")
#: What the connections pane asks for.
_LOOK = "rspark-look-"
_STREAM = re.compile(r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")


def caller(job: Mapping[str, Any]) -> int | None:
    """Return the process in whose call a job was begun; None where its group doesn't say."""
    found = _CALL.match(str(job.get("jobGroup") or ""))
    return int(found[1]) if found else None


def is_shown(job: Mapping[str, Any]) -> bool:
    """Return whether a person is told of a job."""
    return not str(job.get("jobGroup") or "").startswith(_LOOK)


def is_of_stream(job: Mapping[str, Any]) -> bool:
    """Return whether a job is a run of a streaming query, which no execution waits for."""
    return _STREAM.match(str(job.get("jobGroup") or "")) is not None


def number(job: Mapping[str, Any]) -> int:
    """Return a job's number."""
    return int(job["jobId"])


def submitted(job: Mapping[str, Any]) -> datetime:
    """Return when a job was begun."""
    return _time(job.get("submissionTime")) or datetime.now(UTC)


def read(
    application: str,
    job: Mapping[str, Any],
    stages: Iterable[Mapping[str, Any]],
    *,
    console: str | None,
    execution: str | None,
) -> protocol.SparkJob:
    """Return a job with those of the active stages that are its own."""
    own = set(job.get("stageIds") or ())
    return protocol.SparkJob(
        application=application,
        job=number(job),
        title=" ".join(str(job.get("description") or job.get("name") or "a job").split())[:200],
        console=console,
        execution=execution,
        status=_STATES.get(str(job.get("status")), "failed"),
        started=submitted(job),
        finished=_time(job.get("completionTime")),
        tasks=_count(job, "numTasks"),
        active=_count(job, "numActiveTasks"),
        done=_count(job, "numCompletedTasks"),
        failed=_count(job, "numFailedTasks"),
        skipped=_count(job, "numSkippedTasks"),
        all_stages=len(own),
        done_stages=_count(job, "numCompletedStages") + _count(job, "numSkippedStages"),
        stages=tuple(_stage(stage) for stage in stages if stage.get("stageId") in own)[:_MOST_STAGES],
    )


def _stage(stage: Mapping[str, Any]) -> protocol.SparkStage:
    return protocol.SparkStage(
        stage=_count(stage, "stageId"),
        name=str(stage.get("name") or "")[:200],
        tasks=_count(stage, "numTasks"),
        active=_count(stage, "numActiveTasks"),
        done=_count(stage, "numCompleteTasks"),
        failed=_count(stage, "numFailedTasks"),
    )


def _count(of: Mapping[str, Any], name: str) -> int:
    value = of.get(name)
    return max(value, 0) if isinstance(value, int) else 0


def _time(text: object) -> datetime | None:
    """Read a time as Spark's API writes it: 2026-11-29T10:20:16.123GMT."""
    try:
        return datetime.strptime(str(text), "%Y-%m-%dT%H:%M:%S.%fGMT").replace(tzinfo=UTC)
    except ValueError:
        return None
