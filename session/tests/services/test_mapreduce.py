"""MapReduce in a session: jobs of R, Python and bash on real HDFS, what they say when they fail, and what they leave."""

import json
import os
import re
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from session.tests.running import HEADERS, WAIT, Running, part, spec
from tests.hdfs_server import HdfsServer

pytestmark = pytest.mark.timeout(900)
SPARK = {"name": "spark", "title": "Spark", "config": {"mode": "local", "memory": 2**29, "cores": 1}}
#: Runs what is written into a file, as something of the session's own.
RUNNER = """
cd
while sleep 0.1; do
  if [ -e asked ]; then mv asked taken; bash taken >said 2>&1; echo $? >ended; mv ended code; fi
done
"""
LINES = [f"the fox {number % 97} jumps over the lazy dog and the dog {number % 5}" for number in range(5000)]
TRUE = Counter(word for line in LINES for word in line.split())

PROGRAMS = {
    "map.py": """\
#!/usr/bin/env python3
import sys
for line in sys.stdin:
    for word in line.split():
        print(word, 1, sep="\\t")
""",
    "reduce.py": """\
#!/usr/bin/env python3
import itertools, sys
pairs = (line.rstrip("\\n").split("\\t") for line in sys.stdin)
for word, group in itertools.groupby(pairs, key=lambda pair: pair[0]):
    print(word, sum(int(count) for _, count in group), sep="\\t")
""",
    "map.sh": """\
#!/bin/bash
tr -s ' ' '\\n' | sed '/^$/d; s/$/\\t1/'
""",
    "reduce.sh": """\
#!/bin/bash
awk -F '\\t' '{counts[$1] += $2} END {for (word in counts) print word "\\t" counts[word]}'
""",
    "map.R": """\
#!/usr/bin/env Rscript
lines <- readLines(file("stdin"))
words <- unlist(strsplit(lines, " +"))
writeLines(paste(words, 1, sep = "\\t"))
""",
    "reduce.R": """\
#!/usr/bin/env Rscript
pairs <- read.delim(file("stdin"), header = FALSE, quote = "", colClasses = c("character", "numeric"))
counts <- tapply(pairs$V2, pairs$V1, sum)
writeLines(paste(names(counts), counts, sep = "\\t"))
""",
    "fails.py": """\
#!/usr/bin/env python3
import sys
sys.stdin.readline()
print("reporter:counter:mine,lines,1", file=sys.stderr)
sys.exit("row 1 has no date: the fox")
""",
    "sleeps.sh": """\
#!/bin/bash
echo started >&2
sleep 987654
""",
}


class Person:
    """A person's session with HDFS and MapReduce, in which one program sleeps: all that is started has its environment."""

    def __init__(self, server: HdfsServer, folder: Path, user: str, *, mode: str = "local") -> None:
        members = server.session(f"s-mr-{user}", user)
        config = {"mode": mode, "memory": 2**31, "cores": 2}
        more = [SPARK, {"name": "mapreduce", "title": "MapReduce", "config": config}]
        members["services"] = [*members["services"], *more]
        runner = part("runner", "bash", "-c", RUNNER)
        self.running = Running(spec(folder, parts=[part("idle", "sleep", "3600"), runner], home=str(folder / user), **members))
        self.running.home.mkdir()
        self.user = user
        self.started: list[subprocess.Popen[str]] = []
        self.token = members["files"][0]["content"]
        self.running.start()
        self.until(lambda: self.running.status()["state"] == "ready", "the session is ready")
        idle = next(
            child
            for child in psutil.Process(self.running.process.pid).children()
            if child.name() == "sleep" and "3600" in child.cmdline()
        )  # type: ignore[union-attr]
        self.environ = idle.environ()
        self.work = self.running.home / f".local/share/rspark/mapreduce/s-mr-{user}"
        for name, content in PROGRAMS.items():
            (self.running.home / name).write_text(content)
            (self.running.home / name).chmod(0o755)

    def until(self, condition: Callable[[], Any], what: str) -> Any:
        deadline = time.monotonic() + WAIT
        while not (found := condition()):
            assert time.monotonic() < deadline, f"waited in vain until {what}: {self.running.log('agent')}"
            time.sleep(0.05)
        return found

    def start(self, command: str) -> "subprocess.Popen[str]":
        """Start a command of a shell in the session, as a group of its own."""
        started = subprocess.Popen(
            ["bash", "-c", f"exec {command}"],
            env=self.environ,
            cwd=self.running.home,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.started.append(started)
        return started

    def ask(self, command: str) -> None:
        """Have a command run as something of the session's own."""
        (self.running.home / "code").unlink(missing_ok=True)
        (self.running.home / "asked.new").write_text(f"{command}\n")
        (self.running.home / "asked.new").rename(self.running.home / "asked")

    def inside(self, command: str) -> tuple[int, str]:
        """Run a command as something of the session's own; return its code and all that it prints."""
        self.ask(command)
        self.until((self.running.home / "code").exists, f"{command} has ended")
        return int((self.running.home / "code").read_text()), (self.running.home / "said").read_text()

    def end_started(self) -> None:
        """End what a test has left running."""
        while self.started:
            process = self.started.pop()
            process.kill()
            process.wait(WAIT)
        self.until(lambda: not list((self.running.run / "mapreduce/jobs").glob("*")), "no job is left")

    def sh(self, command: str, **environ: str) -> tuple[int, str]:
        """Run a command of a shell in the session; return its code and all that it prints."""
        done = subprocess.run(
            ["bash", "-c", command],
            env=self.environ | environ,
            cwd=self.running.home,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=2 * WAIT,
        )
        return done.returncode, done.stdout

    def web(self, method: str, path: str, **more: Any) -> httpx.Response:
        return httpx.request(method, self.running.url(f"hdfs{path}"), headers=HEADERS, follow_redirects=True, timeout=60, **more)

    def put(self, path: str, content: bytes) -> None:
        assert self.web("PUT", f"/webhdfs/v1/user/{self.user}/{path}?op=CREATE", content=content).status_code == 201

    def listed(self, path: str = "") -> set[str]:
        found = self.web("GET", f"/webhdfs/v1/user/{self.user}/{path}?op=LISTSTATUS").json()
        return {entry["pathSuffix"] for entry in found["FileStatuses"]["FileStatus"]}

    def counted(self, path: str) -> Counter[str]:
        """Return the words of an output, with their counts."""
        found: Counter[str] = Counter()
        for name in self.listed(path):
            if name.startswith("part-"):
                text = self.web("GET", f"/webhdfs/v1/user/{self.user}/{path}/{name}?op=OPEN").text
                found.update({word: int(count) for word, count in (line.split("\t") for line in text.splitlines())})
        return found


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HdfsServer]:
    with HdfsServer(tmp_path_factory.mktemp("hdfs")) as server:
        yield server


@pytest.fixture(scope="module")
def people(server: HdfsServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Person]]:
    folder = tmp_path_factory.mktemp("people")
    people = {}
    try:
        for name, mode in (("ada", "local"), ("ben", "local")):
            people[name] = Person(server, folder, name, mode=mode)
        people["ada"].put("secret.txt", b"ada's own")
        half = len(LINES) // 2
        people["ada"].put("in/a.txt", ("\n".join(LINES[:half]) + "\n").encode())
        people["ada"].put("in/b.txt", ("\n".join(LINES[half:]) + "\n").encode())
        yield people
    finally:
        for person in people.values():
            assert person.running.process is not None
            person.running.process.terminate()
            person.running.process.wait(60)


@pytest.fixture
def ada(people: dict[str, Person]) -> Iterator[Person]:
    yield people["ada"]
    people["ada"].end_started()


@pytest.fixture
def ben(people: dict[str, Person]) -> Person:
    return people["ben"]


@pytest.mark.parametrize("language", ["py", "sh", "R"])
def test_words_are_counted_as_they_are(ada: Person, language: str) -> None:
    output = f"counted-{language}"
    code, said = ada.sh(f"mapred streaming -input in -output {output} -mapper map.{language} -reducer reduce.{language}")
    assert code == 0, said
    assert ada.counted(output) == TRUE
    assert ada.listed(output) == {"_SUCCESS", "part-00000"}
    assert "map 100 %, reduce 100 %" in said
    assert f"The job is done: 5,000 lines read, {len(TRUE):,} written" in said
    assert f"Output: /user/ada/{output}" in said
    assert list(ada.work.iterdir()) == []


def test_hadoops_own_words_do_the_same(ada: Person) -> None:
    words = "-D mapreduce.job.reduces=2 -files map.py,reduce.py -mapper 'python3 map.py' -combiner reduce.py -reducer reduce.py"
    code, said = ada.sh(f"hadoop jar $HADOOP_HOME/hadoop-streaming-3.4.2.jar {words} -input 'in/?.txt' -output twice")
    assert code == 0, said
    assert ada.counted("twice") == TRUE
    assert ada.listed("twice") == {"_SUCCESS", "part-00000", "part-00001"}


def test_files_of_the_session_are_read_and_written_where_they_are(ada: Person) -> None:
    (ada.running.home / "here.txt").write_text("b a\nb\n")
    home = ada.running.home
    code, said = ada.sh(
        f"mapred streaming -input file://{home}/here.txt -output file://{home}/out -mapper map.sh -reducer reduce.sh"
    )
    assert code == 0, said
    assert sorted((home / "out/part-00000").read_text().splitlines()) == ["a\t1", "b\t2"]
    assert {file.name for file in (home / "out").iterdir()} == {"_SUCCESS", "part-00000"}


@pytest.mark.long
def test_a_failing_map_is_quoted(ada: Person) -> None:
    code, said = ada.sh("mapred streaming -input in/a.txt -output failed -mapper fails.py")
    assert code == 1
    assert said.endswith("The job failed. The map 1 ended with the code 1. It said last:\n  row 1 has no date: the fox\n"), said
    assert "failed" not in ada.listed()
    code, said = ada.sh("mapred streaming -input in/a.txt -output failed -mapper map.py -reducer 'nonesuch now'")
    assert code == 1
    assert "The reduce 1 ended with the code 127. It said last:\n  nonesuch can't be run: No such file or directory" in said, said
    assert list(ada.work.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        ("streaming -input in -output counted-py -mapper map.py", 1, 'The output "counted-py" is there already. Choose another,'),
        ("streaming -input nope -output new -mapper map.py", 1, 'There is no input "nope" in HDFS.'),
        ("streaming -input .. -output new -mapper map.py", 1, 'A path in HDFS has no ".." in it.'),
        ("streaming -input in -output new", 2, "-mapper is missing. `mapred streaming -help` shows how a job is started."),
        ("streaming -input in -output new -mapper map.py -fs x", 2, "-fs is not for this session."),
        ("streaming -input in -output new -mapper map.py -numReduceTasks no", 2, "-numReduceTasks takes a number, and not no."),
        ("streaming -input in -output new -mapper map.py -file gone", 1, 'There is no file "gone" in this session'),
        ("streaming -D fs.defaultFS=x -input in -output new -mapper map.py", 2, "-D fs.defaultFS is not for this session"),
        ("job -list", 2, "mapred knows streaming here, and not job."),
    ],
)  # fmt: skip
def test_what_cant_be_a_job_is_refused_in_a_sentence(ada: Person, words: str, code: int, sentence: str) -> None:
    found, said = ada.sh(f"mapred {words}")
    assert (found, said.count("\n")) == (code, 1), said
    assert said.startswith(sentence), said
    assert list(ada.work.glob("*")) == []


def job_processes(person: Person, name: str | None = None) -> list[psutil.Process]:
    """Return all that runs of a person's jobs, or what has that name."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):  # it ends meanwhile
            environ = process.environ()
            if environ.get("RSPARK_ENSEMBLE") != person.environ["RSPARK_ENSEMBLE"] or "RSPARK_MAPREDUCE_JOB" not in environ:
                continue
            if process.status() != psutil.STATUS_ZOMBIE and name in (None, process.name()):
                found.append(process)
    return found


def sleeper(person: Person) -> Any:
    return next(iter(job_processes(person, "sleep")), None)


@pytest.mark.long
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_job_that_is_ended_leaves_nothing(ada: Person, number: int) -> None:
    job = ada.start("mapred streaming -input in -output ended -mapper sleeps.sh")
    ada.until(lambda: sleeper(ada), "the map runs")
    assert len(job_processes(ada)) >= 4  # Java, the attempt, bash and sleep
    os.kill(job.pid, number)
    code = job.wait(WAIT)
    assert code == (130 if number != signal.SIGKILL else -signal.SIGKILL)
    ada.until(lambda: not job_processes(ada), "all of the job has ended")
    ada.until(lambda: not list(ada.work.iterdir()), "its folder is deleted")
    assert job.stdout is not None
    if number != signal.SIGKILL:
        assert "The job was interrupted. Nothing of it is left." in job.stdout.read()
    assert not {name for name in ada.listed() if "ended" in name}
    ada.until(lambda: not list((ada.running.run / "mapreduce/jobs").iterdir()), "it is no longer noted")


def test_when_hadoop_is_killed_so_are_the_programs(ada: Person) -> None:
    job = ada.start("mapred streaming -input in -output ended -mapper sleeps.sh")
    ada.until(lambda: sleeper(ada), "the map runs")
    job_processes(ada, "java")[0].kill()
    assert job.wait(WAIT) == 1
    assert job.stdout is not None
    assert "Hadoop was ended by SIGKILL" in job.stdout.read()
    assert job_processes(ada) == []


def test_a_session_with_a_job_is_busy(ada: Person) -> None:
    ada.ask("mapred streaming -D mapreduce.job.name=fox -input in -output ended -mapper sleeps.sh")
    ada.until(lambda: "MapReduce runs fox" in ada.running.status()["busy_with"], "the job is reported")
    ada.until(lambda: sleeper(ada), "the map runs")
    sleeper(ada).kill()
    # The other map would sleep on: a job fails with its first program that does.
    ada.until(lambda: not ada.running.status()["busy"], "its end is reported")


@pytest.mark.long
def test_a_job_finds_the_sessions_environment_and_no_file_of_it_has_the_token(ada: Person) -> None:
    script, seen = ada.running.home / "look.sh", "seen $RSPARK_USER $mapreduce_task_partition $MORE"
    script.write_text(f"#!/bin/bash\ncat >/dev/null; echo {seen}; hdfs dfs -cat secret.txt\n")
    script.chmod(0o755)
    secret = ada.token[:40].encode()
    job = ada.start("mapred streaming -cmdenv MORE=more -input in/a.txt -output ended -mapper sleeps.sh")
    ada.until(lambda: sleeper(ada), "the map runs")
    files = [path for path in ada.work.rglob("*") if path.is_file()]
    assert files
    assert not [path for path in files if secret in path.read_bytes()]
    assert all(job.stat().st_mode & 0o077 == 0 for job in ada.work.iterdir())
    assert "HADOOP_TOKEN_FILE_LOCATION" not in job_processes(ada, "java")[0].environ()
    os.kill(job.pid, signal.SIGTERM)
    job.wait(WAIT)
    code, said = ada.sh("mapred streaming -cmdenv MORE=more -input in/a.txt -output looked -mapper look.sh -numReduceTasks 0")
    assert code == 0, said
    text = ada.web("GET", "/webhdfs/v1/user/ada/looked/part-00000?op=OPEN").text
    assert "seen ada 0 more" in text
    assert "ada's own" in text


@pytest.mark.long
def test_other_peoples_files_are_refused(ada: Person, ben: Person) -> None:
    for more in ({}, {"HADOOP_USER_NAME": "ada"}, {"HADOOP_PROXY_USER": "ada"}):
        code, said = ben.sh("mapred streaming -input /user/ada/secret.txt -output stolen -mapper cat", **more)
        assert code == 1
        assert "in HDFS: it is someone else's." in said, said
        assert "ada's own" not in said
    code, said = ben.sh("mapred streaming -input /user/ada -output stolen -mapper cat")
    assert code == 1
    assert "someone else's" in said
    (ben.running.home / "mine.txt").write_text("mine\n")
    mine = f"file://{ben.running.home}/mine.txt"
    code, said = ben.sh(f"mapred streaming -input {mine} -output /user/ada/from-ben -mapper cat")
    assert code == 1
    assert "someone else's" in said
    assert "from-ben" not in ada.listed()
    peek = ben.running.home / "peek.sh"
    peek.write_text("#!/bin/bash\ncat >/dev/null\nhdfs dfs -cat /user/ada/secret.txt 2>&1\n")
    peek.chmod(0o755)
    code, said = ben.sh(f"mapred streaming -input {mine} -output peeked -mapper peek.sh", HADOOP_USER_NAME="ada")
    assert "ada's own" not in said
    if code == 0:
        assert "ada's own" not in ben.web("GET", "/webhdfs/v1/user/ben/peeked/part-00000?op=OPEN").text


def test_counters_that_a_program_counts_with_are_shown(ada: Person) -> None:
    counts = ada.running.home / "counts.sh"
    counts.write_text("#!/bin/bash\ncat\necho reporter:counter:mine,seen,3 >&2\necho heard >&2\n")
    counts.chmod(0o755)
    code, said = ada.sh("mapred streaming -input in/a.txt -output counters -mapper counts.sh")
    assert code == 0, said
    assert "  mine: seen 3\n" in said
    assert re.search(r"^heard$", said, re.MULTILINE), said


@pytest.fixture(scope="module")
def cara(server: HdfsServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Person]:
    """Somebody whose session has a YARN of its own."""
    person = Person(server, tmp_path_factory.mktemp("yarn"), "cara", mode="yarn")
    person.put("in/a.txt", ("\n".join(LINES) + "\n").encode())
    yield person
    assert person.running.process is not None
    person.running.process.terminate()
    person.running.process.wait(60)
    commands = [" ".join(process.info["cmdline"] or ()) for process in psutil.process_iter(["cmdline"])]
    assert not [command for command in commands if f"{person.work}/yarn" in command], "it ends with its session"


@pytest.mark.long
def test_a_yarn_of_the_sessions_own_counts_the_same_and_nobody_else_reaches_it(cara: Person, ben: Person) -> None:
    code, said = cara.inside("mapred streaming -input in -output counted -mapper map.R -reducer reduce.R")
    assert code == 0, said
    assert "\nStarting YARN, which takes some ten seconds the first time\n" in said
    assert cara.counted("counted") == TRUE
    state = json.loads((cara.running.run / "mapreduce/yarn.json").read_text())
    assert len(state["servers"]) == 2
    opened = f"/proc/{state['servers'][0]}/net/tcp"
    listening = {
        int(line.split()[1].partition(":")[2], 16) for line in Path(opened).read_text().splitlines()[1:] if " 0A " in line
    }
    listening |= {
        int(line.split()[1].partition(":")[2], 16) for line in Path(f"{opened}6").read_text().splitlines()[1:] if " 0A " in line
    }
    assert {8032, 8088, 8042, 13562} <= listening  # and each of them there alone
    for port in sorted(listening):
        _, said = ben.sh(f"exec 3<>/dev/tcp/127.0.0.1/{port} && echo reached")
        assert "reached" not in said or port_is_of_another(port, state["servers"]), port
    if os.geteuid() == 0:
        words = ["nsenter", "--target", str(state["pid"]), "--user", "--net", "true"]
        entered = subprocess.run(words, user=65534, group=65534, extra_groups=[], capture_output=True, text=True, check=False)
        assert entered.returncode != 0, "another person may not go in"
    code, said = cara.sh("mapred streaming -input in -output failed -mapper fails.py")
    assert code == 1
    assert "The map 1 ended with the code 1. It said last:\n  row 1 has no date: the fox\n" in said
    job = cara.start("mapred streaming -input in -output ended -mapper sleeps.sh")
    cara.until(lambda: sleeper(cara), "the map runs")
    job.kill()
    job.wait(WAIT)
    cara.until(lambda: not job_processes(cara), "all of the job has ended")


def port_is_of_another(port: int, servers: list[int]) -> bool:
    """Return whether something of the machine itself listens on a port that servers have in their own network."""
    return not {each.pid for each in psutil.net_connections("tcp") if each.laddr.port == port} & set(servers)
