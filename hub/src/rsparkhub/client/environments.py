"""The catalog, seen from outside."""

from rsparkhub.client.connection import Connection
from rsparkhub.client.paths import element
from rsparkhub.wire.environment import EnvironmentList, EnvironmentView


class Environments:
    """What may be started."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def list(self) -> list[EnvironmentView]:
        """Return all that you may start."""
        return (await self._connection.ask(EnvironmentList, "GET", "/environments", again=True)).environments

    async def get(self, name: str) -> EnvironmentView:
        """Return one."""
        return await self._connection.ask(EnvironmentView, "GET", f"/environments/{element('environment', name)}", again=True)
