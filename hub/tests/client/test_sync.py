"""The client without `await`, against a hub on a port, as a script or a notebook uses it."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from agent import Agent
from hub_in_thread import HubInThread

from rsparkhub.client import Hub
from rsparkhub.domain import errors
from rsparkhub.domain.session import State, Wanted
from rsparkhub.settings import Settings
from rsparkhub.wire.session import SessionView


@pytest.fixture
def served(tmp_path: Path) -> Iterator[HubInThread]:
    with HubInThread(Settings(data=tmp_path, host_names=("127.0.0.1",)), tmp_path) as served:
        yield served


@pytest.fixture
def hub(served: HubInThread) -> Iterator[Hub]:
    with Hub(served.url, token=served.token) as hub:
        yield hub


def test_all_calls_work_without_await(hub: Hub) -> None:
    assert hub.me().name == "ada"
    assert [environment.name for environment in hub.environments.list()] == ["rspark", "lab"]
    assert hub.environments.get("lab").title == "The lab"
    session = hub.sessions.start("rspark", name="Homework")
    assert [each.id for each in hub.sessions.list(everybody=True)] == [hub.sessions.show(session.id).id]
    assert hub.sessions.suspend(session.id).wanted is Wanted.SUSPENDED
    assert hub.sessions.resume(session.id).wanted is Wanted.RUNNING
    assert hub.sessions.stop(session.id).wanted is Wanted.STOPPED
    assert hub.sessions.log_services(session.id) == []
    assert hub.users.add("bob", password="correct horse").name == "bob"
    hub.users.set_password("bob", "another horse")
    assert hub.users.link("bob").url
    assert {user.name for user in hub.users.list()} == {"ada", hub.users.get("bob").name}
    assert hub.groups.add("lab", ["bob"]) == hub.groups.set_members("lab", ["bob"])
    assert len(hub.groups.list()) == 1
    hub.groups.remove("lab")
    token = hub.tokens.create("laptop", days=1)
    assert token.id in {each.id for each in hub.tokens.list()}
    hub.tokens.remove(token.id)
    assert hub.records.usage().people == []
    assert next(hub.records.audit(session=session.id, after=0)).kind == "created"
    hub.users.remove("bob")
    assert hub.sessions.delete(session.id).wanted is Wanted.DELETED
    with Hub(hub.url) as other, pytest.raises(errors.NotSignedIn):
        other.login("bob", "another horse")


def test_waiting_reports_on_the_way(served: HubInThread, hub: Hub) -> None:
    session = hub.sessions.start("rspark").id
    heard: list[str] = []

    def hear(news: object) -> None:
        if isinstance(news, SessionView):
            heard.append(news.state)
            if news.state is State.QUEUED:
                threading.Thread(target=lambda: served.run(served.controller.run(session))).start()

    assert hub.sessions.wait(session, progress=hear, timeout=20).state is State.RUNNING
    assert heard[0] == State.QUEUED
    assert heard[-1] == State.RUNNING
    with pytest.raises(errors.TookTooLong):
        hub.sessions.wait(session, until=State.STOPPED, timeout=0.2)
    assert [type(news).__name__ for news, _ in hub.sessions.events(session)] == ["SessionView"]


def test_a_log_is_read_and_left_in_the_middle(served: HubInThread, hub: Hub) -> None:
    agent = Agent()
    stop = asyncio.Event()

    async def serve(session: str, ready: threading.Event) -> None:
        async with agent.serve():
            await served.controller.run(session, upstream=agent.address)
            await agent.write("one\n")
            ready.set()
            await stop.wait()

    session, ready = hub.sessions.start("rspark").id, threading.Event()
    serving = threading.Thread(target=lambda: served.run(serve(session, ready)))
    serving.start()
    try:
        assert ready.wait(20)
        assert "".join(hub.sessions.logs(session)) == "one\n"
        followed = hub.sessions.logs(session, follow=True)
        assert next(followed) == "one\n"
        followed.close()  # type: ignore[attr-defined]  # it is a generator
        assert hub.me().name == "ada"
    finally:
        served.run(asyncio.sleep(0, stop.set()))
        serving.join()


async def test_it_also_works_where_a_loop_runs_already_as_in_a_notebook(hub: Hub) -> None:
    assert hub.me().name == "ada"


def test_who_leaves_it_open_can_still_end_the_program(served: HubInThread) -> None:
    hub = Hub(served.url, token=served.token)
    assert hub.me().name == "ada"
    assert all(thread.daemon for thread in threading.enumerate() if thread.name == "rsparkhub-client")
    hub.close()
    assert not any(thread.name == "rsparkhub-client" for thread in threading.enumerate())
