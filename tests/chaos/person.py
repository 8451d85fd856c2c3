"""One who uses a session: asks for this and that, and keeps a variable in R to find again."""

import asyncio
import random
import time
from dataclasses import dataclass, field
from typing import Any

import httpx
from websockets.exceptions import WebSocketException

from tests.chaos.patient_client import PatientClient
from tests.kernels import KernelError, RemoteKernel

ACTIONS = {"running": "resume", "suspended": "suspend", "stopped": "stop"}
_R_SECONDS = 60.0
_SAY = "cat(if (exists('marker')) marker else 'none')"


@dataclass
class Person:
    """The user of one session.

    `maybe` holds what the variable may be by all that was done: one value when it is known, several when a kill came in
    between and it is not known whether R heard, none when nothing must be there.
    """

    number: int
    client: PatientClient
    chance: random.Random
    uses_r: bool
    id: str = ""
    wanted: str = "running"
    maybe: set[str] = field(default_factory=set)
    generation: int = 0  # in which it was last set
    checked: int = 0
    woken: int = 0  # how often it was looked at after a sleep
    spoiled: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    @property
    def key(self) -> str:
        return f"chaos-{self.number}"

    async def create(self, environment: str) -> None:
        """Make the session, once however often it is asked for."""
        body = {"environment": environment, "name": f"chaos {self.number}"}
        made = await self.client.ask("POST", "/sessions", key=self.key, body=body)
        self.id = made["id"]

    async def set_wanted(self, wanted: str) -> None:
        if wanted == "stopped":
            self.maybe = set()  # it may be gone, and may not, when another request comes in between
        self.wanted = wanted
        await self.client.ask("POST", f"/sessions/{self.id}/{ACTIONS[wanted]}")

    async def act(self) -> None:
        """Do one thing: look after the variable when the session runs, then want something."""
        row = await self.client.session(self.id)
        self._note(row)
        if row["state"] == "running" and row["wanted"] == "running" and self.uses_r and self.wanted == "running":
            await self.look_after_variable()
        await self.set_wanted(self.chance.choices(["running", "suspended", "stopped"], [5, 4, 1])[0])

    async def until_settled(self, deadline: float) -> dict[str, Any]:
        """Wait until the session is what is wanted, or has failed, or the time is over; give its last row."""
        while True:
            row = await self.client.session(self.id)
            if row["state"] in (self.wanted, "failed") or time.monotonic() > deadline:
                self._note(row)
                return row
            await asyncio.sleep(0.3)

    async def look_after_variable(self) -> None:
        """Check that the variable is what it should be, then give it a new value."""
        deadline = time.monotonic() + _R_SECONDS
        while True:
            try:
                row = await self.client.session(self.id)
                await asyncio.to_thread(self._use_r, row["generation"])
                return
            except (httpx.HTTPError, WebSocketException, OSError, TimeoutError):
                # The edge was killed, or the session ends: what we did may have been heard, and may not.
                if (await self.client.session(self.id))["state"] != "running":
                    return
            if time.monotonic() > deadline:
                self.spoiled.append(f"{self.id}: R did not answer for {_R_SECONDS:.0f} s")
                return
            await asyncio.sleep(0.3)

    def _use_r(self, generation: int) -> None:
        url = f"{self.client.address}/s/{self.id}"
        answer = httpx.get(f"{url}/api/kernels", headers=self.client.headers, timeout=20)
        if answer.status_code in (424, 502, 503, 504):
            raise httpx.TransportError(f"{answer.status_code}")
        kernels = [kernel["id"] for kernel in answer.raise_for_status().json() if kernel["name"] == "ir"]
        if self.maybe and not kernels:
            self.spoiled.append(f"{self.id}: no R kernel, where one should have been brought back with {sorted(self.maybe)}")
            self.maybe = set()
        with RemoteKernel(url, self.client.headers, kernel_id=kernels[0] if kernels else None) as kernel:
            try:
                self._check(kernel, generation)
                self._renew(kernel, generation)
            except KernelError as error:
                self.spoiled.append(f"{self.id}: R said {error}")

    def _check(self, kernel: RemoteKernel, generation: int) -> None:
        if not self.maybe:
            return
        found = kernel.run(_SAY, within=30).text
        self.checked += 1
        self.woken += generation != self.generation
        if found not in self.maybe:
            self.spoiled.append(f"{self.id}: the variable is {found!r}, and should be {sorted(self.maybe)}")
        self.maybe = {found}

    def _renew(self, kernel: RemoteKernel, generation: int) -> None:
        new = f"{self.number}-{self.chance.randrange(10**9)}"
        known = bool(self.maybe)
        if known:
            self.maybe.add(new)
        kernel.run(f"marker <- '{new}'; invisible(NULL)", within=30)
        self.maybe, self.generation = {new}, generation

    def _note(self, row: dict[str, Any]) -> None:
        if row["state"] == "failed":
            said = f"{self.id}.{row['generation']}: {row['reason']} ({row['detail']})"
            if said not in self.failures:
                self.failures.append(said)
