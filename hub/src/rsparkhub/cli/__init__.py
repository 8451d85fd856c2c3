"""The command line: one module a noun. Each module is loaded when its noun is typed, so that every command starts quickly."""

import errno
import logging
import os
import sys
import traceback
from pathlib import Path

import typer

from rsparkhub.cli import (
    audit,
    doctor,
    down,
    environment,
    group,
    group_folder,
    importing,
    options,
    processes,
    render,
    service,
    session,
    share,
    token,
    up,
    usage,
    user,
)
from rsparkhub.domain.errors import RsparkhubError

app = typer.Typer(
    name="rsparkhub",
    help="RSparkHub: an RSpark for every person. `rsparkhub up` starts it on this machine.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def every_command() -> None:
    """Gather the commands."""


for part in (up, down, doctor, processes, usage, audit, render):
    part.add_to(app)
group_folder.add_to(group.app)
for noun in (session, share, environment, user, group, importing, token, service):
    app.add_typer(noun.app)


def command_line() -> options.Command:
    """Return the whole command line."""
    return options.add_to_all(typer.main.get_command(app))


#: Errors of the system that are no fault of ours, and what to do about them.
_MENDS = {
    errno.EACCES: "Run this as the owner of the data folder, or name another one with --data.",
    errno.EPERM: "Run this as the user who started RSparkHub.",
    errno.ENOTDIR: "Name a folder as the data folder, with --data.",
    errno.EROFS: "Name a data folder that can be written, with --data.",
    errno.ENOSPC: "Make room there, then try again.",
    errno.EDQUOT: "Make room there, then try again.",
}


def main() -> None:
    """Run the command line; an error becomes one line on standard error and an exit code."""
    from rsparkhub.cli.exit_codes import ExitCode, code_of
    from rsparkhub.cli.output import say
    from rsparkhub.cli.streams import prepare_streams

    # What a command has to say it says in its own words; `hub`, `controller` and `edge` ask for their logs themselves.
    logging.getLogger("rsparkhub").addHandler(logging.NullHandler())
    prepare_streams()
    try:
        command_line()()
    except RsparkhubError as error:
        say(f"rsparkhub: {error}", error=True)
        sys.exit(code_of(error))
    except KeyboardInterrupt:
        sys.exit(ExitCode.INTERRUPTED)
    except BrokenPipeError:  # `rsparkhub session list | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(ExitCode.FAILED)
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _MENDS:
            place = f": {error.filename}" if error.filename else ""
            say(f"rsparkhub: {error.strerror}{place}. {_MENDS[error.errno]}", error=True)
            sys.exit(ExitCode.INSTALLATION)
        say(f"rsparkhub: {_keep_details(error)}", error=True)
        sys.exit(ExitCode.BUG)


def _keep_details(error: Exception) -> str:
    """Write an unexpected error to the command line's log, and give the sentence that says so."""
    from rsparkhub.settings import default_data

    details = "".join(traceback.format_exception(error))
    log = Path(os.environ.get("RSPARKHUB_DATA") or default_data()) / "log" / "cli.log"
    said = f"an error of RSparkHub itself: {type(error).__name__}: {error}."
    try:
        with log.open("a") as file:
            file.write(f"{' '.join(sys.argv)}\n{details}\n")
    except OSError:
        return f"{said}\n{details}"
    return f"{said} The details are in {log}; please report them."
