"""Full-text search over the help that is installed, as the real R and Python have it."""

import asyncio
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import pytest
from session.tests.rc2.conftest import restart
from session.tests.running import WAIT, Running, command_of, members, until

from rspark_session.rc2 import protocol
from rspark_session.rc2.client import Client

pytestmark = pytest.mark.asyncio(loop_scope="module")

#: Has R find two packages and what the test installs: the first search reads no more than that.
FEW_PACKAGES = ("base", "splines")
FEW = f"""own <- path.expand('~/own-library')
dir.create(own, showWarnings = FALSE)
for (package in c{FEW_PACKAGES}) try(file.symlink(file.path(.Library, package), own), silent = TRUE)
assign('.lib.loc', own, envir = environment(.libPaths))
"""


async def ask(running: Running, console: str, **request: object) -> dict[str, Any]:
    answer = await running.post(f"rc2/api/consoles/{console}/help", json=request)
    assert answer.status_code == 200, answer.text
    return answer.json()  # type: ignore[no-any-return]


async def searched(running: Running, console: str, text: str) -> list[dict[str, Any]]:
    """Return what is found once all that is installed has been read."""
    async with asyncio.timeout(WAIT):
        while (found := await ask(running, console, search=text))["indexing"] is not None:
            assert 0 <= found["indexing"]["done"] <= max(found["indexing"]["total"], found["indexing"]["done"])
            await asyncio.sleep(0.2)
    assert found["note"] is None
    return found["matches"]  # type: ignore[no-any-return]


@pytest.mark.long
async def test_words_in_the_text_of_a_topic_find_it(running: Running, client: Client) -> None:
    r = await client.start("ir")
    await client.run(r, FEW)
    first = await ask(running, r, search="fraction of observations trimmed")
    assert first["indexing"] is not None  # and the search itself has waited for nothing
    matches = await searched(running, r, "fraction of observations trimmed")
    assert [(match["topic"], match["package"]) for match in matches[:1]] == [("mean", "base")]
    assert {"fraction", "observations", "trimmed"} <= {part["text"] for part in matches[0]["excerpt"] if part["found"]}
    for text, topic in {
        "arithmetic meen": "mean",
        "interpSpline": "interpSpline",
        "[[": "Extract",
        "cubic spline": "interpSpline",
    }.items():
        assert topic in {match["topic"] for match in await searched(running, r, text)}
    for text in ("mean(", "x[", "[[:]]", "\\", "*", "\\\\EE("):
        await searched(running, r, text)
    assert await searched(running, r, "[^]nosuchtopic[$]|$") == []
    # What is found opens: also a topic that has another name than its page.
    page = await ask(running, r, topic=matches[0]["topic"], package=matches[0]["package"])
    assert "trim" in page["html"]
    # A topic's name leads to its page, other words to a search.
    assert "mean" in {match["topic"] for match in (await ask(running, r, topic="arithmetic mean"))["matches"]}
    nothing = await running.post(f"rc2/api/consoles/{r}/help", json={"topic": "nosuchtopic["})
    assert (nothing.status_code, "no help on nosuchtopic[" in nothing.json()["title"]) == (404, True)


@pytest.mark.long
async def test_every_page_that_is_found_opens(running: Running, client: Client) -> None:
    r = await client.start("ir")
    await client.run(r, FEW)
    for text in ("regression", "spline", "matrix"):
        for match in await searched(running, r, text):
            kind = "vignette" if match["vignette"] else "topic"
            page = await ask(running, r, **{kind: match["topic"], "package": match["package"]})
            assert page["html"] or page["matches"] or page["vignette"], match


async def test_a_package_that_is_installed_is_found_and_one_that_is_removed_is_not(running: Running, client: Client) -> None:
    r = await client.start("ir")
    await client.run(r, FEW)
    assert "rspark" not in {match["package"] for match in await searched(running, r, "hdfs_read_lines")}
    execution = await client.begin(r, "cat(getNamespaceInfo('rspark', 'path'))")
    await client.finished(execution)
    installed = running.home / "own-library" / "rspark"
    shutil.copytree(Path(client.text(execution)), installed)
    matches = await searched(running, r, "hdfs_read_lines")
    assert ("rspark", True) in {(match["package"], match["vignette"]) for match in matches}
    shutil.rmtree(installed)
    assert "rspark" not in {match["package"] for match in await searched(running, r, "hdfs_read_lines")}


async def test_words_are_found_while_r_computes_and_in_the_next_session(running: Running, client: Client) -> None:
    r = await client.start("ir")
    await client.run(r, FEW)
    await searched(running, r, "mean")
    execution = await client.begin(r, "cat('begun\\n'); flush.console(); Sys.sleep(600)")
    await client.until(lambda: "begun" in client.text(execution))
    assert await searched(running, r, "fraction trimmed")
    await client.send(protocol.Interrupt(console=r))
    assert (await client.finished(execution)).status == "interrupted"
    assert (running.home / ".cache/rspark/rc2-help.sqlite").stat().st_size > 2**16


@pytest.mark.long
async def test_docstrings_of_python_are_found_by_words(running: Running, client: Client) -> None:
    python = await client.start("python3")
    await client.run(python, "import sys; sys.path[:] = [path for path in sys.path if not path.endswith('-packages')]")
    matches = await searched(running, python, "serialize object JSON formatted stream")
    assert "json.dump" in {match["topic"] for match in matches[:3]}
    assert "Serialize" in (await ask(running, python, topic="json.dump"))["text"]
    for text, topic in {"comb": "math.comb", "arithmetic mean": "statistics.mean", "str.join": "str.join"}.items():
        assert topic in {match["topic"] for match in await searched(running, python, text)}
    nothing = await running.post(f"rc2/api/consoles/{python}/help", json={"topic": "zzyzxq"})
    assert nothing.status_code == 404


@pytest.mark.long
async def test_reading_help_keeps_no_session_awake_and_ends_with_it(running: Running, client: Client) -> None:
    def readers() -> list[psutil.Process]:
        return [process for process in members(running.name) if "read_help" in " ".join(command_of(process))]

    r = await client.start("ir")
    await restart(client, r)  # it is the console of the tests before, and they had it find few packages
    await client.run(r, "1")
    began = datetime.now(UTC)
    async with asyncio.timeout(WAIT):
        while not (indexing := (await ask(running, r, search="mean"))["indexing"]) or indexing["total"] <= len(FEW_PACKAGES):
            await asyncio.sleep(0.2)  # until R has told its libraries, and all that is there has been counted
    (reader,) = await until(readers, "what reads help")
    assert reader.nice() == 10
    await until(lambda: _moment(running.status()["last_activity"]) >= began, "the search was a person's doing")
    await until(lambda: running.status()["busy_with"] == [], "nothing computes for a person")
    polled = datetime.now(UTC)
    for _ in range(4):
        assert (await ask(running, r, search="mean", again=True))["indexing"] is not None
        await asyncio.sleep(0.5)  # one that was reported would be by now
    assert _moment(running.status()["last_activity"]) < polled
    assert (running.status()["busy_with"], readers()) == ([], [reader])
    assert await running.suspend() == 0
    await until(lambda: members(running.name) == [], "the end of what reads help")


def _moment(told: str) -> datetime:
    return datetime.fromisoformat(told)
