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
        """Whether it runs and was ready: only then can it save, or end by itself."""
        return self.component.alive and self.component.was_ready
