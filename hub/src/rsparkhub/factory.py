"""Wires everything, once, and nowhere else.

Each part is made when it is asked for, and its module read only then: the controller's process knows nothing of the HTTP
face, and the hub's nothing of a backend.
"""

from contextlib import AsyncExitStack
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Self

from rsparkhub.backends.definition import BackendDefinition
from rsparkhub.catalog import Catalog
from rsparkhub.domain.backend import ARCHIVE
from rsparkhub.installed.extensions import backend_of, configured_services, interfaces
from rsparkhub.installed.schema import environment_schema_of
from rsparkhub.settings import Settings
from rsparkhub.store import Store, open_store

if TYPE_CHECKING:
    from types import TracebackType

    from fastapi import FastAPI

    from rsparkhub.auth.identity import Authenticator
    from rsparkhub.backends.base import Backend
    from rsparkhub.controller.app import Controller


class Factory:
    """The parts of one installation; an async context that opens the store and closes it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.store: Store
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        self.store = await self._stack.enter_async_context(open_store(self.settings.store, notify_dir=self.settings.notify_dir))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: "TracebackType | None"
    ) -> None:
        await self._stack.aclose()

    @cached_property
    def catalog(self) -> Catalog:
        schema = environment_schema_of(self.settings)
        return Catalog(self.settings.environment_folders, schema, check_every=timedelta(seconds=1))

    @cached_property
    def authenticator(self) -> "Authenticator":
        from rsparkhub.auth.identity import Authenticator
        from rsparkhub.installed.sign_in import ways_to_sign_in

        return Authenticator(self.store, self.settings, ways=ways_to_sign_in())

    @cached_property
    def backend(self) -> "Backend":
        """The backend that the settings name."""
        backend = self._definition.open(self.settings)
        self._stack.push_async_callback(backend.aclose)
        return backend

    @property
    def _definition(self) -> BackendDefinition:
        return backend_of(self.settings)

    @cached_property
    def app(self) -> "FastAPI":
        """The HTTP face."""
        from rsparkhub.api import create_app

        return create_app(
            settings=self.settings,
            store=self.store,
            authenticator=self.authenticator,
            catalog=self.catalog,
            uses_images=self._definition.uses_images,
            trust=self._definition.trust(self.settings),
            archives=ARCHIVE in self._definition.capabilities,
            behind_edge=True,
        )

    @cached_property
    def controller(self) -> "Controller":
        from rsparkhub.builder import Builder
        from rsparkhub.controller.app import Controller

        builder = Builder(interfaces=interfaces(), services=configured_services(self.settings), settings=self.settings)
        return Controller(
            store=self.store,
            backend=self.backend,
            catalog=self.catalog,
            builder=builder,
            settings=self.settings,
        )
