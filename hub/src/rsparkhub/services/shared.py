"""The shared services there are: how each starts, and how a person's session gets an account on it."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from rspark_contract.ensemble import ComponentSpec
from rsparkhub.services import postgres
from rsparkhub.services.access import ServiceAccess


class SharedService(ABC):
    """One data system for everybody. Its name is also the id of its row, and of the part that says where it listens."""

    name: str
    title: str
    #: On which ports it listens where it has an address of its own, by name.
    ports: Mapping[str, int]

    @abstractmethod
    def parts(self) -> tuple[ComponentSpec, ...]:
        """Give the parts of the ensemble that is the service."""

    @abstractmethod
    async def admit(self, endpoint: Mapping[str, Any], *, user: str, password: str) -> ServiceAccess:
        """Make the person's account, or find it, and give what a session needs to use it.

        Raises
        ------
        Unavailable
            When the service can't be reached, or refuses.
        """


class SharedPostgres(SharedService):
    name, title, ports = "postgres", "PostgreSQL", {"postgres": 5432}

    def parts(self) -> tuple[ComponentSpec, ...]:
        return postgres.server_parts()

    async def admit(self, endpoint: Mapping[str, Any], *, user: str, password: str) -> ServiceAccess:
        await postgres.ensure_account(endpoint, user=user, password=password)
        return postgres.access(endpoint, user=user, password=password)


SHARED: dict[str, SharedService] = {service.name: service for service in (SharedPostgres(),)}
