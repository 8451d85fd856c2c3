"""The words of `mapred streaming`, those of Hadoop: what is asked for, and what is refused before anything starts."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field


class ArgumentsInvalid(ValueError):
    """What was typed can't be a job. The message says what is wrong, and what to do."""


@dataclass(kw_only=True)
class Streaming:
    """A streaming job as it was asked for; `options` are those that Hadoop gets as they are, `settings` what -D says."""

    inputs: list[str] = field(default_factory=list)
    output: str = ""
    programs: dict[str, str] = field(default_factory=dict)  # of mapper, combiner and reducer
    files: list[str] = field(default_factory=list)
    environ: dict[str, str] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)
    options: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        """What people know it by."""
        return self.settings.get("mapreduce.job.name") or self.settings.get("mapred.job.name") or self.output.rstrip("/")


PROGRAMS = ("mapper", "combiner", "reducer")
#: Of Hadoop's own, with a value, passed on.
_PASSED = frozenset({"inputformat", "outputformat", "partitioner", "io", "inputreader"})
_FLAGS = frozenset({"verbose", "lazyOutput"})
_LISTS = frozenset({"input", "file", "files", "cacheFile"})
_PAIRS = frozenset({"cmdenv", "D", "jobconf"})
_NUMBERS = frozenset({"numReduceTasks", "reduces"})
_REFUSED = {
    "background": "The command stays until the job is done. A `&` behind it lets you go on meanwhile.",
    "conf": "-D NAME=VALUE sets what a job's configuration has.",
    "fs": "The job's files are those of this session and of its HDFS.",
    "jt": "The environment says where jobs run.",
    "archives": "-files takes files and folders.",
    "cacheArchive": "-files takes files and folders.",
    "libjars": "Streaming runs programs of any language; it takes no jars of your own.",
}
#: Names of Hadoop's classes in the place of a program.
_CLASS = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_$][\w$]*)+|aggregate|NONE")
USAGE = """\
usage: mapred streaming -input PATH -output PATH -mapper PROGRAM [-reducer PROGRAM]
         [-combiner PROGRAM] [-file FILE]... [-files FILE,...] [-cmdenv NAME=VALUE]...
         [-numReduceTasks N] [-D NAME=VALUE]...

Runs a map on each part of the input, and a reduce on what the maps wrote, sorted by the words
before the first tab. A program reads lines and writes lines; it may be of any language.
Paths are those of HDFS where this session has it; a file of the session is file:///PATH.
"""


def parse(words: Sequence[str]) -> Streaming:
    """Read the words behind `mapred streaming`; raise `ArgumentsInvalid` when they are no job."""
    job = Streaming()
    rest = iter(words)
    for word in rest:
        option = word.lstrip("-")
        if not word.startswith("-") or not option:
            raise ArgumentsInvalid(f"{word} can't stand here: each word follows an option, such as -input {word}.")
        if option.startswith("D") and option != "D":
            _assign(job.settings, option[1:], "-D")
        else:
            _take(job, option, rest)
    _check(job)
    return job


def is_class(program: str) -> bool:
    """Return whether a program is a class of Hadoop."""
    return _CLASS.fullmatch(program) is not None and not program.endswith((".R", ".r", ".py", ".sh", ".pl", ".rb", ".js"))


def _take(job: Streaming, option: str, rest: Iterator[str]) -> None:
    """Add an option to a job, with the value that follows it."""
    if option in _REFUSED:
        raise ArgumentsInvalid(f"-{option} is not for this session. {_REFUSED[option]}")
    if option in _FLAGS:
        job.options.append(f"-{option}")
        return
    if option not in _LISTS | _NUMBERS | _PAIRS | _PASSED | {"output", *PROGRAMS}:
        raise ArgumentsInvalid(f"There is no option -{option}. `mapred streaming -help` names all.")
    value = next(rest, None)
    if value is None:
        raise ArgumentsInvalid(f"A value is missing behind -{option}.")
    if option in _LISTS:
        (job.inputs if option == "input" else job.files).extend(filter(None, value.split(",")))
    elif option in _PAIRS:
        _assign(job.environ if option == "cmdenv" else job.settings, value, f"-{option}")
    elif option in _NUMBERS:
        _assign(job.settings, f"mapreduce.job.reduces={value}", f"-{option}")
    elif option in PROGRAMS:
        job.programs[option] = value
    elif option == "output":
        job.output = value
    else:
        job.options += [f"-{option}", value]


def _assign(to: dict[str, str], word: str, option: str) -> None:
    name, equals, value = word.partition("=")
    if not name or not equals:
        raise ArgumentsInvalid(f"{option} takes NAME=VALUE, and not {word}.")
    to[name] = value


def _check(job: Streaming) -> None:
    for what, given in (("-input", job.inputs), ("-output", job.output), ("-mapper", job.programs.get("mapper"))):
        if not given:
            raise ArgumentsInvalid(f"{what} is missing. `mapred streaming -help` shows how a job is started.")
    if not job.settings.get("mapreduce.job.reduces", "1").isdigit():
        raise ArgumentsInvalid(f"-numReduceTasks takes a number, and not {job.settings['mapreduce.job.reduces']}.")
    for setting in job.settings:
        if setting.startswith(("fs.default", "hadoop.security", "mapreduce.framework", "mapreduce.cluster.", "yarn.")):
            raise ArgumentsInvalid(f"-D {setting} is not for this session: the environment says where jobs run.")
