"""Which of the processes of code-server are its own, and which are the shells of its terminals."""

from dataclasses import dataclass

from rspark_session.processes import tree
from rspark_session.vscode.server import FOLDER

#: What starts the shells says so in its command.
_STARTS_SHELLS = "--type=ptyHost"


@dataclass(frozen=True, kw_only=True)
class Found:
    """Pids of the processes that only serve, and of shells."""

    own: tuple[int, ...] = ()
    shells: tuple[int, ...] = ()


def below(root: int) -> Found:
    """Look at the processes that code-server, the process `root`, has started.

    Its own run a program of its folder, as its servers of languages do; what a person runs by Node.js does not.
    """
    found = tree.walk(root)
    commands = {pid: tree.command_line(pid) for pid in found}
    own = [pid for pid, words in commands.items() if any(word.startswith(f"{FOLDER}/") for word in words[1:])]
    start_shells = {pid for pid in own if _STARTS_SHELLS in commands[pid]}
    shells = [process.pid for process in found.values() if process.parent in start_shells and process.pid not in own]
    return Found(own=tuple(own), shells=tuple(shells))
