"""Counts what there is on the machine: the kernel's word and the folders, not what anybody says of them."""

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from rsparkhub.backends.process import proc


@dataclass(frozen=True)
class Census:
    """What carries the name of each ensemble of one installation, and the agents among them."""

    members: dict[str, list[proc.Process]]
    agents: dict[str, list[proc.Process]]

    def generations(self) -> dict[str, set[int]]:
        """Give the generations of each session of which something is alive."""
        found: dict[str, set[int]] = defaultdict(set)
        for ensemble in self.members:
            session, _, generation = ensemble.rpartition(".")
            found[session].add(int(generation))
        return found


def count(data: Path) -> Census:
    """Count now."""
    homes = f"{data}/".encode()
    members: dict[str, list[proc.Process]] = defaultdict(list)
    agents: dict[str, list[proc.Process]] = defaultdict(list)
    for process in proc.everyone():
        ensemble = proc.ensemble_of(process.pid, homes)
        if ensemble is None:
            continue
        members[ensemble].append(process)
        if b"ensemble.json" in _words(process.pid):
            agents[ensemble].append(process)
    # What an agent forked and has not become another program yet still looks like it.
    for ensemble, found in agents.items():
        pids = {process.pid for process in found}
        agents[ensemble] = [process for process in found if process.parent not in pids]
    return Census(members=dict(members), agents=dict(agents))


@dataclass
class Watchman:
    """Counts all the time, and writes down each session that ran twice at once."""

    data: Path
    doubled: dict[str, str] = field(default_factory=dict)
    counts: int = 0

    async def run(self) -> None:
        before: dict[str, str] = {}
        while True:
            now = _doubled(await asyncio.to_thread(count, self.data))
            # Seen twice in a row: a look at /proc is no instant, and what ends while we look may be seen beside what begins.
            self.doubled |= {session: what for session, what in now.items() if before.get(session) == what}
            before = now
            self.counts += 1
            await asyncio.sleep(0.2)


def _doubled(census: Census) -> dict[str, str]:
    found = {
        session: f"generations {sorted(generations)} at once"
        for session, generations in census.generations().items()
        if len(generations) > 1
    }
    for ensemble, agents in census.agents.items():
        if len(agents) > 1:
            found[ensemble.rpartition(".")[0]] = f"{len(agents)} agents of {ensemble}: {sorted(p.pid for p in agents)}"
    return found


@dataclass(frozen=True)
class Leaks:
    """What is left of what should be gone."""

    processes: list[str]
    ports: list[int]
    folders: list[str]

    def __len__(self) -> int:
        return len(self.processes) + len(self.ports) + len(self.folders)


def leaks(data: Path, *, alive: set[str], hub: bool) -> Leaks:
    """Find what should be gone, when these ensembles may be alive, and hub, controller and edge or not."""
    processes, pids = [], set()
    for process in proc.everyone():
        ensemble = proc.ensemble_of(process.pid, f"{data}/".encode())
        words = _words(process.pid)
        mentions = str(data).encode() in words
        if ensemble in alive or (ensemble is None and not mentions):
            continue
        if ensemble is None and (hub or any(_watches(words, data, each) for each in alive)):
            continue
        processes.append(f"{process.pid} {ensemble or ''} {words.replace(bytes(1), b' ').decode(errors='replace')[:200]}")
        pids.add(process.pid)
    ports = [c.laddr.port for c in psutil.net_connections("tcp") if c.status == psutil.CONN_LISTEN and c.pid in pids]
    folders = [
        str(run.relative_to(data))
        for run in (data / "sessions").glob("*/*")
        if run.name != "keep" and f"{run.parent.name}.{run.name}" not in alive
    ]
    return Leaks(processes=processes, ports=ports, folders=folders)


def _watches(words: bytes, data: Path, ensemble: str) -> bool:
    session, _, generation = ensemble.rpartition(".")
    return f"{data}/sessions/{session}/{generation}\0".encode() in words


def _words(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
