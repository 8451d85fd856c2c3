"""The backend `process`: sessions as processes of this machine."""

from typing import TYPE_CHECKING

from rsparkhub.backends.definition import BackendDefinition
from rsparkhub.backends.process import accounts, checks
from rsparkhub.domain.backend import ARCHIVE, ONE_MACHINE
from rsparkhub.domain.finding import Finding
from rsparkhub.domain.requirements import Needs, Requirements
from rsparkhub.settings import Settings, checkout

if TYPE_CHECKING:
    from rsparkhub.backends.base import Backend


class ProcessDefinition(BackendDefinition):
    name = "process"
    capabilities = frozenset({ARCHIVE, ONE_MACHINE, "spark-standalone", "session-networks"})

    def describe(self, settings: Settings) -> str:
        return "Sessions run as processes of this machine."

    def trust(self, settings: Settings) -> str | None:
        return None if accounts.are_possible() else checks.TRUST

    def open(self, settings: Settings) -> "Backend":
        from rsparkhub.backends.process.backend import ProcessBackend

        return ProcessBackend(
            data=settings.data,
            notify_dir=settings.notify_dir,
            python=settings.python_of_sessions,
            r_libs=settings.r_libs_of_sessions,
            checkout=checkout(),
        )

    def missing(self, settings: Settings, requirements: Requirements) -> list[str]:
        return checks.missing(settings, requirements)

    async def check_start(self, settings: Settings, needs: Needs) -> list[Finding]:
        return [*checks.find_programs(settings, needs), *([] if accounts.are_possible() else [checks.people()])]

    async def examine(self, settings: Settings, needs: Needs) -> list[Finding]:
        return [*await checks.examine(settings, needs), *await checks.examine_walls(settings)]


BACKEND = ProcessDefinition
