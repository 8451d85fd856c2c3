"""A controller in a process of its own, for tests that kill it: adds one to the generation of whatever is due, for ever.

Called with the store's URL, a name, and a file to which it adds a line for each save that it knows to be written.
"""

import asyncio
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rsparkhub.domain.session import State
from rsparkhub.store import open_store

LEASE = timedelta(milliseconds=300)
FLIP = {State.RUNNING: State.STARTING}


async def control(url: str, holder: str, saved: Path) -> None:
    with saved.open("a", buffering=1) as file:
        async with open_store(url) as store:
            while True:
                for claimed in await store.leases.claim(holder=holder, now=datetime.now(UTC), lease=LEASE, limit=2):
                    state = FLIP.get(claimed.session.state, State.RUNNING)
                    after = replace(claimed.session, generation=claimed.session.generation + 1, state=state)
                    now = datetime.now(UTC)
                    if await store.leases.save(claimed, after, holder=holder, next_reconcile_at=now, now=now):
                        file.write(f"{after.id}\n")


asyncio.run(control(sys.argv[1], sys.argv[2], Path(sys.argv[3])))
