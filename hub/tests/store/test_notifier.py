"""Notifications reach those who subscribe, and cost nobody else anything."""

import asyncio
import json
import os
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from store_scene import LEASE, MakeSession, OpenStore, Put
from tests.postgres_server import PostgresServer

from rsparkhub.domain.session import State, Wanted
from rsparkhub.store import Store, open_store
from rsparkhub.store.notifier import Inbox

_PATIENCE = 20


class Listener:
    """Collects what a store hears."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    async def follow(self, notified: AsyncIterator[str]) -> None:
        async for session_id in notified:
            self.heard.append(session_id)

    async def hears(self, session_id: str, notify: Callable[[], Any]) -> None:
        """Notify until it is heard: when a subscription begins can't be seen from outside."""
        deadline = time.monotonic() + _PATIENCE
        while session_id not in self.heard:
            assert time.monotonic() < deadline
            await notify()
            await asyncio.sleep(0.02)


async def _nothing() -> None:
    """Notify no more: it is on its way already."""


@asynccontextmanager
async def listening(store: Store, name: str = "hub", **how: Any) -> AsyncIterator[Listener]:
    listener = Listener()
    notified = store.notifier.subscribe(name, **how)
    task = asyncio.create_task(listener.follow(notified))
    try:
        await listener.hears("hello", lambda: store.notifier.notify("hello"))
        # What was notified last may still be on its way; after this one nothing is.
        await listener.hears("begin", lambda: store.notifier.notify("begin"))
        listener.heard.clear()
        yield listener
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_wish_is_heard_by_another_process_store(
    make: MakeSession, open_another: OpenStore, store: Store, noon: datetime
) -> None:
    session = await make()
    async with listening(await open_another()) as listener:
        await listener.hears(session.id, lambda: store.sessions.set_wanted(session.id, Wanted.STOPPED, by=None, now=noon))


async def test_those_who_show_sessions_and_those_who_look_at_them_hear_what_is_theirs(
    make: MakeSession, put: Put, store: Store
) -> None:
    session = await make()
    async with (
        listening(store, "hub", about={"changed"}) as showing,
        listening(store, "controller", about={"look"}) as looking,
    ):
        await put(session, State.RUNNING)
        await showing.hears(session.id, _nothing)
        await store.notifier.notify("last", about="look")
        await looking.hears("last", lambda: store.notifier.notify("last", about="look"))
        assert session.id not in looking.heard
        assert "last" not in showing.heard


async def test_an_agent_notifies_by_a_datagram_to_each_socket_of_the_folder(store: Store, notify_dir: Path) -> None:
    async def notify() -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as agent:
            for path in notify_dir.glob("*.sock"):
                agent.sendto(json.dumps({"session": "s1"}).encode(), str(path))

    async with listening(store, "controller", about={"look"}) as listener:
        await listener.hears("s1", notify)


async def test_what_is_no_notification_is_passed_over(store: Store, notify_dir: Path) -> None:
    async with listening(store, "controller") as listener:
        (path,) = notify_dir.glob("controller-*.sock")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as stranger:
            for data in (b"", b"\xff\xfe", b"[]", b"7", b"{}", b'{"session": 7}', b'{"session": "x", "about": []}', b"[" * 4000):
                stranger.sendto(data, str(path))
        await listener.hears("s1", lambda: store.notifier.notify("s1"))
        assert set(listener.heard) == {"s1"}


async def test_two_listeners_of_one_name_both_hear(store: Store, notify_dir: Path) -> None:
    async with listening(store, "hub") as one, listening(store, "hub") as other:
        assert sorted(path.name for path in notify_dir.iterdir()) == [f"hub-{os.getpid()}-2.sock", f"hub-{os.getpid()}.sock"]
        await one.hears("s1", lambda: store.notifier.notify("s1"))
        await other.hears("s1", lambda: store.notifier.notify("s1"))
    assert list(notify_dir.iterdir()) == []


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
async def test_the_socket_of_a_listener_that_died_is_cleared_away(store: Store, notify_dir: Path) -> None:
    notify_dir.mkdir()
    for name in ("controller-999999.sock", f"hub-{os.getpid()}.sock"):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as dead:
            dead.bind(str(notify_dir / name))
    async with listening(store, "hub") as listener:
        await listener.hears("s1", lambda: store.notifier.notify("s1"))
        assert [path.name for path in notify_dir.iterdir()] == [f"hub-{os.getpid()}.sock"]


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
async def test_a_listener_that_is_busy_makes_nobody_wait(store: Store, notify_dir: Path) -> None:
    async with listening(store, "hub") as listener:
        for number in range(5000):  # far more than a socket holds, while the listener has no turn to read
            await store.notifier.notify(f"s{number}")
        await listener.hears("last", lambda: store.notifier.notify("last"))
        assert listener.heard[:3] == ["s0", "s1", "s2"]
        assert len(set(listener.heard)) == len(listener.heard)


async def test_only_what_changed_is_notified(make: MakeSession, put: Put, store: Store, noon: datetime) -> None:
    session = await put(await make(), State.RUNNING)
    async with listening(store, about={"changed"}) as listener:
        await put(session, State.RUNNING, memory=1, cpu=0.5)
        await listener.hears("last", lambda: store.notifier.notify("last"))
        assert session.id not in listener.heard
        await put(session, State.RUNNING, busy=True)
        await listener.hears(session.id, _nothing)


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
async def test_without_a_folder_nobody_is_notified_and_what_is_due_is_found(store_url: str, noon: datetime) -> None:
    listener = Listener()
    async with open_store(store_url) as store:
        following = asyncio.create_task(listener.follow(store.notifier.subscribe("hub")))
        await store.users.add("ada", now=noon)
        session, _ = await store.sessions.create(owner="ada", environment="rspark", name="R", now=noon)
        await store.notifier.notify(session.id)
        await asyncio.sleep(0.1)
        assert listener.heard == []
        assert await store.leases.next_claimable_at() == noon
        (claimed,) = await store.leases.claim(holder="one", now=noon, lease=LEASE, limit=1)
        assert claimed.session == session
        assert not following.done()
        following.cancel()


@pytest.mark.parametrize("database_kind", ["postgresql"])
async def test_those_of_a_class_go_to_the_server_together(store: Store) -> None:
    sent = 0

    def note(connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        nonlocal sent
        sent += "pg_notify" in statement

    ids = [f"s{number}" for number in range(200)]
    async with listening(store) as listener:
        sa.event.listen(store.database._engine, "before_cursor_execute", note)  # type: ignore[attr-defined]
        await asyncio.gather(*(store.notifier.notify(each) for each in ids))
        assert sent <= 2
        await listener.hears("last", lambda: store.notifier.notify("last"))
        assert set(ids) <= set(listener.heard)


async def test_notifications_arrive_again_after_the_server_was_away(postgres_server: PostgresServer, notify_dir: Path) -> None:
    name = postgres_server.create_database()
    async with open_store(postgres_server.url(name), notify_dir=notify_dir) as store, listening(store) as listener:
        postgres_server.stop()
        await store.notifier.notify("s1")  # nobody hears, and nobody fails
        postgres_server.run()
        await listener.hears("s2", lambda: store.notifier.notify("s2"))
        await store.users.list()
    postgres_server.drop_database(name)


@pytest.mark.parametrize(
    "data",
    [
        b'{"session": "\\ud800"}', b'{"session": "../homes/bob"}', b'{"session": ["a"]}',
        b'{"session": "aaaa", "about": ["look"]}',
        b'{"session": "aaaa", "about": {}}', b"[" * 4000, b"\xff\xfe", b'{"session": 1' + b"0" * 4050 + b"}", b'{"session": ""}',
    ],
)  # fmt: skip
async def test_what_a_session_writes_that_names_no_session_is_passed_over(data: bytes) -> None:
    inbox = Inbox({"look", "changed"})
    inbox.receive(data)
    inbox.receive(b'{"session": "bbbb"}')
    async for session_id in inbox:
        assert session_id == "bbbb"
        break
