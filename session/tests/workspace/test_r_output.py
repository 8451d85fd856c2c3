"""What R prints: sent while the code runs, in its order, in a time that grows with its length and not with its square."""

import queue
import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import groupby
from pathlib import Path
from typing import Any

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


def _ended(kernel: Kernel, code: str) -> tuple[str, list[str]]:
    """Execute, and give how it ended and what the errors say."""
    messages: list[dict[str, Any]] = []
    reply = kernel.client.execute_interactive(code, timeout=60, allow_stdin=False, output_hook=messages.append)
    return reply["content"]["status"], [each["content"]["evalue"] for each in messages if each["msg_type"] == "error"]


_AS_IT_WAS = "cat(length(dev.list()), length(getHook('before.plot.new')), length(getHook('before.grid.newpage')))"


@pytest.mark.parametrize(
    ("option", "value", "says"),
    [
        ("repr.plot.width", "'wide'", 'options(repr.plot.width) is to be a number above 0, and is "wide".'),
        ("repr.plot.height", "-1", "options(repr.plot.height) is to be a number above 0, and is -1."),
        ("repr.plot.width", "c(5, 6)", "options(repr.plot.width) is to be a number above 0, and is c(5, 6)."),
        ("repr.plot.res", "NA", "options(repr.plot.res) is to be a number above 0, and is NA."),
        (
            "repr.plot.width",
            "200000",
            (
                "it would have 20,160 million pixels, and 150 million is the most there may be. Take a smaller "
                "options(repr.plot.width = ) or repr.plot.height (in inches)."
            ),
        ),
        ("jupyter.plot_scale", "list()", "options(jupyter.plot_scale) is to be a number above 0, and is list()."),
        ("jupyter.plot_mimetypes", "'image/bmp'", "options(jupyter.plot_mimetypes) has image/bmp, which is no format of plots."),
    ],
)
@pytest.mark.parametrize("plots", ["plot(1)", "plot(1); plot(2); cat('never')", "library(grid); grid.newpage(); grid.rect()"])
def test_a_plot_that_cannot_be_shown_ends_the_cell_alone(kernel: Kernel, option: str, value: str, says: str, plots: str) -> None:
    try:
        ended = _ended(kernel, f"before <- options({option} = {value}); {plots}")
    finally:
        kernel.run("options(before)")
    assert ended == ("error", [f"Error: The plot is not shown: {says}\n"])
    assert kernel.run(_AS_IT_WAS) == "1 1 1"
    assert [message["msg_type"] for message in kernel.shown("plot(1)")] == ["display_data"]


@pytest.mark.parametrize("device", ["'none of this name'", "function(...) stop('refuses')", "function(...) NULL"])
def test_plots_are_shown_where_the_persons_device_does_not_open(kernel: Kernel, device: str) -> None:
    kernel.run(f"before <- options(device = {device})")
    try:
        assert [message["msg_type"] for message in kernel.shown("plot(1)")] == ["display_data"]
        assert kernel.shown("6 * 7", silent=True) == []
        assert kernel.run(_AS_IT_WAS) == "1 1 1"
    finally:
        kernel.run("options(before)")


@pytest.mark.parametrize("fails", ["closeAllConnections()", "graphics.off()"])
def test_code_that_runs_unseen_runs_once_however_it_ends(kernel: Kernel, fails: str) -> None:
    kernel.run("n <- 0")
    kernel.client.execute_interactive(f"n <- n + 1; {fails}; 1", silent=True, timeout=60, allow_stdin=False)
    assert kernel.run("cat(n)") == "1"
    assert kernel.run(_AS_IT_WAS) == "1 1 1"


def test_a_device_of_the_persons_own_outlives_the_cell(kernel: Kernel) -> None:
    kernel.run("invisible(dev.off()); pdf('own.pdf'); plot(1)")
    assert kernel.run("cat(names(dev.list())[[1]])") == "pdf"
    kernel.run("invisible(dev.off(2))")
    assert kernel.run(_AS_IT_WAS) == "1 1 1"
    assert kernel.run("cat(file.exists('own.pdf'))") == "TRUE"


@pytest.mark.parametrize(
    "code",
    [
        "print.closes <- function(x, ...) graphics.off(); structure(1, class = 'closes')",
        "plot(1); graphics.off(); plot(2)",
        "id <- addTaskCallback(function(...) stop('no')); 1; invisible(removeTaskCallback(id))",
        "setHook('before.plot.new', function(...) { setHook('before.plot.new', NULL, 'replace'); stop('no') }); plot(1)",
        "registerS3method('repr_html', 'odd', function(...) stop(), envir = asNamespace('repr')); structure(1, class = 'odd')",
        "registerS3method('repr_text', 'odd2', function(obj, ...) 5, envir = asNamespace('repr')); structure(1, class = 'odd2')",
        "before <- options(warn = 2); plot(1); options(before)",
        "while (length(dev.list()) < 60) pdf(NULL); plot(1); while (length(dev.list()) < 62) pdf(NULL)",
        "plot(1); graphics.off()",
        "place <- tempdir(); unlink(place, recursive = TRUE); plot(1)",
    ],
)
def test_what_fails_beside_an_expression_leaves_the_kernel_usable(kernel: Kernel, code: str) -> None:
    assert _ended(kernel, code)[0] in ("ok", "error")
    assert kernel.run("cat(6 * 7)") == "42"
    kernel.run("graphics.off(); if (!dir.exists(tempdir())) dir.create(tempdir())")
    assert kernel.run(_AS_IT_WAS) == "1 1 1"


def test_plots_leave_nothing_in_the_temporary_folder(kernel: Kernel) -> None:
    kernel.run("for (i in 1:5) plot(i)")
    assert kernel.run("cat(list.files(tempdir(), 'png|svg|jpg|pdf'))") == ""


@pytest.mark.parametrize(
    ("code", "shows"),
    [
        ("cat('a\\n'); x <- system('echo Größe; echo lost >&2'); cat('b', x)", "a\nGröße\nlost\nb 0"),
        ("x <- system('echo inside; echo beside >&2', intern = TRUE); cat(x)", "beside\ninside"),
        ("x <- system2('sh', c('-c', shQuote('seq 3; exit 4'))); cat(x)", "1\n2\n3\n4"),
        ("x <- parallel::mclapply(1:2, function(i) cat('child\\n'), mc.cores = 2); cat(length(x))", "child\nchild\n2"),
        ("x <- system('echo quiet', ignore.stdout = TRUE); cat(x)", "0"),
        ("x <- rspark:::into_log(system('echo of our own')); cat(x); x <- system('echo theirs')", "0theirs\n"),
        ("x <- system('printf \"a\\\\0b\"'); cat('c')", "abc"),
        ("reticulate::py_run_string('import os; n = os.write(1, b\"python\")'); cat('r')", "pythonr"),
    ],
)
def test_what_programs_and_forked_processes_write_is_shown_in_its_order(kernel: Kernel, code: str, shows: str) -> None:
    assert _streams(kernel, code) == [("stdout", shows)]


def test_programs_that_write_much_are_not_held_up(kernel: Kernel) -> None:
    text = "".join(text for _, text in _streams(kernel, "x <- system('seq 200000'); cat('status', x)"))
    assert text == "".join(f"{n}\n" for n in range(1, 200001)) + "status 0"
    endless = "x <- system('head -c 40000000 /dev/zero | tr \"\\\\0\" y'); cat('status', x)"
    text = "".join(text for _, text in _streams(kernel, endless))
    assert text.endswith("y\n[More was written than is shown.]\nstatus 0")
    assert len(text) < 40_000_000


def test_what_is_written_after_the_cell_is_shown_in_the_next(kernel: Kernel, tmp_path: Path) -> None:
    go, done = tmp_path / "go", tmp_path / "done"
    script = f"(until test -e {go}; do sleep 0.05; done; echo late; touch {done})"
    assert _streams(kernel, f'system("{script}", wait = FALSE); cat("began")') == [("stdout", "began")]
    go.touch()
    assert _streams(kernel, f'while (!file.exists("{done}")) Sys.sleep(0.05); cat("next")') == [("stdout", "late\nnext")]


def test_a_program_that_writes_without_end_can_be_interrupted(kernel: Kernel) -> None:
    execution = kernel.client.execute("cat('begins\\n'); system('yes')", allow_stdin=False)
    while kernel.client.get_iopub_msg(timeout=60)["msg_type"] != "stream":
        pass
    deadline = time.monotonic() + 60
    ended = False
    while not ended:  # an interrupt in the moment in which system() starts the program is nobody's, as in a terminal
        assert time.monotonic() < deadline
        kernel.manager.interrupt_kernel()
        with suppress(queue.Empty):
            ended = kernel.client.get_shell_msg(timeout=1)["parent_header"]["msg_id"] == execution
    while (said := kernel.client.get_iopub_msg(timeout=60))["content"].get("execution_state") != "idle":
        assert said["parent_header"].get("msg_id") in (execution, None)  # until then what is sent is aborted
    assert kernel.run("cat('goes on')").endswith("goes on")
