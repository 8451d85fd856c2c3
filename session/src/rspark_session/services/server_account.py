"""Whom a shared server runs as: root gives it to an account without rights.

That account need not be able to walk to the data: folders on the way may be private, and stay so. What it works on is
opened for it and handed over (`held_open`).
"""

import os
import pwd
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rspark_session.processes import prctl
from rspark_session.services.problem import ServiceProblem

_CANDIDATES = ("postgres", "nobody")


@dataclass(frozen=True, kw_only=True)
class Account:
    name: str
    uid: int
    gid: int


def unprivileged(title: str) -> Account | None:
    """Return the account that the server `title` runs as, or None when we are not root and simply stay who we are.

    Raises
    ------
    ServiceProblem
        When we are root and there is no such account.
    """
    if os.geteuid() != 0:
        return None
    for name in _CANDIDATES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name=name, uid=entry.pw_uid, gid=entry.pw_gid)
    raise ServiceProblem(f"{title} does not run as root, and there is no account for it. Make one: adduser --system postgres.")


@contextmanager
def held_open(path: Path) -> Iterator[tuple[int, str]]:
    """Open a file or a folder, and give the descriptor, and the path by which a program that inherits it finds it."""
    descriptor = os.open(path, os.O_PATH)
    try:
        yield descriptor, f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)


def start(
    command: list[str], *, account: Account | None, cwd: Path, held: Sequence[int], death_signal: int, **more: Any
) -> "subprocess.Popen[str]":
    """Start a program as `account`, with the descriptors `held`; it gets `death_signal` when we die, however we die."""
    identity: dict[str, Any] = {}
    if account is not None:
        identity = {"user": account.uid, "group": account.gid, "extra_groups": []}
    return subprocess.Popen(
        command,
        cwd=cwd,
        env=_without_client_settings(os.environ),
        text=True,
        pass_fds=held,
        # Runs after the change of account, which would take the death signal away. We have no threads.
        preexec_fn=prctl.ends_with_this_process(death_signal),  # noqa: PLW1509
        **identity,
        **({"stdin": subprocess.DEVNULL} | more),
    )


def give(path: Path, account: Account | None) -> None:
    """Make `account` the owner of a file or a folder."""
    if account is not None:
        os.chown(path, account.uid, account.gid)


def _without_client_settings(environ: Mapping[str, str]) -> dict[str, str]:
    """Leave out PGDATA, PGPORT and their like, which mean another server."""
    return {name: value for name, value in environ.items() if not name.startswith("PG")}
