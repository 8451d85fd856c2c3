"""Jobs in a real session: they run beside consoles, are work, and are told to who comes later, however they ended."""

import signal
import uuid
from collections.abc import Callable

import pytest
from session.tests.rc2.conftest import connected
from session.tests.running import Running, command_of, interface, members, until

from rspark_session.rc2 import protocol
from rspark_session.rc2.client import Client

module_wide = pytest.mark.asyncio(loop_scope="module")
Start = Callable[..., Running]

BAR = """bar <- txtProgressBar(max = 4, style = 3)
for (i in 1:4) { setTxtProgressBar(bar, i); Sys.sleep(0.4) }
close(bar)
1 + 1
"""
WRONG = """f <- function(n) {
  stop("bad ", n)
}
cat("begun\\n")
f(3)
"""
DOCUMENT = """---
title: A report
---

```{r one}
6 * 7
```

```{r two}
plot(1:3)
```
"""


async def begin(client: Client, path: str, form: protocol.RenderFormat | None = None) -> str:
    job = uuid.uuid4().hex
    await client.send(protocol.StartJob(id=job, path=path, format=form))
    await client.until(lambda: of(client, job))
    return job


def of(client: Client, job: str) -> list[protocol.AnyEvent]:
    return [event for event in client.events if getattr(event, "job", None) == job]


def printed(client: Client, job: str) -> str:
    return "".join(event.text for event in of(client, job) if isinstance(event, protocol.JobOutput))


def steps(client: Client, job: str) -> list[protocol.JobProgress]:
    return [event for event in of(client, job) if isinstance(event, protocol.JobProgress)]


async def finished(client: Client, job: str) -> protocol.JobFinished:
    def end() -> protocol.JobFinished | None:
        return next((event for event in of(client, job) if isinstance(event, protocol.JobFinished)), None)

    return await client.until(end)


async def refusal(client: Client, request: protocol.StartJob) -> str:
    before = len(client.notices)
    await client.send(request)

    def refused() -> protocol.Refused | None:
        return next((each for each in client.notices[before:] if isinstance(each, protocol.Refused)), None)

    return (await client.until(refused)).why


@module_wide
async def test_a_script_of_r_says_how_far_it_is(running: Running, client: Client) -> None:
    (running.home / "work").mkdir(exist_ok=True)
    (running.home / "work/bar.R").write_text(BAR)
    job = await begin(client, "work/bar.R")
    end = await finished(client, job)
    assert (end.status, end.code, end.line, end.reason) == ("ok", 0, None, None)
    fractions = [step.fraction for step in steps(client, job)]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert len(fractions) >= 3
    assert printed(client, job).endswith("[1] 2\n"), "a value is shown as at the prompt"


@module_wide
@pytest.mark.parametrize(
    ("name", "text", "line", "shown"),
    [
        ("wrong.R", WRONG, 2, "Error in f(3) : bad 3"),
        ("open.R", 'cat("half a line")\nstop("x")\n', 2, "half a line\nAt open.R"),
        ("half.R", "x <- 1\ny <- (2 +\n)\n", 3, "unexpected ')'"),
        ("wrong.py", "def f():\n    return {}['x']\n\n\nf()\n", 2, "KeyError"),
        ("wrong.sh", "set -e\necho begun\nno-such-command\n", 3, "not found"),
        ("wrong.Rmd", DOCUMENT + "\n```{r three}\nstop('oops')\n```\n", 14, "oops"),
    ],
)
async def test_an_error_leads_to_its_line(running: Running, client: Client, name: str, text: str, line: int, shown: str) -> None:
    (running.home / name).write_text(text)
    job = await begin(client, name, "html" if name.endswith("Rmd") else None)
    end = await finished(client, job)
    assert (end.status, end.result) == ("error", None)
    assert shown in printed(client, job)
    assert end.line is not None
    assert abs(end.line - line) <= (1 if name.endswith("Rmd") else 0)  # knitr counts from the fence or from the code


@module_wide
@pytest.mark.parametrize(("name", "form", "begin_with"), [("a.Rmd", "html", b"<!DOCTYPE html>"), ("b.qmd", "docx", b"PK")])
async def test_a_document_is_rendered_beside_itself(
    running: Running, client: Client, name: str, form: protocol.RenderFormat, begin_with: bytes
) -> None:
    (running.home / "texts").mkdir(exist_ok=True)
    (running.home / "texts" / name).write_text(DOCUMENT)
    job = await begin(client, f"texts/{name}", form)
    end = await finished(client, job)
    assert (end.status, end.result) == ("ok", f"texts/{name[0]}.{form}"), printed(client, job)
    assert (running.home / str(end.result)).read_bytes().lstrip().startswith(begin_with)
    assert {step.step for step in steps(client, job)} & {"one", "two"}, "the chunk that runs is named"


@pytest.mark.long
@module_wide
async def test_a_cancelled_job_leaves_nothing_behind(running: Running, client: Client) -> None:
    (running.home / "long.sh").write_text("trap '' TERM\nsleep 501 &\nsetsid sleep 502 &\necho begun\nsleep 503\nsleep 504\n")
    job = await begin(client, "long.sh")
    await client.until(lambda: "begun" in printed(client, job) or None)
    await until(lambda: running.status()["busy_with"] == ["job long.sh"], "a job is work")

    def sleeping() -> set[str]:
        return {word for each in members(running.name) for word in command_of(each) if word in {"501", "502", "503", "504"}}

    await until(lambda: {"501", "502", "503"} <= sleeping(), "all of it runs")
    await client.send(protocol.CancelJob(job=job))
    assert (await finished(client, job)).status == "cancelled"
    await until(lambda: not sleeping(), "nothing of it is left")
    await until(lambda: running.status()["busy_with"] == [], "and the session rests")


@module_wide
async def test_of_much_output_the_beginning_and_the_end_are_kept(running: Running, client: Client) -> None:
    (running.home / "much.py").write_text("for i in range(4000): print('line', i, 'x' * 1000)\nprint('é', 'last')\n")
    job = await begin(client, "much.py")
    end = await finished(client, job)
    text = printed(client, job)
    assert end.status == "ok"
    assert text.startswith("line 0 xxx")
    assert text.endswith("xxx\né last\n")
    assert end.dropped > 2_500_000
    assert len(text) < 1_500_000


@module_wide
async def test_what_cannot_run_is_refused_in_a_sentence(running: Running, client: Client) -> None:
    (running.home / "data.csv").write_text("a,b\n")
    outside = running.home.parent / "outside.R"
    outside.write_text("1\n")

    async def why(path: str, form: protocol.RenderFormat | None = None) -> str:
        return await refusal(client, protocol.StartJob(id=uuid.uuid4().hex, path=path, format=form))

    assert await why("nothing.R") == "There is no file 'nothing.R' in the home."
    assert await why("../outside.R") == "There is no file '../outside.R' in the home."
    assert await why("data.csv") == "data.csv is no script of R, Python or bash and no notebook, so it can't run as a job."
    sentence = "data.csv is no R Markdown, Quarto or Markdown document and no notebook, so it can't be rendered."
    assert await why("data.csv", "html") == sentence


@module_wide
async def test_a_job_that_is_asked_for_twice_runs_once(running: Running, client: Client) -> None:
    (running.home / "once.sh").write_text("echo ran >> once.txt\n")
    job = await begin(client, "once.sh")
    await client.send(protocol.StartJob(id=job, path="once.sh"))
    await finished(client, job)
    async with connected(running) as later:
        await later.send(protocol.StartJob(id=job, path="once.sh"))
        assert (await finished(later, job)).status == "ok"
        assert printed(later, job) == printed(client, job), "who comes later sees the same"
    assert (running.home / "once.txt").read_text() == "ran\n"


@pytest.mark.long
async def test_a_job_is_never_lost_silently(start: Start) -> None:
    running = start(interface=interface("rc2"))
    await running.until_state("ready")
    (running.home / "long.sh").write_text("echo begun\nsleep 600\n")
    async with connected(running) as first:
        killed = await begin(first, "long.sh")
        await first.until(lambda: "begun" in printed(first, killed) or None)
        servers = [each for each in members(running.name) if "rspark_session.jupyter" in command_of(each)]
        min(servers, key=lambda each: each.create_time()).send_signal(signal.SIGKILL)
    await running.ended()
    running = start(interface=interface("rc2"), generation=2)
    await running.until_state("ready")
    async with connected(running, after=first) as second:
        end = await finished(second, killed)
        assert (end.status, end.reason) == ("lost", "The session ended while this ran. Run it again.")
        asleep = await begin(second, "long.sh")
        await second.until(lambda: "begun" in printed(second, asleep) or None)
        assert second.welcome is not None
        assert second.welcome.jobs == ()
        async with connected(running) as other:
            assert other.welcome is not None
            assert [(job.job, job.title, job.who) for job in other.welcome.jobs] == [(asleep, "long.sh", "ann")]
    assert await running.suspend() == 0
    running = start(interface=interface("rc2"), generation=3, resume=True)
    await running.until_state("ready")
    async with connected(running, after=second) as third:
        end = await finished(third, asleep)
        assert (end.status, end.reason) == ("lost", "The session was put to sleep, or stopped, while this ran. Run it again.")
        assert [event.seq for event in third.events] == [*range(1, len(third.events) + 1)]
