"""Brings about what was asked of people and groups that leave, or change: their accounts on services, and homes.

The store says what is wanted, and stays so until it is done: a service that is down, a controller that dies, change nothing but
the time it takes. Nobody's right outlives somebody else's archive, or a service that doesn't answer: what is to be done is done
at once, each on its own, and who is removed is let out before what they have is archived or deleted.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path

from rspark_contract.reading import JsonObject
from rsparkhub.backends.base import Backend
from rsparkhub.controller.shared_services import needed_endpoints, running_endpoint
from rsparkhub.domain.errors import RsparkhubError
from rsparkhub.domain.user import Data, group_of_owner
from rsparkhub.services.base import Account, AnyService
from rsparkhub.store import Store
from rsparkhub.store.service_accounts import ServiceAccount

log = logging.getLogger(__name__)

_LOOK_SECONDS = 1.0
#: After a failure it is tried again later and later, up to this.
_LONGEST_PAUSE_SECONDS = 60.0
#: How much is done at once: of letting in and out on one service, and of what copies and deletes, which takes the disk's time.
_AT_ONCE, _COPIES_AT_ONCE = 8, 2
#: The longest that a service may take to let somebody in or out; then others have their turn, and it is tried again.
_ACCOUNT_SECONDS = 20.0


class Leaving:
    """Closes, opens and removes accounts on shared services, and archives or deletes homes.

    `archives` is the folder of archives, with a folder for each person's id, and for each group's behind `group.`.
    """

    def __init__(self, *, store: Store, backend: Backend, services: Mapping[str, AnyService], archives: Path) -> None:
        self._store = store
        self._backend = backend
        self._services = services
        self._archives = archives
        self._failures: dict[str, int] = {}
        self._under_way: set[str] = set()
        self._turns: dict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(_AT_ONCE))
        self._copies = asyncio.Semaphore(_COPIES_AT_ONCE)

    async def run(self) -> None:
        """Look every second, for ever, whatever is still under way: a right that is taken away is gone soon."""
        looks = 0
        async with asyncio.TaskGroup() as group:
            while True:
                group.create_task(self.look(looks))
                looks += 1
                await asyncio.sleep(_LOOK_SECONDS)

    async def look(self, number: int = 0) -> None:
        """Do what can be done now and isn't under way; return when that has ended.

        `number` counts the looks, and what has failed is left out of more and more of them.
        """
        try:
            accounts = await self._store.accounts.behind()
            homes = await self._store.people.left_homes()
        except RsparkhubError as error:
            log.error("It could not be looked up what is to be done for people who leave: %s", error)
            return
        for_accounts = [
            self._try(f"account of {account.owner} on {account.service}", account.wanted, partial(self._apply, account), number)
            for account in accounts
        ]
        for_homes = [
            self._try(f"home of {home.owner}", home.data, partial(self._remove_home, home.owner, home.data), number)
            for home in homes
        ]
        await asyncio.gather(*for_accounts, *for_homes)

    async def _try(self, what: str, wanted: str, work: Callable[[], Awaitable[None]], number: int) -> None:
        """Do something unless it is under way, or failed a short while ago; who is to be let out waits for no earlier failure."""
        failing = f"{what}: {wanted}"
        pause = min(2 ** self._failures.get(failing, 0), _LONGEST_PAUSE_SECONDS / _LOOK_SECONDS)
        if what in self._under_way or number % int(pause) != 0:
            return
        self._under_way.add(what)
        try:
            await work()
        except Exception as error:  # a service's own module, perhaps another package's
            self._failures[failing] = self._failures.get(failing, 0) + 1
            log.error("The %s is not yet as it should be: %s", what, str(error) or repr(error))
        else:
            self._failures.pop(failing, None)
        finally:
            self._under_way.remove(what)

    async def _apply(self, account: ServiceAccount) -> None:
        """Bring about what is wanted of an account, when its service runs."""
        service = self._services.get(account.service)
        endpoint = await running_endpoint(self._store, service) if service is not None else None
        if service is None or endpoint is None:
            return
        if (group := group_of_owner(account.owner)) is not None:
            await self._apply_to_group(service, endpoint, account, group)
        elif account.wanted in {"archive", "delete"}:
            await self._remove_account(service, endpoint, account)
        else:
            async with self._turns[account.service], asyncio.timeout(_ACCOUNT_SECONDS):
                await self._let_in_or_out(service, endpoint, account)

    async def _let_in_or_out(self, service: AnyService, endpoint: JsonObject, account: ServiceAccount) -> None:
        match account.wanted:
            case "open":
                needed = await needed_endpoints(self._store, service, self._services)
                if needed is None:
                    return
                groups = await self._store.accounts.groups(account.owner)
                opened = Account(user=account.owner, password=account.password, groups=groups, needed=needed)
                await service.ensure_account(endpoint, opened)
            case _:
                await service.close_account(endpoint, user=account.owner)
        await self._store.accounts.set_applied(account, account.wanted)
        log.info("The account of %s on %s: %s.", account.owner, account.service, account.wanted)

    async def _remove_account(self, service: AnyService, endpoint: JsonObject, account: ServiceAccount) -> None:
        """Let a person out, and then archive or delete what they have, when it is its turn."""
        if account.applied not in {"closed", "keep"}:
            async with self._turns[account.service], asyncio.timeout(_ACCOUNT_SECONDS):
                await service.close_account(endpoint, user=account.owner)
            await self._store.accounts.set_applied(account, "keep")
        async with self._copies:
            archive = self._archive(account.owner, Data(account.wanted))
            await service.remove_account(endpoint, user=account.owner, archive=archive)
        await self._store.accounts.set_applied(account, account.wanted)
        log.info("The account of %s on %s: %s.", account.owner, account.service, account.wanted)

    async def _apply_to_group(self, service: AnyService, endpoint: JsonObject, account: ServiceAccount, group: str) -> None:
        """Archive or delete what a group that was removed has on a service; what is kept is open to nobody as it is."""
        if account.wanted in {"archive", "delete"}:
            async with self._copies:
                archive = self._archive(account.owner, Data(account.wanted))
                await service.remove_group(endpoint, group=group, archive=archive)
        await self._store.accounts.set_applied(account, account.wanted)
        log.info("What the group %s has on %s: %s.", group, account.service, account.wanted)

    async def _remove_home(self, owner: str, data: Data) -> None:
        async with self._copies:
            await self._backend.remove_home(owner, archive=self._archive(owner, data))
        await self._store.people.home_done(owner)
        log.info("The home of %s: %s.", owner, data.value)

    def _archive(self, owner: str, data: Data) -> Path | None:
        return self._archives / owner if data is Data.ARCHIVE else None
