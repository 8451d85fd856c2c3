"""What RStudio Server (`rserver`) is started with: in the foreground, as an ordinary account, without a sign-in of its own.

It starts the R of a person (`rsession`) at the first request that needs it, with the home and the variables of the account in
`/etc/passwd`. So it gets, in the place of `rsession`, a script that sets those of the session. They are named in
`session-ephemeral-env-vars`: R would else get back those of before a sleep, with addresses and tokens that are no longer.
"""

import os
import pwd
import shlex
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rspark_session.files import write_whole

#: Where RStudio's own packages put it, without a link on the path.
_PLACES = ("/usr/lib/rstudio-server/bin", "/opt/rstudio-server/bin")
#: `rserver` sets them for its own R.
_RS_OWN = frozenset({"LD_LIBRARY_PATH", "R_HOME", "R_DOC_DIR", "R_INCLUDE_DIR", "R_SHARE_DIR"})
_FIRST_UID = 100  # `rsession` refuses accounts below


class NotRunnable(Exception):
    """It can't be started. The message says in one sentence why, and what to do."""


@dataclass(frozen=True, kw_only=True)
class Installed:
    """Where it is installed, and the account that it runs as."""

    rserver: Path
    rsession: Path
    r: str
    account: str


def find(environ: Mapping[str, str]) -> Installed:
    """Return where it is installed.

    Raises
    ------
    NotRunnable
        When it isn't, or can't run as this account.
    """
    path = os.pathsep.join([environ["PATH"], *_PLACES])
    rserver = shutil.which("rserver", path=path)
    r = shutil.which("R", path=environ["PATH"])
    if rserver is None or r is None:
        what = "RStudio Server" if rserver is None else "R"
        raise NotRunnable(
            f"{what} is not installed where this session runs: install it there (the package rstudio-server of posit.co), or "
            "give the environment an image that has it, such as one that stands on rocker/rstudio."
        )
    uid = os.geteuid()
    try:
        account = pwd.getpwuid(uid).pw_name
    except KeyError:
        raise NotRunnable(f"RStudio Server needs an account: add the user id {uid} to /etc/passwd of the image.") from None
    if uid < _FIRST_UID:
        raise NotRunnable(
            f"RStudio Server does not run as {account}: start RSparkHub as another account, or let sessions run as people's own."
        )
    beside = Path(rserver).resolve().with_name("rsession")
    return Installed(rserver=Path(rserver), rsession=beside, r=r, account=account)


def command(
    installed: Installed, *, environ: Mapping[str, str], run: Path, sockets: Path, port: int, base_path: str
) -> list[str]:
    """Write the files that it is started with below `run`, and return its command.

    Raises
    ------
    OSError
        When a file can't be written.
    """
    folder, data = run / "rstudio", sockets / "rstudio"
    for each in (folder, folder / "tmp", folder / "database", data):
        each.mkdir(mode=0o700, parents=True, exist_ok=True)
    names = sorted(name for name in environ if name.isidentifier() and name not in _RS_OWN)
    key = folder / "secure-cookie-key"
    if not key.exists():
        write_whole(key, os.urandom(32).hex())
    write_whole(folder / "database.conf", f"provider=sqlite\ndirectory={folder / 'database'}\n")
    write_whole(folder / "rsession.conf", f"session-timeout-minutes=0\nsession-ephemeral-env-vars={':'.join(names)}\n")
    exports = "".join(f"export {name}={shlex.quote(environ[name])}\n" for name in names)
    script = f'#!/bin/sh\nunset TMPDIR\n{exports}exec {shlex.quote(str(installed.rsession))} "$@"\n'
    write_whole(folder / "rsession", script, mode=0o700)
    return [
        str(installed.rserver),
        "--server-daemonize=0",
        f"--server-user={installed.account}",
        f"--server-data-dir={data}",
        f"--server-pid-file={folder / 'rserver.pid'}",
        "--auth-none=1",
        "--www-address=127.0.0.1",
        f"--www-port={port}",
        f"--www-root-path={base_path}",
        "--www-verify-user-agent=0",
        f"--secure-cookie-key-file={key}",
        f"--database-config-file={folder / 'database.conf'}",
        f"--rsession-config-file={folder / 'rsession.conf'}",
        f"--rsession-path={folder / 'rsession'}",
        f"--rsession-which-r={installed.r}",
    ]


def own_environ(environ: Mapping[str, str], run: Path) -> dict[str, str]:
    """Return the variables of `rserver` itself, which writes keys into its folder for temporary files."""
    return {**environ, "TMPDIR": str(run / "rstudio/tmp")}
