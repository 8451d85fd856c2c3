"""An interface that was started, and the process that it is."""

from dataclasses import dataclass

from rspark_session.agent.components.component import Component
from rspark_session.interfaces.base import Interface


@dataclass(frozen=True, kw_only=True)
class Opened:
    """One interface of a session; the one that the session is opened with has no name."""

    name: str | None
    interface: Interface
    component: Component

    @property
    def answers(self) -> bool:
        """Whether it runs and was ready: only then can it end by itself."""
        return self.component.alive and self.component.was_ready

    @property
    def can_save(self) -> bool:
        """Whether it can save what it has: also between two starts, where it is the same one that is started again."""
        return self.interface.saves_workspace and (self.answers or (self.interface.restarts and self.component.was_ready))
