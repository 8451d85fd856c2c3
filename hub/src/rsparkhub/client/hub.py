"""A hub, seen from outside."""

from typing import Self

import httpx

from rsparkhub.client.connection import Connection
from rsparkhub.client.environments import Environments
from rsparkhub.client.records import Records
from rsparkhub.client.sessions import Sessions
from rsparkhub.client.users import Groups, Tokens, Users
from rsparkhub.wire.users import Me, SignedIn


class AsyncHub:
    """The API of one hub, with `await`.

    Parameters
    ----------
    url
        Where people open the hub, such as `http://localhost:8000`.
    token
        An API token; `login` gets one for a password.
    transport
        How requests travel, where it is not the network.
    """

    def __init__(self, url: str, *, token: str | None = None, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._connection = Connection(url, token=token, transport=transport)
        self.environments = Environments(self._connection)
        self.sessions = Sessions(self._connection)
        self.users = Users(self._connection)
        self.groups = Groups(self._connection)
        self.tokens = Tokens(self._connection)
        self.records = Records(self._connection)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._connection.__aexit__(None)

    @property
    def url(self) -> str:
        return self._connection.url

    async def login(self, name: str, password: str) -> SignedIn:
        """Sign in; calls after this one are that person's."""
        signed_in = await self._connection.ask(SignedIn, "POST", "/login", body={"name": name, "password": password})
        self._connection.sign(signed_in.token)
        return signed_in

    async def logout(self) -> None:
        """Sign out: the token of `login` no longer works."""
        await self._connection.tell("POST", "/logout")
        self._connection.sign(None)

    async def me(self) -> Me:
        """Return who is signed in."""
        return await self._connection.ask(Me, "GET", "/me", again=True)
