"""What is known of one component while it is started, runs and ends."""

from dataclasses import dataclass

from rspark_contract.reading import JsonObject
from rspark_contract.record import ComponentExit
from rspark_contract.status import ComponentState, ComponentStatus


@dataclass
class ComponentReport:
    """One component, as a person sees it light up. `code` is its exit code, minus the signal when one killed it."""

    name: str
    title: str
    state: ComponentState = ComponentState.WAITING
    reason: str | None = None
    endpoint: JsonObject | None = None
    code: int | None = None

    def status(self) -> ComponentStatus:
        """Return what is reported of it while the ensemble runs."""
        return ComponentStatus(name=self.name, title=self.title, state=self.state, reason=self.reason, endpoint=self.endpoint)

    def exit(self) -> ComponentExit:
        """Return what the record says of it."""
        return ComponentExit(name=self.name, code=self.code)
