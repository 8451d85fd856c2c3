"""Renews what sessions sign in with on shared services, and revokes it when their generation has ended.

The store has each credential from before the service hears of it until it is revoked there: a service that is down, a controller
that dies, change nothing but the time it takes. A service that doesn't answer, or one that takes long, holds up no others.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime

from rspark_contract.reading import JsonObject
from rsparkhub.controller.shared_services import running_endpoint, to_credential
from rsparkhub.domain.errors import RsparkhubError
from rsparkhub.log_context import log_once
from rsparkhub.services.base import Account, AnyService
from rsparkhub.store import Store
from rsparkhub.store.session_credentials import SessionCredential

log = logging.getLogger(__name__)

_LOOK_SECONDS = 2.0
#: How many of a service are seen to at once.
_AT_ONCE = 8


class Credentials:
    """Looks after the credentials of all sessions; `account_seconds` is the longest that a service may take for one."""

    def __init__(
        self,
        *,
        store: Store,
        services: Mapping[str, AnyService],
        clock: Callable[[], datetime],
        account_seconds: float = 20.0,
    ) -> None:
        self._store = store
        self._services = {name: service for name, service in services.items() if service.issues_credentials}
        self._clock = clock
        self._account_seconds = account_seconds

    async def run(self) -> None:
        """Look after each service every two seconds, for ever: what has ended opens nothing soon after."""
        async with asyncio.TaskGroup() as group:
            for name in self._services:
                group.create_task(self._run(name))

    async def _run(self, name: str) -> None:
        while True:
            try:
                await self._look_at(name)
            except RsparkhubError as error:
                log.error("It could not be looked up which credentials of %s are to be renewed or revoked: %s", name, error)
            await asyncio.sleep(_LOOK_SECONDS)

    async def look(self) -> None:
        """Revoke what has ended and renew what is due, as far as the services run."""
        await asyncio.gather(*map(self._look_at, self._services))

    async def _look_at(self, name: str) -> None:
        service = self._services[name]
        ended = [credential for credential in await self._store.session_credentials.ended() if credential.service == name]
        due: list[SessionCredential] = []
        if service.renew_every is not None:
            due = await self._store.session_credentials.due(name, before=self._clock() - service.renew_every)
        endpoint = await running_endpoint(self._store, service) if ended or due else None
        if endpoint is None:
            return
        turns = asyncio.Semaphore(_AT_ONCE)

        async def revoke(credential: SessionCredential) -> None:
            async with turns:
                if await self._try(service.revoke, endpoint, credential):
                    await self._store.session_credentials.remove(credential)

        async def renew(credential: SessionCredential) -> None:
            async with turns:
                if await self._try(service.renew, endpoint, credential):
                    await self._store.session_credentials.set_renewed(credential, now=self._clock())

        await asyncio.gather(*map(revoke, ended), *map(renew, due))

    async def _try(
        self,
        step: Callable[[JsonObject, Account], Awaitable[None]],
        endpoint: JsonObject,
        credential: SessionCredential,
    ) -> bool:
        """Return whether a service did it; what fails is tried again at the next look."""
        stored = await self._store.accounts.get(credential.owner, credential.service)
        account = Account(user=credential.owner, password=stored.password, credential=to_credential(credential))
        try:
            async with asyncio.timeout(self._account_seconds):
                await step(endpoint, account)
        except Exception as error:  # a service's own module, perhaps another package's
            what = f"{step.__name__} {credential.service} {credential.session}.{credential.generation}"
            log_once(log, f"{what}: {error!r}", "The credential of %s is not yet as it should be: %r", what, error)
            return False
        return True
