"""What all clients of a session share."""

from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path

from rspark_session.jupyter.reporter import ActivityReporter
from rspark_session.rc2.consoles import Consoles
from rspark_session.rc2.debugger.debugger import Debugger
from rspark_session.rc2.help.help import Help
from rspark_session.rc2.introspection import Introspection
from rspark_session.rc2.jobs import Jobs
from rspark_session.rc2.recorder import Recorder
from rspark_session.rc2.spark.feed import SparkFeed
from rspark_session.rc2.variables import VariablesFeed

#: Ids of executions that are remembered, so that one that a client sends again is not executed twice.
_REMEMBERED = 10_000


@dataclass(frozen=True, kw_only=True)
class Room:
    """The consoles and jobs of a session, their log, and who works here."""

    who: str
    home: Path
    recorder: Recorder
    consoles: Consoles
    jobs: Jobs
    introspection: Introspection
    variables: VariablesFeed
    spark: SparkFeed
    debugger: Debugger
    help: Help
    reporter: ActivityReporter
    _executions: OrderedDict[str, None] = field(default_factory=OrderedDict)

    def activity(self) -> None:
        """Report that a person did something."""
        self.reporter.activity()

    async def reopen(self) -> None:
        """Open the consoles again that a sleep saved, and record which jobs it ended; what was asked for before is not new."""
        for asked in (*await self.consoles.reopen(), *self.jobs.reopen()):
            self.remember(asked)

    def is_new(self, execution: str) -> bool:
        """Return whether an execution or a job was not asked for before."""
        return execution not in self._executions

    def remember(self, execution: str) -> None:
        """Remember that an execution or a job was asked for."""
        self._executions[execution] = None
        while len(self._executions) > _REMEMBERED:
            self._executions.popitem(last=False)
