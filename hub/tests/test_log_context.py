"""What a log line says of the request, the user and the session that it is about."""

import asyncio
import json
import logging
from collections.abc import Iterator

import pytest

from rsparkhub import log_context

log = logging.getLogger("rsparkhub.test")


@pytest.fixture(autouse=True)
def logging_of_tests() -> Iterator[None]:
    """Put the logging of the tests back afterwards."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = before


def test_a_line_names_what_is_bound_and_only_inside(capsys: pytest.CaptureFixture[str]) -> None:
    log_context.configure(level="info", form="text")
    with log_context.bound(request="r1", user="bob"):
        with log_context.bound(session="abc"):
            log.info("Starts.")
        log.info("Goes on.")
    log.info("Rests.")
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition("rsparkhub.test: ")[2] for line in lines] == [
        "Starts. [request=r1 user=bob session=abc]",
        "Goes on. [request=r1 user=bob]",
        "Rests.",
    ]


def test_json_has_the_fields_apart(capsys: pytest.CaptureFixture[str]) -> None:
    log_context.configure(level="info", form="json")
    with log_context.bound(session="abc"):
        log.warning("It’s %s.", "late")
    line = json.loads(capsys.readouterr().err)
    assert (line["level"], line["logger"], line["message"]) == ("WARNING", "rsparkhub.test", "It’s late.")
    assert (line["session"], line["user"], line["request"]) == ("abc", None, None)


def test_what_a_stranger_names_obeys_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    log_context.configure(level="info", form="text")
    with log_context.bound(user="\x1b[2Jbob\n2026 INFO forged" + "x" * 200):
        log.info("Here.")
    [line] = capsys.readouterr().err.splitlines()
    assert "\x1b" not in line
    assert len(line) < 200


async def test_what_one_task_binds_is_not_anothers() -> None:
    async def bind(name: str) -> str | None:
        log_context.bind(session=name)
        await asyncio.sleep(0)
        return log_context.value_of("session")

    assert await asyncio.gather(bind("a"), bind("b")) == ["a", "b"]
    assert log_context.value_of("session") is None
