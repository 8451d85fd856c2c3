"""What files, pipes and sockets a process has open, read from /proc."""

# ruff: noqa: PTH115, PTH123, PTH208  (read every few seconds in every session: a Path costs as much as the reading)

import os
from dataclasses import dataclass

_ACCESS = 0o3  # of a descriptor's flags: how it was opened, and 0 is to read alone
_LISTENING = "0A"  # in the tables of TCP
_ACCEPTS = 0x10000  # in the table of Unix sockets


@dataclass(frozen=True, slots=True)
class Descriptor:
    """One that is open; `name` is the same for both ends of a pipe."""

    name: str
    written: bool

    @property
    def is_pipe(self) -> bool:
        """Whether it is an end of a pipe."""
        return self.name.startswith("pipe:[")

    @property
    def is_socket(self) -> bool:
        """Whether it is a socket, of any kind."""
        return self.name.startswith("socket:[")


def of(pid: int) -> dict[int, Descriptor]:
    """Return what a process has open, by number; nothing when it is gone, or isn't ours to look into."""
    found: dict[int, Descriptor] = {}
    for number, name in _names(pid).items():
        try:
            with open(f"/proc/{pid}/fdinfo/{number}", encoding="ascii") as file:
                flags = next(line for line in file if line.startswith("flags:"))
        except (OSError, StopIteration):  # closed meanwhile, which says nothing of the others
            continue
        found[number] = Descriptor(name, written=bool(int(flags.split()[1], 8) & _ACCESS))
    return found


class Listening:
    """The sockets on which somebody listens, as they are when it is first asked for."""

    def __init__(self) -> None:
        self._names: set[str] | None = None

    def any_of(self, pid: int, *, beside: int) -> bool:
        """Return whether a process listens on a socket that another one, which started it, does not have as well."""
        if self._names is None:
            self._names = _listening()
        own = self._names.intersection(_names(pid).values())
        return bool(own) and not own.issubset(_names(beside).values())


def _names(pid: int) -> dict[int, str]:
    found: dict[int, str] = {}
    folder = f"/proc/{pid}/fd"
    try:
        numbers = os.listdir(folder)
    except OSError:
        return found
    for number in numbers:
        try:
            found[int(number)] = os.readlink(f"{folder}/{number}")
        except OSError:
            continue
    return found


def _listening() -> set[str]:
    found: set[str] = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        found.update(f"socket:[{words[9]}]" for words in _rows(table) if words[3] == _LISTENING)
    found.update(f"socket:[{words[6]}]" for words in _rows("/proc/net/unix") if int(words[3], 16) & _ACCEPTS)
    return found


def _rows(table: str) -> list[list[str]]:
    try:
        with open(table, encoding="utf-8", errors="replace") as file:
            return [line.split() for line in file.readlines()[1:]]
    except OSError:  # a kernel without IPv6
        return []
