"""The story: people want things of their sessions while hub, controller and edge are killed, and in the end all is counted."""

import asyncio
import random
import signal
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from rsparkhub.installation.data_folder import read_holder
from rsparkhub.settings import Settings
from tests.chaos import census
from tests.chaos.patient_client import PatientClient
from tests.chaos.person import Person
from tests.installation import ROOT, Installation

VICTIMS = ("hub", "controller", "edge")
STAND_IN = ROOT / "hub/tests/backends/stand_in_agent.py"
ENVIRONMENT = """
apiVersion: rsparkhub/v1
kind: Environment
metadata: {{name: chaos, title: Chaos}}
spec:
  interface: {interface}
  kernels: [r]
  lifecycle: {{grace: 60s}}
"""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is to be done; the same seed does the same, as far as a machine lets it."""

    sessions: int
    rounds: int
    seed: int
    real: bool = True  # R in Jupyter servers; else the stand-in agent of the backend's tests
    pause: float = 6.0  # seconds of a round, about
    settle: float = 300.0  # seconds until all must be as wanted


@dataclass(kw_only=True)
class Report:
    """What became of it. Nothing may be lost, doubled, leaked or spoiled."""

    kills: Counter[str] = field(default_factory=Counter)
    changes: int = 0
    asked: int = 0
    refused: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    leaked: list[str] = field(default_factory=list)
    spoiled: list[str] = field(default_factory=list)
    checked: int = 0
    woken: int = 0
    counts: int = 0

    @property
    def good(self) -> bool:
        return not (self.lost or self.doubled or self.leaked or self.spoiled)

    def lines(self) -> list[str]:
        """Give the report as lines for a person."""
        kills = ", ".join(f"{name} {self.kills[name]}" for name in VICTIMS)
        found = [
            f"killed       {self.kills.total()} ({kills})",
            f"asked        {self.changes} changes wanted, {self.asked} requests, {self.refused} of them refused and asked again",
            f"counted      {self.counts} times",
            f"workspaces   {self.checked} looked at, {self.woken} of them after a sleep",
        ]
        for name in ("lost", "doubled", "leaked", "spoiled"):
            entries = getattr(self, name)
            found += [f"{name:<12} {len(entries)}", *(f"    {entry}" for entry in entries)]
        return found


async def run(plan: Plan, folder: Path) -> Report:
    """Do it in this folder, and leave nothing of it running."""
    installation = Installation(folder / "data", environ=_environ(plan, folder))
    await asyncio.to_thread(installation.up)
    try:
        return await _story(plan, installation)
    finally:
        await asyncio.to_thread(installation.down)


async def _story(plan: Plan, installation: Installation) -> Report:
    report = Report()
    client = PatientClient(installation.address, installation.token)
    watchman = census.Watchman(installation.data)
    watching = asyncio.create_task(watchman.run())
    chance = random.Random(plan.seed)
    people = [
        Person(number=number, client=client, chance=random.Random(chance.random()), uses_r=plan.real)
        for number in range(plan.sessions)
    ]
    killer = Killer(installation, random.Random(chance.random()), report)
    try:
        async with asyncio.TaskGroup() as group:
            for person in people:
                group.create_task(person.create("chaos"))
            group.create_task(killer.strike(within=2))
        for number in range(1, plan.rounds + 1):
            began = time.monotonic()
            async with asyncio.TaskGroup() as group:
                group.create_task(killer.strike(within=plan.pause))
                for person in chance.sample(people, k=max(1, len(people) // 2)):
                    group.create_task(_act_within(person, chance.uniform(0, plan.pause), report))
            print(f"round {number}/{plan.rounds}: {time.monotonic() - began:.1f} s, kills {dict(report.kills)}", flush=True)
        await _last_wishes(plan, people, report)
        await _count(plan, installation, people, client, report)
    finally:
        watching.cancel()
        await client.close()
    report.doubled += [f"{session}: {what}" for session, what in watchman.doubled.items()]
    report.counts, report.asked, report.refused = watchman.counts, client.tries, client.refused
    report.checked, report.woken = sum(person.checked for person in people), sum(person.woken for person in people)
    report.spoiled += [line for person in people for line in person.spoiled]
    return report


async def _act_within(person: Person, seconds: float, report: Report) -> None:
    await asyncio.sleep(seconds)
    await person.act()
    report.changes += 1


async def _last_wishes(plan: Plan, people: list[Person], report: Report) -> None:
    """Every person wants a last thing, and gets it. Then all want to run, so that every workspace can be looked at."""
    chance = random.Random(plan.seed + 1)
    for wanted in ({person.number: chance.choice(["running", "suspended", "stopped"]) for person in people}, {}):
        await asyncio.gather(*(person.set_wanted(wanted.get(person.number, "running")) for person in people))
        report.changes += len(people)
        deadline = time.monotonic() + plan.settle
        for person in people:
            row = await person.until_settled(deadline)
            if row["state"] != person.wanted:
                report.lost.append(f"{person.id} is {row['state']}, and {person.wanted} was asked for: {row['reason']}")
        if not wanted and plan.real:
            for person in people:
                await person.look_after_variable()
    report.lost += [f"{line} (and nobody killed it)" for person in people for line in person.failures]


async def _count(plan: Plan, installation: Installation, people: list[Person], client: PatientClient, report: Report) -> None:
    rows = {row["id"]: row for row in (await client.ask("GET", "/sessions?all=true"))["sessions"]}
    report.lost += [f"{person.id} is not in the list" for person in people if person.id not in rows]
    if len(rows) != len(people):
        report.doubled.append(f"{len(rows)} sessions, and {len(people)} were asked for")
    alive = {f"{row['id']}.{row['generation']}" for row in rows.values() if row["state"] == "running"}
    found = census.count(installation.data)
    report.lost += [f"{name} runs, and no agent of it is there" for name in sorted(alive - set(found.agents))]
    await _no_leaks(installation.data, alive, report, hub=True)
    await asyncio.to_thread(installation.down)
    await _no_leaks(installation.data, set(), report, hub=False)


async def _no_leaks(data: Path, alive: set[str], report: Report, *, hub: bool) -> None:
    """Wait until nothing is there that should be gone; what is there after a while has leaked."""
    deadline = time.monotonic() + 30
    while (left := census.leaks(data, alive=alive, hub=hub)) and time.monotonic() < deadline:
        await asyncio.sleep(0.5)
    report.leaked += [*left.processes, *(f"port {port}" for port in left.ports), *left.folders]


class Killer:
    """Kills one of hub, controller and edge, as the kernel does when memory runs out."""

    def __init__(self, installation: Installation, chance: random.Random, report: Report) -> None:
        self._settings = Settings(data=installation.data)
        self._chance = chance
        self._report = report
        self._next: list[str] = []  # each in its turn, so that none is spared

    async def strike(self, *, within: float) -> None:
        await asyncio.sleep(self._chance.uniform(0, within))
        if not self._next:
            self._next = self._chance.sample(VICTIMS, k=len(VICTIMS))
        name = self._next.pop()
        holder = read_holder(self._settings)
        victim = holder.processes.get(name) if holder else None
        if victim is not None and victim.signal(signal.SIGKILL):
            self._report.kills[name] += 1


def _environ(plan: Plan, folder: Path) -> dict[str, str]:
    environments = folder / "environments"
    environments.mkdir(parents=True)
    interface = "jupyterlab" if plan.real else "terminal"
    (environments / "chaos.yaml").write_text(ENVIRONMENT.format(interface=interface))
    limits = {
        "RSPARKHUB_ENVIRONMENTS": str(environments),
        "RSPARKHUB_MOST_SESSIONS_PER_PERSON": str(plan.sessions),
        "RSPARKHUB_MOST_RUNNING": str(plan.sessions),
        "RSPARKHUB_SWEEP_EVERY": "10s",
    }
    if plan.real:
        return limits
    program = folder / "python"
    program.write_text(f'#!/bin/sh\nfor last; do :; done\nexec {sys.executable} -I -S {STAND_IN} "$last"\n')
    program.chmod(0o755)
    return {**limits, "RSPARKHUB_SESSION_PYTHON": str(program)}
