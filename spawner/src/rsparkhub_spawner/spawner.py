"""Starts, watches and stops a session of an RSparkHub in the place of a single-user server."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jupyterhub.spawner import Spawner
from tornado import web
from traitlets import Bool, Unicode, default

from rspark_contract.status import ComponentState
from rsparkhub.client import AsyncHub
from rsparkhub.domain.errors import NotFound, RsparkhubError
from rsparkhub.domain.session import State
from rsparkhub.domain.user import USER_NAME
from rsparkhub.wire.session import SessionView
from rsparkhub.wire.stream import Progress, Queue
from rsparkhub.wire.users import UserView
from rsparkhub_spawner.landing import listen

_BEGUN, _READY = 10, 90  # percent
_LINK_MINUTES = 5  # a browser follows it at once
_ENDED = {State.SUSPENDED, State.STOPPED, State.FAILED}


class CannotSpawn(web.HTTPError):
    """A sentence that JupyterHub shows to the person."""

    def __init__(self, message: str) -> None:
        super().__init__(409, message)
        self.jupyterhub_message = message


class RSparkHubSpawner(Spawner):
    """A Spawner whose servers are sessions of an RSparkHub, one a person.

    JupyterHub says who somebody is: who is called `ada` there is `ada` here. The administrators of RSparkHub are never signed in
    this way, so that whoever gives names at JupyterHub doesn't rule here.
    """

    rsparkhub_url = Unicode(help="Where RSparkHub is, as people open it, such as https://rspark.example.org.").tag(config=True)
    token_file = Unicode(help="A file with an API token of an administrator of RSparkHub, that JupyterHub alone reads.").tag(
        config=True
    )
    session_environment = Unicode("rspark", help="The environment of RSparkHub that is started, by its name.").tag(config=True)
    add_people = Bool(True, help="Whether who is not there yet is added to RSparkHub at their first start.").tag(config=True)
    sleep_on_stop = Bool(
        False, help="Whether a session goes to sleep at a stop, with its work kept, in place of being ended."
    ).tag(config=True)
    landing_url = Unicode(
        "http://127.0.0.1:8087",
        help="A free address of JupyterHub's own process, as its proxy reaches it; browsers are sent on from there.",
    ).tag(config=True)

    session_id = ""
    _started = False

    def __init__(self, **more: Any) -> None:  # what JupyterHub hands in
        self._begun = asyncio.Event()
        super().__init__(**more)

    @default("start_timeout")
    def _default_start_timeout(self) -> int:
        return 300  # a first start may bring up services that all share

    @property
    def rsparkhub(self) -> AsyncHub:
        try:
            token = Path(self.token_file).read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError) as error:
            self.log.error("RSparkHubSpawner.token_file %s can't be read: %s", self.token_file, error)
            raise CannotSpawn("JupyterHub has no token of RSparkHub. Tell its administrator to look into its log.") from error
        return _client(self.rsparkhub_url, token)

    async def start(self) -> str:
        if self.name:
            raise CannotSpawn("A person has one server here. Start more sessions on RSparkHub's own page.")
        listen(self.landing_url, hub_path=self.hub.base_url)
        with _told():
            await self._person()
            session = await self.rsparkhub.sessions.start(self.session_environment, owner=self.user.name, reuse=True)
            self.session_id = session.id
            self._begun.set()
            await self.rsparkhub.sessions.wait(session.id, until=State.RUNNING)
        self._started = True
        return self.landing_url

    async def poll(self) -> int | None:
        """Return None while the session runs, or while nobody knows; else its exit code."""
        if not self.session_id:
            return 0
        try:
            session = await self.rsparkhub.sessions.show(self.session_id)
        except NotFound:
            return 0
        except RsparkhubError as error:  # RSparkHub restarts: what can't be seen may well run
            self.log.warning("RSparkHub does not say how the session %s is: %s", self.session_id, error)
            return None
        if session.state not in _ENDED or not session.settled:
            return None
        code = session.last_exit.code if session.last_exit else None
        return code if code is not None else int(session.state is State.FAILED)

    async def stop(self, now: bool = False) -> None:
        if not self.session_id:
            return
        sessions = self.rsparkhub.sessions
        with _told():
            try:
                # What did not come up in JupyterHub's time may have been asleep: it stays kept.
                if self.sleep_on_stop or not self._started:
                    await sessions.suspend(self.session_id, confirm=True)
                else:
                    await sessions.stop(self.session_id, confirm=True)
                await sessions.wait(self.session_id)
            except NotFound:  # deleted on RSparkHub's own page
                return

    async def progress(self) -> AsyncIterator[dict[str, Any]]:
        await self._begun.wait()
        try:
            async for news, _ in self.rsparkhub.sessions.events(self.session_id):
                if isinstance(news, SessionView):
                    ready = sum(each.state is ComponentState.READY for each in news.services) / max(1, len(news.services))
                    share = _BEGUN + int(ready * (_READY - _BEGUN))
                    yield {"progress": share, "message": f"{news.title} {news.state.in_words}."}
                elif isinstance(news, Progress):
                    yield {"message": f"{news.title or news.part}: {news.reason or news.state.value}"}
                elif isinstance(news, Queue):
                    yield {"progress": _BEGUN, "message": f"Number {news.position} in the queue"}
        except RsparkhubError as error:  # `start` says what becomes of it
            self.log.info("RSparkHub tells no more of the session %s: %s", self.session_id, error)

    async def sign_in_address(self) -> str:
        """Return the address that signs this person in at RSparkHub, once, and leads into their session.

        Raises
        ------
        CannotSpawn
            When it can't be made.
        """
        with _told():
            await self._person()
            link = await self.rsparkhub.users.link(self.user.name, minutes=_LINK_MINUTES)
        return f"{link.url}&next={quote(f'/s/{self.session_id}/')}"

    def get_state(self) -> dict[str, Any]:
        state: dict[str, Any] = super().get_state()
        return {**state, "session": self.session_id} if self.session_id else state

    def load_state(self, state: dict[str, Any]) -> None:
        super().load_state(state)
        self.session_id = str(state.get("session", ""))
        if self.session_id:  # JupyterHub was restarted, and the session goes on
            self._started = True
            listen(self.landing_url, hub_path=self.hub.base_url)

    def clear_state(self) -> None:
        super().clear_state()
        self.session_id, self._started = "", False
        self._begun = asyncio.Event()

    async def _person(self) -> UserView:
        """Return who this is at RSparkHub, and add them where that is wanted."""
        if not USER_NAME.fullmatch(self.user.name):
            raise CannotSpawn(
                f"Nobody can be called {self.user.name} at RSparkHub: names have lower-case letters a to z, digits, - and _, "
                "32 at most, and begin with a letter. Ask JupyterHub's administrator for another name."
            )
        try:
            person = await self.rsparkhub.users.get(self.user.name)
        except NotFound:
            if not self.add_people:
                raise CannotSpawn(f"Nobody is called {self.user.name} at RSparkHub. Ask its administrator to add you.") from None
            person = await self.rsparkhub.users.add(self.user.name)
        if person.admin:
            raise CannotSpawn(f"{person.name} is an administrator of RSparkHub, and signs in there: {self.rsparkhub_url}")
        return person


@cache
def _client(url: str, token: str) -> AsyncHub:
    """Return the one client of a hub: JupyterHub has one loop, and asks for each of its servers every half minute."""
    return AsyncHub(url, token=token)


@contextmanager
def _told() -> Iterator[None]:
    """Have JupyterHub show the sentence that RSparkHub says is wrong."""
    try:
        yield
    except RsparkhubError as error:
        raise CannotSpawn(str(error)) from error
