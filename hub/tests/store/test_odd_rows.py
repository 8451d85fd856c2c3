"""A row that no version wrote takes neither a list nor a loop with it."""

from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from store_scene import LEASE, MakeSession, Put

from rspark_contract.saved import Saved
from rsparkhub.domain.ensemble import Observed
from rsparkhub.domain.environment import Lifecycle
from rsparkhub.domain.plan import Limits, Purge, Wait, plan
from rsparkhub.domain.session import State, Wanted
from rsparkhub.store import Store
from rsparkhub.store.tables import sessions

_ODD: list[Any] = ["a word", 7, [1, None], {"no": "sense"}, [{"name": 3}], True]
_LIMITS = Limits(start_deadline=timedelta(minutes=5), lifecycle=Lifecycle())


async def spoil(store: Store, session_id: str, **columns: Any) -> None:
    await store.database.change(sa.update(sessions).where(sessions.c.id == session_id).values(columns))


@pytest.mark.parametrize("column", ["components", "busy_with", "endpoints", "restored", "last_exit", "options", "notices"])
@pytest.mark.parametrize("odd", _ODD, ids=str)
async def test_what_only_adds_to_a_session_is_left_out(make: MakeSession, put: Put, store: Store, column: str, odd: Any) -> None:
    good, session = await put(await make(), State.RUNNING), await put(await make(), State.RUNNING, secret="s3cret")
    await spoil(store, session.id, **{column: odd})
    rows = {row.id: row for row in await store.sessions.list()}
    assert set(rows) == {good.id, session.id}
    row = rows[session.id]
    assert (row.state, row.secret, row.damaged) == (State.RUNNING, "s3cret", False)
    if column == "last_exit":
        assert row.last_exit is not None
        assert row.last_exit.saved == Saved(), "something may have been saved"


@pytest.mark.parametrize("columns", [{"state": "dancing"}, {"wanted": "more"}, {"kind": "thing"}], ids=str)
async def test_a_session_whose_state_cant_be_read_is_shown_as_failed_and_left_alone(
    make: MakeSession, put: Put, store: Store, noon: datetime, columns: dict[str, str]
) -> None:
    good, session = await put(await make(), State.RUNNING), await put(await make(), State.RUNNING, generation=3, secret="s3cret")
    await spoil(store, session.id, **columns, claimable_at=noon)
    odd = await store.sessions.get(session.id)
    assert (odd.state, odd.damaged) == (State.FAILED, True)
    assert odd.reason is not None
    assert odd.reason.endswith("Delete it, or tell your administrator.")
    assert good in await store.sessions.list()
    (claimed,) = await store.leases.claim(holder="one", now=noon, lease=LEASE, limit=9)
    step = plan(claimed.session, Observed(phase="up"), now=noon, limits=_LIMITS)
    assert step == Wait(after=claimed.session, requeue_after=None), "what may run is not ended"
    assert await store.leases.save(claimed, step.after, holder="one", next_reconcile_at=None, now=noon)
    assert await store.leases.next_claimable_at() is None
    await store.sessions.set_wanted(session.id, Wanted.DELETED, by="ada", now=noon)
    deleted = await store.sessions.get(session.id)
    assert isinstance(plan(deleted, Observed(phase="absent"), now=noon, limits=_LIMITS), Purge)
