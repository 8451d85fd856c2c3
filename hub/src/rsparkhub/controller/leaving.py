"""Brings about what was asked of people and groups that leave, or change: their accounts on services, and homes.

The store says what is wanted, and stays so until it is done: a service that is down, a controller that dies, change nothing but
the time it takes.
"""

import asyncio
import logging
from collections.abc import Coroutine, Mapping
from pathlib import Path
from typing import Any

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

    async def run(self) -> None:
        """Look every second, for ever: a right that is taken away is gone soon."""
        looks = 0
        while True:
            await self.look(looks)
            looks += 1
            await asyncio.sleep(_LOOK_SECONDS)

    async def look(self, number: int = 0) -> None:
        """Do what can be done now; `number` counts the looks, and what has failed is left out of more and more of them."""
        try:
            accounts = await self._store.accounts.behind()
            homes = await self._store.people.left_homes()
        except RsparkhubError as error:
            log.error("It could not be looked up what is to be done for people who leave: %s", error)
            return
        for account in accounts:
            what = f"account of {account.owner} on {account.service}"
            if self._is_due(what, number):
                await self._try(what, self._apply(account))
        for home in homes:
            what = f"home of {home.owner}"
            if self._is_due(what, number):
                await self._try(what, self._remove_home(home.owner, home.data))

    def _is_due(self, what: str, number: int) -> bool:
        pause = min(2 ** self._failures.get(what, 0), _LONGEST_PAUSE_SECONDS / _LOOK_SECONDS)
        return number % int(pause) == 0

    async def _try(self, what: str, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except (RsparkhubError, OSError) as error:
            self._failures[what] = self._failures.get(what, 0) + 1
            log.error("The %s is not yet as it should be: %s", what, error)
        else:
            self._failures.pop(what, None)

    async def _apply(self, account: ServiceAccount) -> None:
        """Bring about what is wanted of an account, when its service runs."""
        service = self._services.get(account.service)
        endpoint = await running_endpoint(self._store, service) if service is not None else None
        if service is None or endpoint is None:
            return
        if (group := group_of_owner(account.owner)) is not None:
            await self._apply_to_group(service, endpoint, account, group)
            return
        match account.wanted:
            case "open":
                needed = await needed_endpoints(self._store, service, self._services)
                if needed is None:
                    return
                groups = await self._store.accounts.groups(account.owner)
                opened = Account(user=account.owner, password=account.password, groups=groups, needed=needed)
                await service.ensure_account(endpoint, opened)
            case "closed" | "keep":
                await service.close_account(endpoint, user=account.owner)
            case "archive" | "delete":
                archive = self._archive(account.owner, Data(account.wanted))
                await service.remove_account(endpoint, user=account.owner, archive=archive)
        await self._store.accounts.set_applied(account, account.wanted)
        log.info("The account of %s on %s: %s.", account.owner, account.service, account.wanted)

    async def _apply_to_group(self, service: AnyService, endpoint: JsonObject, account: ServiceAccount, group: str) -> None:
        """Archive or delete what a group that was removed has on a service; what is kept is open to nobody as it is."""
        if account.wanted in {"archive", "delete"}:
            archive = self._archive(account.owner, Data(account.wanted))
            await service.remove_group(endpoint, group=group, archive=archive)
        await self._store.accounts.set_applied(account, account.wanted)
        log.info("What the group %s has on %s: %s.", group, account.service, account.wanted)

    async def _remove_home(self, owner: str, data: Data) -> None:
        await self._backend.remove_home(owner, archive=self._archive(owner, data))
        await self._store.people.home_done(owner)
        log.info("The home of %s: %s.", owner, data.value)

    def _archive(self, owner: str, data: Data) -> Path | None:
        return self._archives / owner if data is Data.ARCHIVE else None
