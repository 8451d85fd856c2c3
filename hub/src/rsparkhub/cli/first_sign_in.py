"""The first administrator, the one-time link, and the access of the local command line."""

import contextlib
import json
import os
import pwd
from datetime import UTC, datetime

from rsparkhub.cli.access import access_file, read_access
from rsparkhub.domain.errors import Conflict, InstallationProblem
from rsparkhub.domain.user import USER_NAME, User
from rsparkhub.factory import Factory
from rsparkhub.files import write_whole
from rsparkhub.store import Store

_PURPOSE = "command line of this machine"


async def make_link(factory: Factory, name: str | None = None, *, at: str | None = None) -> str:
    """Make a link that signs a person in once: by default an administrator, who is made when there is none.

    `at` is the hub's address; that of the settings by default.
    """
    person = name or (await administrator(factory.store)).name
    token = await factory.authenticator.make_link(person, now=datetime.now(UTC))
    return f"{at or factory.settings.url}/hub/?token={token}"


async def administrator(store: Store) -> User:
    """Return the administrator whom this machine's user is: of the same name, else the first; made when there is none."""
    found = await _find_administrator(store)
    if found is None:
        with contextlib.suppress(Conflict):  # another process was as quick
            return await store.users.add(own_name(), admin=True, now=datetime.now(UTC))
        found = await _find_administrator(store)
    if found is None:
        raise InstallationProblem(f"There is no administrator, and a person called {own_name()} who is none. Name a person.")
    return found


async def _find_administrator(store: Store) -> User | None:
    administrators = sorted((user for user in await store.users.list() if user.admin), key=lambda user: user.created)
    own = [user for user in administrators if user.name == own_name()]
    return next(iter(own or administrators), None)


def own_name() -> str:
    """Name of the Unix user, where it is fit for a person's; else `admin`."""
    try:
        name = os.environ.get("SUDO_USER") or pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:  # a container's user need not be in the system's list
        return "admin"
    return name if USER_NAME.fullmatch(name) else "admin"


async def write_access(factory: Factory) -> None:
    """Leave in the data folder what lets the local command line in; a token that still works is kept."""
    file, now = access_file(factory.settings.data), datetime.now(UTC)
    found = read_access(file)
    token = found.token if found else None
    if token is None or await factory.authenticator.from_bearer(token, now=now) is None:
        owner = await administrator(factory.store)
        _, token = await factory.authenticator.make_token(owner.name, name=_PURPOSE, now=now)
    write_whole(file, json.dumps({"url": factory.settings.url, "token": token}))
