"""Shares of sessions."""

import asyncio
import threading
from datetime import datetime, timedelta

import pytest

from rsparkhub.domain.errors import Conflict, NotFound, TooManyRequests
from rsparkhub.domain.session import Session, Wanted
from rsparkhub.domain.share import Role, Share, share_of
from rsparkhub.store import Store
from rsparkhub.store.audit import AuditFilter
from rsparkhub.store.database import Connection
from rsparkhub.store.events import By
from rsparkhub.store.shares import MOST_SHARES, Shares


@pytest.fixture
async def session(store: Store, noon: datetime) -> Session:
    """A session of bob's; eve is in the group lab, and ada in none."""
    for name in ("ada", "bob", "eve"):
        await store.users.add(name, now=noon)
    await store.users.add_group("lab", members=["eve"], now=noon)
    made, _ = await store.sessions.create(owner="bob", environment="rspark", name="Homework", now=noon)
    return made


async def shared_with(store: Store, name: str, now: datetime) -> list[tuple[str, Role]]:
    found = await store.shares.with_user(await store.users.get(name), now=now)
    return [(session.id, share.role) for session, share in found]


async def test_a_share_is_with_a_person_a_group_or_everyone(store: Store, session: Session, noon: datetime) -> None:
    by = By("bob", noon)
    await store.shares.set(session.id, person="ada", role=Role.EDITOR, by=by)
    await store.shares.set(session.id, group="lab", role=Role.VIEWER, by=by)
    assert await shared_with(store, "ada", noon) == [(session.id, Role.EDITOR)]
    assert await shared_with(store, "eve", noon) == [(session.id, Role.VIEWER)]
    assert await shared_with(store, "bob", noon) == []
    await store.shares.set(session.id, group="everyone", role=Role.VIEWER, by=by)
    assert len(await shared_with(store, "ada", noon)) == 2
    assert await shared_with(store, "bob", noon) == []  # their own
    best = share_of(await store.users.get("ada"), await store.shares.of_session(session.id, now=noon))
    assert best is not None
    assert best.role is Role.EDITOR


async def test_to_share_again_changes_the_share_that_there_is(store: Store, session: Session, noon: datetime) -> None:
    first = await store.shares.set(session.id, person="ada", role=Role.EDITOR, by=By("bob", noon))
    later = noon + timedelta(hours=1)
    second = await store.shares.set(session.id, person="ada", role=Role.VIEWER, expires=later, by=By("bob", noon))
    assert (second.id, second.role, second.expires) == (first.id, Role.VIEWER, later)
    assert await store.shares.of_session(session.id, now=noon) == (second,)


async def test_a_share_ends_by_itself_and_when_it_is_ended(store: Store, session: Session, noon: datetime) -> None:
    later = noon + timedelta(hours=1)
    await store.shares.set(session.id, person="ada", role=Role.VIEWER, expires=later, by=By("bob", noon))
    kept = await store.shares.set(session.id, person="eve", role=Role.VIEWER, by=By("bob", noon))
    assert await store.shares.of_session(session.id, now=later) == (kept,)
    assert await shared_with(store, "ada", later) == []
    await store.shares.end(session.id, kept.id, by=By("bob", later))
    assert await store.shares.of_session(session.id, now=later) == ()
    with pytest.raises(NotFound, match="no such share"):
        await store.shares.end(session.id, kept.id, by=By("bob", later))


async def test_a_later_person_or_group_of_the_name_is_let_into_nothing(store: Store, session: Session, noon: datetime) -> None:
    await store.shares.set(session.id, person="ada", role=Role.EDITOR, by=By("bob", noon))
    await store.shares.set(session.id, group="lab", role=Role.EDITOR, by=By("bob", noon))
    await store.users.remove("ada", now=noon)
    await store.users.add("ada", now=noon)
    await store.users.remove_group("lab", now=noon)
    await store.users.add_group("lab", members=["ada", "eve"], now=noon)
    assert await shared_with(store, "ada", noon) == await shared_with(store, "eve", noon) == []
    assert await store.shares.of_session(session.id, now=noon) == ()


async def test_a_session_that_is_deleted_is_shared_no_longer(store: Store, session: Session, noon: datetime) -> None:
    made = await store.shares.set(session.id, person="ada", role=Role.EDITOR, by=By("bob", noon))
    await store.sessions.set_wanted(session.id, Wanted.DELETED, by="bob", now=noon)
    assert await shared_with(store, "ada", noon) == []
    with pytest.raises(NotFound):
        await store.shares.set(session.id, person="eve", role=Role.VIEWER, by=By("bob", noon))
    await store.sessions.purge(session.id)
    assert await store.shares.of_session(made.session, now=noon) == ()


async def test_what_can_not_be_shared_is_refused(store: Store, session: Session, noon: datetime) -> None:
    by = By("bob", noon)
    with pytest.raises(Conflict, match="bob's own"):
        await store.shares.set(session.id, person="bob", role=Role.VIEWER, by=by)
    with pytest.raises(NotFound, match="no user called nobody"):
        await store.shares.set(session.id, person="nobody", role=Role.VIEWER, by=by)
    with pytest.raises(NotFound, match="no group called nothing"):
        await store.shares.set(session.id, group="nothing", role=Role.VIEWER, by=by)
    for wrong in (noon, noon + timedelta(days=5000)):
        with pytest.raises(Conflict, match="Choose"):
            await store.shares.set(session.id, person="ada", role=Role.VIEWER, expires=wrong, by=by)
    assert await store.shares.of_session(session.id, now=noon) == ()


async def test_a_session_has_so_many_shares(store: Store, session: Session, noon: datetime) -> None:
    for number in range(MOST_SHARES):
        await store.users.add(f"p{number}", now=noon)
        await store.shares.set(session.id, person=f"p{number}", role=Role.VIEWER, by=By("bob", noon))
    with pytest.raises(TooManyRequests, match="at most 100"):
        await store.shares.set(session.id, person="ada", role=Role.VIEWER, by=By("bob", noon))
    await store.shares.set(session.id, person="p1", role=Role.EDITOR, by=By("bob", noon))  # it changes one


async def test_the_audit_says_who_let_whom_in(store: Store, session: Session, noon: datetime) -> None:
    made = await store.shares.set(session.id, person="ada", role=Role.VIEWER, by=By("bob", noon))
    await store.shares.end(session.id, made.id, by=By("bob", noon))
    ended, begun = await store.audit.newest(AuditFilter(kinds=["share"]), limit=9)
    assert (begun.by, begun.owner, begun.session) == ("bob", "bob", session.id)
    assert begun.data == {"change": "set", "role": "viewer", "person": "ada"}
    assert ended.data["change"] == "ended"


class _SlowShares(Shares):
    """Shares of which each is written only when it may be."""

    def __init__(self, store: Store) -> None:
        super().__init__(store.shares._database, store.shares._notifier)
        self.reached, self.go_on = threading.Event(), threading.Event()

    async def _put(self, connection: Connection, wanted: Share) -> Share:
        self.reached.set()
        self.go_on.wait(60)  # in a thread of the database's
        return await super()._put(connection, wanted)


async def test_a_group_that_is_removed_meanwhile_leaves_no_share_to_the_next_of_its_name(
    store: Store, session: Session, noon: datetime
) -> None:
    slow = _SlowShares(store)
    sharing = asyncio.create_task(slow.set(session.id, group="lab", role=Role.EDITOR, by=By("bob", noon)))
    await asyncio.to_thread(slow.reached.wait, 60)
    removing = asyncio.create_task(store.users.remove_group("lab", now=noon))
    await asyncio.wait({removing}, timeout=0.5)  # it waits for the share, or it would be done by now
    slow.go_on.set()
    await asyncio.gather(sharing, removing)
    await store.users.add_group("lab", members=["eve"], now=noon)
    assert await shared_with(store, "eve", noon) == []
