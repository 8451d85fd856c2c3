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
        self._turns = {name: asyncio.Semaphore(_AT_ONCE) for name in self._services}
        self._under_way: set[tuple[str, str, int]] = set()

    async def run(self) -> None:
        """Look every two seconds, for ever, whatever is still under way: what has ended opens nothing soon after."""
        async with asyncio.TaskGroup() as group:
            while True:
                group.create_task(self.look())
                await asyncio.sleep(_LOOK_SECONDS)

    async def look(self) -> None:
        """Revoke what has ended and renew what is due, where a service runs and it isn't under way; return when that is done."""
        await asyncio.gather(*map(self._look_at, self._services))

    async def _look_at(self, name: str) -> None:
        service, kept = self._services[name], self._store.session_credentials
        try:
            ended = [credential for credential in await kept.ended() if credential.service == name]
            due: list[SessionCredential] = []
            if service.renew_every is not None:
                due = await kept.due(name, before=self._clock() - service.renew_every)
            endpoint = await running_endpoint(self._store, service) if ended or due else None
        except RsparkhubError as error:
            log.error("It could not be looked up which credentials of %s are to be renewed or revoked: %s", name, error)
            return
        if endpoint is None:
            return

        async def renewed(credential: SessionCredential) -> None:
            await kept.set_renewed(credential, now=self._clock())

        await asyncio.gather(
            *(self._try(service.revoke, endpoint, credential, kept.remove) for credential in ended),
            *(self._try(service.renew, endpoint, credential, renewed) for credential in due),
        )

    async def _try(
        self,
        step: Callable[[JsonObject, Account], Awaitable[None]],
        endpoint: JsonObject,
        credential: SessionCredential,
        note: Callable[[SessionCredential], Awaitable[None]],
    ) -> None:
        """Have a service do something unless that is under way, and note it; what fails is tried again at the next look."""
        of = (credential.service, credential.session, credential.generation)
        if of in self._under_way:
            return
        self._under_way.add(of)
        try:
            async with self._turns[credential.service]:
                stored = await self._store.accounts.get(credential.owner, credential.service)
                account = Account(user=credential.owner, password=stored.password, credential=to_credential(credential))
                async with asyncio.timeout(self._account_seconds):
                    await step(endpoint, account)
                await note(credential)
        except Exception as error:  # a service's own module, perhaps another package's
            what = f"{step.__name__} {credential.service} {credential.session}.{credential.generation}"
            log_once(log, f"{what}: {error!r}", "The credential of %s is not yet as it should be: %r", what, error)
        finally:
            self._under_way.remove(of)
