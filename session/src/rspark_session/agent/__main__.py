"""`python -m rspark_session.agent <ensemble.json>`: starts what must start first, then hands over to `ensemble`.

A person waits, and R and the interface take longest; so each module is loaded when its turn comes.
"""

# ruff: noqa: PLC0415

import contextlib
import os
import signal
import socket
import sys
from pathlib import Path

from rspark_session.agent import environ, interface, places, prctl, spec


def main() -> int:
    """Run one generation of one ensemble to its end; gives the exit code."""
    if len(sys.argv) != 2:
        print("usage: python -m rspark_session.agent <ensemble.json>", file=sys.stderr)
        return 2
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)  # who started us in the background ignores them, and so would every kernel
    prctl.adopt_orphans()
    prctl.end_with_parent()
    try:
        asked = spec.load(Path(sys.argv[1]), python=sys.executable)
    except spec.SpecInvalid as problem:
        print(problem, file=sys.stderr)
        return 1
    try:
        return run(asked)
    except spec.SpecInvalid as problem:
        return tell_failure(asked, str(problem), detail=None)
    except OSError as problem:
        reason = f"The session could not be set up: {problem.strerror or problem}."
        return tell_failure(asked, reason, detail=str(problem))


def run(asked: spec.Spec) -> int:
    """Bind the port, start the interface, what takes longest of it first, then load asyncio and all that needs it.

    Raises
    ------
    SpecInvalid, OSError
        When nothing could be started.
    """
    early: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: early.append(number))
    door = socket.create_server((asked.host, asked.port), backlog=512)
    door.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # for each connection: asyncio doesn't see that these are TCP
    asked.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    around = environ.build(
        asked, os.environ, java_home=environ.find_java(os.environ), spark_home=environ.find_spark() if asked.spark else None
    )
    environ.home_library(asked).mkdir(parents=True, exist_ok=True)  # an R that starts before it is there doesn't use it
    sockets = places.socket_folder(asked)
    opened = interface.make(asked, around, sockets=sockets)
    if opened is not None:
        opened.start_ahead()

    from rspark_session.agent.keep import Keep

    try:
        keep = Keep(asked.keep, asked.generation)
        keep.forget(asked.forget)
        restore = keep.latest() if asked.resume else None
        process = interface.start(opened, restore=restore) if opened is not None else None
    except (spec.SpecInvalid, OSError):
        if opened is not None:
            opened.abandon()
        raise
    write_config_files(asked)
    if opened is not None:
        opened.write_home_files(service_names(asked))

    from rspark_session.agent.ensemble import Ensemble

    return Ensemble(
        spec=asked, environ=around, door=door, sockets=sockets, interface=opened, process=process, keep=keep, early=early
    ).run()


def write_config_files(asked: spec.Spec) -> None:
    """Write the files that nobody needs before the interface is up."""
    from rspark_session.services import spark
    from rspark_session.services.atomic import write_whole

    for file in asked.files:
        path = asked.run / file.path
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_whole(path, file.content)
    if asked.token is not None:
        write_whole(asked.run / "token", asked.token)
    if asked.spark is not None:
        spark.write_conf(
            asked.run / "spark" / "conf",
            spark.Asked.of(asked.spark),
            base_path=asked.base_path,
            home=asked.home,
            scratch=asked.run / "spark" / "scratch",
        )


def service_names(asked: spec.Spec) -> list[str]:
    """Return the names of the services that a person has in this ensemble."""
    return [name for name, there in (("postgres", "PGHOST" in asked.environ), ("spark", asked.spark is not None)) if there]


def tell_failure(asked: spec.Spec, reason: str, *, detail: str | None) -> int:
    """Leave the status and the record of an ensemble that never started; gives the exit code."""
    from rspark_session.agent import record
    from rspark_session.agent.keep import Keep
    from rspark_session.agent.status import Reporter

    print(reason, detail or "", file=sys.stderr)
    reporter = Reporter(asked)
    reporter.status.state, reporter.status.reason, reporter.status.detail = "failed", reason, detail
    reporter.tell()
    with contextlib.suppress(OSError):  # on a full disk the exit code has to say it
        left = record.failed_start(asked, reason, detail)
        record.leave(left, asked)
        Keep(asked.keep, asked.generation).write_record(left)
    return 1


if __name__ == "__main__":
    sys.exit(main())
