"""Ports that a session opens on this machine are its person's alone: the kernel's firewall refuses other people's sessions.

A port on the loopback address is open to every account of a machine. So each connection that a person's process begins to this
machine is marked with the number of their account, and the socket that it is for tells by its control group whose session it is
of: where the two differ, it is refused. Nobody else is marked: hub, edge, services and the machine's own accounts reach a session
as before.

What goes on in nftables is one table of this installation, written anew when a session starts and when one is removed.
"""

import logging
import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Mapping

from rsparkhub.backends.process.cgroups import Tree
from rsparkhub.log_context import log_once

log = logging.getLogger(__name__)

_SECONDS = 10
_PATH = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"


class Loopback:
    """Closes the ports of one installation's sessions; `uid_of` returns the account of a generation, by its name."""

    def __init__(self, tree: Tree, uid_of: Callable[[str], int | None]) -> None:
        self._tree = tree
        self._uid_of = uid_of
        self._lock = threading.Lock()

    def renew(self) -> None:
        """Refuse others at the ports of each session that there is; where there is none, leave nothing in the kernel.

        Where that can't be done, it is logged: `doctor` says why.
        """
        with self._lock:
            owners = {name: uid for name in self._tree.names() if (uid := self._uid_of(name)) is not None}
            problem = load(rules(self._tree, owners))
        if problem is not None and owners:
            log_once(log, f"loopback {problem}", "Ports of sessions are open to all of this machine: %s", problem)


def rules(tree: Tree, owners: Mapping[str, int]) -> str:
    """Return the table in nftables' words; `owners` are the accounts of generations. Without any, the table is deleted."""
    table = f"inet {tree.name}"
    deleted = f"table {table} {{}}\ndelete table {table}\n"
    socket = {name: path for name in sorted(owners) if (path := tree.socket_group(name)) is not None}
    if not socket:
        return deleted
    people = sorted(set(owners.values()))
    numbers = ", ".join(f"{uid} : {uid}" for uid in people)
    sessions = "\n".join(
        f'    socket cgroupv2 level 2 "{path}" ct mark != {owners[name]} reject' for name, path in socket.items()
    )
    return f"""{deleted}table {table} {{
  map numbers {{ type uid : mark; elements = {{ {numbers} }}; }}
  chain sessions {{
{sessions}
  }}
  chain from {{
    type filter hook output priority mangle; policy accept;
    oif "lo" ct state new ct mark set meta skuid map @numbers
  }}
  chain to {{
    type filter hook input priority filter; policy accept;
    iif "lo" ct state new ct mark {{ {", ".join(map(str, people))} }} jump sessions
  }}
}}
"""


def load(table: str, *, check_only: bool = False) -> str | None:
    """Load a table into the kernel, or only see whether it takes it; return what keeps it from that, None when nothing does."""
    program = shutil.which("nft", path=_PATH)
    if program is None:
        return "there is no nft (Debian: nftables)"
    command = [program, *(["--check"] if check_only else []), "--file", "-"]
    try:
        done = subprocess.run(command, input=table, capture_output=True, text=True, timeout=_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    if done.returncode == 0:
        return None
    said = done.stderr.strip().splitlines()
    return said[0] if said else f"nft ended with code {done.returncode}"
