"""The service `mapreduce`: Hadoop's streaming jobs of a session's person, in one process or on a YARN of the session's own.

A job is a run of the command `mapred streaming` (`__main__`), whose words `arguments` reads: `staging` brings its input here from
HDFS and its output there, `hadoop_job` has Hadoop run it, and `attempt` is what Hadoop runs as each map and reduce: the person's
own program, of which it knows what it said last. `cleaner` leaves nothing of a job, however that ends; `jobs` says which run.
`configuration` is what Hadoop reads, `settings` what the command reads, and `yarn` a YARN of the session's own.
"""

# ruff: noqa: PLC0415  (each module is loaded when it is needed; the environment comes before everything else)

import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rspark_session.services.base import Service, ServiceUnavailable

if TYPE_CHECKING:
    from rspark_session.notebook_cell import Cell
    from rspark_session.processes.tree import Process


class MapReduce(Service):
    """MapReduce in a session: the command `mapred`, and what runs of it."""

    @property
    def _folder(self) -> Path:
        return self.context.run / "mapreduce"

    @property
    def _work(self) -> Path:
        """The folder in which this session's jobs have theirs: on the disk of the person's home, which is large."""
        return self.context.home / ".local/share/rspark/mapreduce" / Path(self.context.base_path).name

    def programs(self) -> Sequence[Path]:
        """Return the folder of `mapred`."""
        return [self._folder / "bin"]

    def environ(self) -> Mapping[str, str]:
        """Return where the command finds what it may use."""
        return {"RSPARK_MAPREDUCE": str(self._folder)}

    def prepare(self) -> None:
        """Write what the command reads, and the command; clear what jobs of an earlier start have left.

        Raises
        ------
        ServiceUnavailable
            When it isn't said what jobs may use.
        """
        from rspark_contract.reading import Unreadable
        from rspark_session.services.mapreduce import commands
        from rspark_session.services.mapreduce.settings import Settings

        try:
            settings = Settings.parse(self.context.spec.config, work=self._work)
        except Unreadable as problem:
            raise ServiceUnavailable(f"{self.context.spec.title} can't be set up: {problem}.") from problem
        shutil.rmtree(self._work, ignore_errors=True)
        settings.write(self._folder)
        commands.write(self._folder / "bin")

    def welcome(self) -> "Sequence[Cell]":
        """Return how words are counted."""
        from rspark_session.services.mapreduce.welcome import CELLS

        return CELLS

    async def busy_with(self, processes: "Iterable[Process]") -> Sequence[str]:
        """Return the jobs that run."""
        from rspark_session.services.mapreduce import jobs

        return jobs.running(self._folder, processes)

    def own_processes(self, processes: "Iterable[Process]") -> "Iterable[int]":
        """Return the servers of the session's YARN: what they use isn't what a job computes."""
        from rspark_session.services.mapreduce import yarn

        found = yarn.running(self._folder)
        return () if found is None else (found.pid, *found.servers)


SERVICE = MapReduce
