"""Spark's jobs: what runs now and what ran, as its drivers tell it, beside the executions that caused it."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from rspark_session.rc2.protocol.model import Count, Identifier, Model, ShortText


class SparkStage(Model):
    """A stage that computes now."""

    stage: Count
    name: ShortText
    tasks: Count
    active: Count
    done: Count
    failed: Count


SparkStatus = Literal["running", "ok", "failed", "lost"]


class SparkJob(Model):
    """A job. `console` and `execution` are those that caused it, where that is known; `stages` are of those that compute now.

    `lost`: the driver ended before the job did.
    """

    application: ShortText
    job: Count
    title: ShortText
    console: Identifier | None = None
    execution: Identifier | None = None
    status: SparkStatus
    started: datetime
    finished: datetime | None = None
    tasks: Count
    active: Count
    done: Count
    failed: Count
    skipped: Count
    all_stages: Count
    done_stages: Count
    stages: tuple[SparkStage, ...] = ()


class SparkApplication(Model):
    """A driver that runs. Its own pages are at `spark/?application=<id>` below the session."""

    id: ShortText
    name: ShortText
    console: Identifier | None = None


class SparkProgress(Model):
    """The drivers that run, and the jobs that changed since the last such notice: all that are kept where `all` is true.

    It comes where a driver runs or ran, about once a second while something changes.
    """

    type: Literal["spark_progress"] = "spark_progress"
    all: bool
    applications: Annotated[tuple[SparkApplication, ...], Field(max_length=100)] = ()
    jobs: tuple[SparkJob, ...] = ()
