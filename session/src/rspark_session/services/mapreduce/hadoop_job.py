"""Has Hadoop run a streaming job on files of this machine, and reads of its log how far it is and why it failed."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from rspark_contract import reading
from rspark_contract.reading import Fields, Unreadable
from rspark_session.processes import prctl
from rspark_session.services import hadoop
from rspark_session.services.mapreduce import attempt, cleaner, configuration
from rspark_session.services.mapreduce.arguments import Streaming, is_class
from rspark_session.services.mapreduce.progress import Reporter
from rspark_session.services.mapreduce.settings import Settings
from rspark_session.services.mapreduce.yarn import Yarn

_PROGRESS = re.compile(r"INFO Job  map (\d+)% reduce (\d+)%")
_FAILED = "PipeMapRed.waitOutputThreads(): subprocess failed"
_COUNTER = re.compile(r"\t\t([^=]+)=(\d+)")
_GROUP = re.compile(r"\t(\S.*)")
_CAUSE = re.compile(r"(?:ERROR|WARN) (?:StreamJob|Job|LocalJobRunner) (.*)")
_EXCEPTION = re.compile(r"(?:Caused by: )?(?:[\w.$]+\.)?([\w$]*(?:Exception|Error)): (.*)")
_LEAST_HEAP, _MOST_HEAP = 192, 1024  # MB
_HADOOPS = re.compile(r"(File System|Job|File (In|Out)put Format) Counters *|Map-Reduce Framework|Shuffle Errors")


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a job ended: `problem` is empty for one that did what it should; `counters` are its own and Hadoop's, by group."""

    problem: str = ""
    counters: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    def count(self, name: str) -> int:
        """Return one of Hadoop's counters."""
        return self.counters.get("Map-Reduce Framework", {}).get(name, 0)

    @property
    def own_counters(self) -> Mapping[str, Mapping[str, int]]:
        """The counters that the person's programs have counted with."""
        return {group: counted for group, counted in self.counters.items() if not _HADOOPS.fullmatch(group)}


class HadoopJob:
    """A job in its folder `work`, with the id `job`."""

    def __init__(self, asked: Streaming, *, job: str, work: Path, settings: Settings) -> None:
        self._asked = asked
        self._job = job
        self._work = work
        self._settings = settings

    @property
    def made(self) -> Path:
        """Where what it makes is."""
        return self._work / "output"

    def write(self, programs: Mapping[str, Sequence[str]]) -> None:
        """Write what Hadoop and the tasks read."""
        environ = {**os.environ, **self._asked.environ, cleaner.MARK: self._job}
        described = {"programs": {kind: list(words) for kind, words in programs.items()}, "environ": environ}
        file = self._work / attempt.JOB
        file.touch(mode=0o600)
        file.write_text(json.dumps(described), encoding="utf-8")
        configuration.write(self._work / "conf", configuration.of_job(self._job, self._work, self._settings))
        (self._work / "cwd").mkdir()

    def run(self, inputs: Sequence[Path], files: Mapping[str, Path], reporter: Reporter, yarn: Yarn | None = None) -> Outcome:
        """Run it to its end, on the session's YARN where one is given.

        Raises
        ------
        ServiceProblem
            When there is no Java here, or no Hadoop.
        """
        hadoop.check_installed()
        command = [hadoop.java(), *self._jvm(), "org.apache.hadoop.streaming.HadoopStreaming", *self._words(inputs, files)]
        # Without the token, which Hadoop would copy into its files: what it works on is here.
        hidden = ("HADOOP_TOKEN_FILE_LOCATION", "HADOOP_CONF_DIR", "JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS")
        environ = {name: value for name, value in os.environ.items() if name not in hidden} | {cleaner.MARK: self._job}
        process = subprocess.Popen(
            command if yarn is None else yarn.inside(command),
            env=environ,
            cwd=self._work / "cwd",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,  # Ctrl-C in a terminal is the command's alone, which ends all
            preexec_fn=prctl.ends_with_this_process(signal.SIGKILL),  # noqa: PLW1509  (no thread is here yet)
        )
        assert process.stdout is not None
        assert process.stderr is not None
        said = threading.Thread(target=_pass_on, args=(process.stderr, reporter), daemon=True)
        said.start()
        log = _Log(reporter)
        for line in process.stdout:
            log.read(line.rstrip("\n"))
            if _FAILED in line and self._failure():
                # In one process Hadoop would wait for all the other maps, of which nothing comes any more.
                process.kill()
                break
        code = process.wait()
        said.join(5)
        if code == 0:
            return Outcome(counters=log.counters)
        return Outcome(problem=self._failure() or log.problem(code), counters=log.counters)

    def _words(self, inputs: Sequence[Path], files: Mapping[str, Path]) -> list[str]:
        asked, words = self._asked, ["-D", f"mapreduce.job.name={self._asked.name}"]
        for name, value in asked.settings.items():
            words += ["-D", f"{name}={value}"]
        if files:
            words += ["-files", ",".join(f"{path.as_uri()}#{name}" for name, path in files.items())]
        for path in inputs:
            words += ["-input", path.as_uri()]
        words += ["-output", self.made.as_uri()]
        for kind, program in asked.programs.items():
            run = f'"{sys.executable}" -I -S "{attempt.__file__}" "{self._work}" {kind}'
            words += [f"-{kind}", program if is_class(program) else run]
        return [*words, *asked.options]

    def _jvm(self) -> list[str]:
        heap = min(max(self._settings.memory // 2**20 // 4, _LEAST_HEAP), _MOST_HEAP)
        return [
            configuration.OPENED,
            f"-Xmx{heap}m",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-XX:-UsePerfData",
            f"-Djava.io.tmpdir={self._work}",
            "-cp",
            hadoop.class_path(self._work / "conf"),
        ]

    def _failure(self) -> str:
        """Return what the first program that failed said; nothing where none did."""
        failures = sorted((self._work / attempt.FAILURES).glob("*.json"), key=lambda file: file.stat().st_mtime_ns)
        for file in failures:
            try:
                fields = Fields(reading.decode(file.read_bytes(), most=2**20))
                kind, code = fields.required("kind", reading.text(20)), fields.required("code", reading.integer(-64, 255))
                number = fields.required("number", reading.text(20))
                lines = fields.required("said", reading.items(reading.verbatim(2**12), most=100))
            except (OSError, Unreadable):
                continue
            part = int(number) + 1 if number.isdigit() else 1
            what = {"mapper": "map", "reducer": "reduce", "combiner": "combiner of a map"}.get(kind, kind)
            ended = f"ended with the code {code}" if code >= 0 else f"was ended by {signal.Signals(-code).name}"
            quoted = "".join(f"\n  {line}" for line in lines) or " nothing."
            return f"The {what} {part} {ended}. It said last:{quoted}"
        return ""


class _Log:
    """What Hadoop's log says of a job."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter
        self._last: deque[str] = deque(maxlen=200)
        self.counters: dict[str, dict[str, int]] = {}
        self._group = ""
        self._counts = False

    def read(self, line: str) -> None:
        """Read a line of it."""
        if found := _PROGRESS.match(line):
            self._reporter.show(f"map {found[1]} %, reduce {found[2]} %")
        elif "INFO Job Counters:" in line:
            self._counts = True
        elif self._counts and (counted := _COUNTER.match(line)):
            self.counters.setdefault(self._group, {})[counted[1]] = int(counted[2])
        elif self._counts and (group := _GROUP.match(line)):
            self._group = group[1]
        else:
            self._counts = False
            self._last.append(line)

    def problem(self, code: int) -> str:
        """Return why it failed where none of its programs did."""
        if code < 0:
            return f"Hadoop was ended by {signal.Signals(-code).name}; the session may have no memory left."
        causes = [found[2] for line in self._last if (found := _EXCEPTION.match(line))]
        errors = [found[1] for line in self._last if (found := _CAUSE.match(line))]
        said = (causes or errors or [line for line in self._last if line.strip()] or ["it says nothing"])[-1]
        return f"Hadoop could not run the job: {said.strip()}"


def _pass_on(stderr: IO[str], reporter: Reporter) -> None:
    """Show what programs say on stderr as they say it."""
    for line in stderr:
        if line.strip() != "Streaming Command Failed!" and not line.startswith(("reporter:", "WARNING: ")):
            reporter.say(line.rstrip("\n"))
