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

from rspark_contract.ensemble import DocumentInvalid, EnsembleDocument
from rspark_session.agent.lifecycle import environ, interface_host, login_shell, own_packages, session_services
from rspark_session.agent.lifecycle.document import load
from rspark_session.agent.lifecycle.failure import CannotStart
from rspark_session.agent.lifecycle.socket_folder import make_socket_folder
from rspark_session.processes import prctl


def main() -> int:
    """Run one generation of one ensemble to its end; return the exit code."""
    if len(sys.argv) != 2:
        print("usage: python -m rspark_session.agent <ensemble.json>", file=sys.stderr)
        return 2
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)  # who started us in the background ignores them, and so would every kernel
    prctl.adopt_orphans()
    prctl.end_with_parent()
    try:
        document = load(Path(sys.argv[1]), python=sys.executable)
    except DocumentInvalid as problem:
        print(problem, file=sys.stderr)
        return 1
    try:
        return run(document)
    except CannotStart as problem:
        return report_failure(document, str(problem), detail=None)
    except OSError as problem:
        reason = f"The session could not be set up: {problem.strerror or problem}."
        return report_failure(document, reason, detail=str(problem))


def run(document: EnsembleDocument) -> int:
    """Bind the port, start the interface, what takes longest of it first, then load asyncio and all that needs it.

    Returns
    -------
    int
        The exit code.

    Raises
    ------
    CannotStart, OSError
        When nothing could be started.
    """
    early: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: early.append(number))
    places = document.places
    listener = socket.create_server((places.host, places.port), backlog=512)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # for each connection: asyncio doesn't see that these are TCP
    places.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    services = session_services.make(document)
    variables = environ.build(document, os.environ, services)
    own_packages.make_r_library(document)
    sockets = make_socket_folder(document)
    interface = interface_host.make(document, variables, sockets=sockets)
    if interface is not None:
        interface.start_ahead()

    from rspark_session.agent.lifecycle.checkpoint_store import CheckpointStore

    own_packages.make_python_environment(document)
    try:
        store = CheckpointStore(places.keep, document.generation)
        store.forget(document.forget)
        restore = store.latest() if document.resume else None
        process = interface_host.start(interface, restore=restore) if interface is not None else None
        restore_beside = store.latest_beside() if document.resume else {}
    except (CannotStart, OSError):
        if interface is not None:
            interface.abandon()
        raise
    try:
        write_files(document)
        session_services.prepare(services)
        if interface is not None:
            try:
                interface.write_home_files(session_services.welcome(services))
            except OSError as problem:  # a full home is to be opened, since only then can anything be deleted from it
                print(f"The home gets no files of the interface: {problem}", file=sys.stderr)
        if document.template is not None:
            from rspark_session.project_template import lay

            try:
                lay(document.template, places.home)
            except OSError as problem:
                print(f"The home doesn't get {document.template}: {problem}", file=sys.stderr)
        if document.user is not None:
            login_shell.write(places.home)
    except (CannotStart, OSError):
        if interface is not None and process is not None:
            with contextlib.suppress(ProcessLookupError):  # it ended by itself
                os.killpg(process.pid, signal.SIGKILL)
            interface.abandon()
        raise

    from rspark_session.agent.lifecycle.ensemble import Ensemble

    return Ensemble(
        document=document,
        environ=variables,
        listener=listener,
        sockets=sockets,
        interface=interface,
        process=process,
        services=services,
        store=store,
        restore_beside=restore_beside,
        early=early,
    ).run()


def write_files(document: EnsembleDocument) -> None:
    """Write the files of the document, which nobody needs before the interface is up.

    Raises
    ------
    OSError
        When one can't be written.
    """
    from rspark_session.files import write_whole

    for file in document.files:
        path = document.places.run / file.path
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_whole(path, file.content)
    if document.user:
        write_whole(document.places.run / "gitconfig", environ.git_config(document))
    if document.token is not None:
        write_whole(document.places.run / "token", document.token)


def report_failure(document: EnsembleDocument, reason: str, *, detail: str | None) -> int:
    """Write the status and the record of an ensemble that never started; return the exit code."""
    from rspark_contract.record import How
    from rspark_contract.status import AgentState
    from rspark_session.agent.lifecycle.checkpoint_store import CheckpointStore
    from rspark_session.agent.reporting import record
    from rspark_session.agent.reporting.reporter import Reporter

    print(reason, detail or "", file=sys.stderr)
    reporter = Reporter(document)
    reporter.report.state, reporter.report.reason, reporter.report.detail = AgentState.FAILED, reason, detail
    reporter.publish()
    with contextlib.suppress(OSError):  # on a full disk the exit code has to say it
        left = record.make_record(document, how=How.FAILED, reason=reason, detail=detail)
        record.leave(left, document)
        CheckpointStore(document.places.keep, document.generation).write_record(left)
    return 1


if __name__ == "__main__":
    sys.exit(main())
