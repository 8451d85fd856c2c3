"""What R prints: sent while the code runs, in its order, in a time that grows with its length and not with its square."""

import time
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import pytest

from .conftest import Kernel, kernels
from .test_r_workspace import COMMAND, library  # noqa: F401  (a fixture)

_STREAMED = [*COMMAND[:2], "-e", "rspark:::stream_output()", *COMMAND[2:]]


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory, library: Path) -> Iterator[Kernel]:  # noqa: F811
    with kernels(tmp_path_factory.mktemp("output")) as start:
        yield start(_STREAMED, environ={"R_LIBS": str(library), "R_PROFILE_USER": "/dev/null"})


def _streams(kernel: Kernel, code: str) -> list[tuple[str, str]]:
    """The texts of each kind, joined where they follow each other."""
    shown = [message["content"] for message in kernel.shown(code) if message["msg_type"] == "stream"]
    return [
        (name, "".join(content["text"] for content in contents))
        for name, contents in groupby(shown, key=lambda content: str(content["name"]))
    ]


def test_output_errors_and_plots_stay_in_their_order(kernel: Kernel) -> None:
    assert _streams(kernel, "cat('a'); message('m'); cat('b\\n'); message('n'); message('o'); cat('end')") == [
        ("stdout", "a"),
        ("stderr", "m\n"),
        ("stdout", "b\n"),
        ("stderr", "n\no\n"),
        ("stdout", "end"),
    ]
    kinds = [message["msg_type"] for message in kernel.shown("print('before'); plot(1:3); print('after'); plot(3:1)")]
    assert sorted(kinds) == ["display_data", "display_data", "stream", "stream"]
    assert kinds[0] == "stream"
    assert kinds[-1] == "display_data"


@pytest.mark.parametrize(
    ("code", "kind"), [("for (i in 1:20000) print(i)", "stdout"), ("for (i in 1:20000) message(i)", "stderr")]
)
def test_many_lines_take_as_long_as_each_of_them(kernel: Kernel, code: str, kind: str) -> None:
    def seconds(lines: int) -> float:
        began = time.monotonic()
        said = _streams(kernel, code.replace("20000", str(lines)))
        assert {name for name, _ in said} == {kind}
        assert "".join(text for _, text in said).count("\n") == lines
        return time.monotonic() - began

    few, many = min(seconds(5000), seconds(5000)), seconds(20000)
    assert many < 10 * few  # the square would be 16 times


def test_lines_come_while_the_code_runs(kernel: Kernel) -> None:
    came: list[float] = []
    began = time.monotonic()
    kernel.client.execute_interactive(
        "for (i in 1:5) { print(i); Sys.sleep(0.4) }",
        timeout=60,
        allow_stdin=False,
        output_hook=lambda message: came.append(time.monotonic()) if message["msg_type"] == "stream" else None,
    )
    assert len(came) >= 4
    assert came[0] - began < time.monotonic() - came[0]


def test_what_catches_output_by_itself_is_left_alone(kernel: Kernel) -> None:
    assert kernel.run("x <- capture.output(for (i in 1:1000) print(i)); cat(length(x), sink.number())") == "1000 0"
    assert kernel.run("invisible(capture.output({ print(1); message('inside') })); cat('after')") == "inside\nafter"
    assert kernel.run("cat(nrow(showConnections()) < 4)") == "TRUE"
