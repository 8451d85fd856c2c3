"""What a start costs: transactions of the controller, counted."""

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from fake_world import NOON, FakeWorld

from rsparkhub.domain.session import State
from rsparkhub.settings import Settings
from rsparkhub.store import Store


@pytest.fixture
def database_kind() -> str:
    return "sqlite"


@pytest.fixture
async def world(store: Store, tmp_path: Path, environments: Path, store_url: str) -> FakeWorld:
    settings = Settings(data=tmp_path, store_url=store_url, environments=(environments,), most_running=999, most_starting=999)
    await store.users.add("ada", now=NOON)
    return FakeWorld(store=store, settings=settings)


class Statements:
    """Counts what a store executes."""

    def __init__(self, store: Store) -> None:
        self.transactions = self.all = 0
        sa.event.listen(store.database._engine, "before_cursor_execute", self._note)  # type: ignore[attr-defined]

    def _note(self, connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        self.transactions += statement == "BEGIN IMMEDIATE"
        self.all += 1


async def test_a_start_alone_is_five_transactions(world: FakeWorld) -> None:
    session_id = await world.create()
    statements = Statements(world.store)
    await world.settle()
    assert (await world.get(session_id)).state is State.RUNNING
    # Claim; admit with generation and secret; save what was applied. When it is ready: claim, save.
    assert statements.transactions <= 5


async def test_of_many_starts_each_is_less_than_one_transaction(world: FakeWorld) -> None:
    ids = [await world.create() for _ in range(50)]
    statements = Statements(world.store)
    await world.settle()
    assert {(await world.get(session_id)).state for session_id in ids} == {State.RUNNING}
    assert statements.transactions <= 50 / 2
    assert [ref.generation for ref in await world.backend.list()] == [1] * 50


async def test_a_pass_that_only_waits_asks_the_store_nothing(world: FakeWorld) -> None:
    session_id = await world.create()
    await world.settle()
    statements = Statements(world.store)
    for _ in range(10):
        world.controller.reconciler._work.enqueue(session_id)  # as when the backend says that something has changed
        await world.controller.reconciler.idle()
    assert statements.all == 0
    world.backend.report(session_id, busy=True, busy_with=("R",))
    world.controller.reconciler._work.enqueue(session_id)
    await world.controller.reconciler.idle()
    assert (await world.get(session_id)).busy


async def test_a_full_hub_polls_nothing(world: FakeWorld) -> None:
    """Where every slot of the work is taken, what is due waits until the controller says that there is room."""
    await world.create()
    reconciler = world.controller.reconciler
    statements = Statements(world.store)
    reconciler._work._most = 0
    assert await reconciler.enqueue_due() is None
    assert statements.all == 0
