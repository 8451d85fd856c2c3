"""R's browser at a kernel of JupyterLab: it asks who executes, where somebody can answer, and holds up no sleep and no end."""

import asyncio
import json
from collections.abc import Callable

import pytest
from session.tests.running import WAIT, Json, Kernel, Running, interface, until

Start = Callable[..., Running]
BROWSES = "f <- function() { y <- 41; browser(); y }; f()"


async def lab(start: Start, generation: int = 1) -> Running:
    running = start(interface=interface("jupyterlab"), generation=generation, resume=generation > 1)
    await running.until_state("ready")
    return running


async def hear(kernel: Kernel, message: str, kind: str) -> Json:
    """Wait for a message that answers another, and give its content."""
    while True:
        heard = json.loads(await asyncio.wait_for(kernel.socket.recv(), WAIT))
        if heard["parent_header"].get("msg_id") == message and heard["msg_type"] == kind:
            content: Json = heard["content"]
            return content


async def shown(kernel: Kernel, message: str, text: str) -> None:
    """Wait until a message has shown a text."""
    printed = ""
    while text not in printed:
        printed += (await hear(kernel, message, "stream"))["text"]


async def asks_again(kernel: Kernel, message: str, text: str) -> str:
    """Wait until a message has shown a text and asks, and give its prompt: these come on two channels, in either order."""
    printed, prompt = "", ""
    while not (prompt and text in printed):
        heard = json.loads(await asyncio.wait_for(kernel.socket.recv(), WAIT))
        if heard["parent_header"].get("msg_id") == message:
            printed += heard["content"]["text"] if heard["msg_type"] == "stream" else ""
            prompt = heard["content"]["prompt"] if heard["msg_type"] == "input_request" else prompt
    return prompt


async def ended(kernel: Kernel, message: str) -> str:
    """Wait until nothing more comes of a message, and give its status: what is sent before may be aborted with it."""
    status, idle = "", False
    while not (status and idle):
        heard = json.loads(await asyncio.wait_for(kernel.socket.recv(), WAIT))
        if heard["parent_header"].get("msg_id") == message:
            status = heard["content"]["status"] if heard["msg_type"] == "execute_reply" else status
            idle = idle or heard["content"].get("execution_state") == "idle"
    return status


async def asked(kernel: Kernel, code: str) -> tuple[str, str]:
    """Run code until it asks, and give its message and its prompt."""
    await kernel.shown("1")  # by then the kernel knows who is to be asked
    message = await kernel.begin(code, may_ask=True)
    return message, (await hear(kernel, message, "input_request"))["prompt"]


async def answer(kernel: Kernel, line: str) -> None:
    await kernel.send("input_reply", {"value": line}, channel="stdin")


async def test_it_asks_with_rs_prompt_and_goes_on_with_what_is_typed(start: Start) -> None:
    running = await lab(start)
    async with running.kernel(await running.new_kernel("ir")) as kernel:
        message, prompt = await asked(kernel, BROWSES)
        assert prompt == "Browse[1]> "
        await until(lambda: running.status()["busy_with"] == [], "who waits for input does not compute")
        await answer(kernel, "y <- y + 1; cat('now', y, '\\n')")
        await asks_again(kernel, message, "now 42 \n")
        await answer(kernel, "c")
        assert await kernel.result_of(message) == "[1] 42"


async def test_a_line_may_be_longer_than_rs_buffer(start: Start) -> None:
    running = await lab(start)
    async with running.kernel(await running.new_kernel("ir")) as kernel:
        message, _ = await asked(kernel, BROWSES)
        await answer(kernel, f"y <- '{'aä' * 5000}'; cat(nchar(y), '\\n')")
        await asks_again(kernel, message, "10000 \n")
        await answer(kernel, "y <- 1\ncat('second line\\n')")
        await asks_again(kernel, message, "second line\n")
        await answer(kernel, "c")
        assert await kernel.result_of(message) == "[1] 1"


@pytest.mark.long
@pytest.mark.parametrize("letter", ["ä", "漢", "😀"])
async def test_a_long_line_is_cut_between_letters(start: Start, letter: str) -> None:
    running = await lab(start)
    async with running.kernel(await running.new_kernel("ir")) as kernel:
        message, _ = await asked(kernel, BROWSES)
        for before in range(5):
            for letters in (1400, 4000):
                await answer(kernel, f"y <- '{'a' * before}{letter * letters}'; cat(nchar(y), '\\n')")
                await asks_again(kernel, message, f"{before + letters} \n")
        await answer(kernel, "c")
        assert await ended(kernel, message) == "ok"


ASKS_ONCE_SOMETHING_WAS_ANSWERED = """
executor <- environment(get("getPass", "jupyter:irkernel"))$.self
pbdZMQ::zmq.poll(c(environment(executor$handle_stdin)$kernel$sockets$stdin), 1L)
x <- readline("Who? ")
x
"""


async def test_an_answer_that_comes_late_is_none_to_the_next_question(start: Start) -> None:
    running = await lab(start)
    async with running.kernel(await running.new_kernel("ir")) as kernel:
        await kernel.shown("1")
        await answer(kernel, "late")
        message, _ = await asked(kernel, ASKS_ONCE_SOMETHING_WAS_ANSWERED)
        await answer(kernel, "now")
        assert await kernel.result_of(message) == '[1] "now"'


async def test_the_end_of_input_is_an_empty_line_to_the_browser(start: Start) -> None:
    """As R has it. Others tell it by a character of its own, as of Control-D."""
    running = await lab(start)
    async with running.kernel(await running.new_kernel("ir")) as kernel:
        message, _ = await asked(kernel, BROWSES)
        await answer(kernel, "\x04")
        assert await asks_again(kernel, message, "debug at #1: y\n") == "Browse[2]> "
        await answer(kernel, "\x04")
        assert await kernel.result_of(message) == "[1] 41"


@pytest.mark.long
@pytest.mark.parametrize(
    ("code", "shown"),
    [
        (BROWSES, "[1] 41"),
        ("interactive()", "[1] FALSE"),
        ("x <- readline('Who? '); x", 'Who? \n[1] ""'),
        ("h <- function() 7; debugonce(h); invisible(h()); 'on'", '[1] "on"'),
        ("getPass <- get('getPass', 'jupyter:irkernel'); try(getPass('Secret: '), silent = TRUE); 'on'", '[1] "on"'),
    ],
)
async def test_where_nobody_can_answer_nothing_waits(start: Start, code: str, shown: str) -> None:
    running = await lab(start)
    async with running.kernel(await running.new_kernel("ir")) as kernel:
        assert (await kernel.shown(code)).endswith(shown)
        assert await kernel.result_of(await kernel.begin("browser(); readline()", silent=True)) == ""
        assert await kernel.shown("6 * 7") == "[1] 42"


async def test_an_interrupt_at_its_prompt_ends_the_cell_alone(start: Start) -> None:
    running = await lab(start)
    kernel_id = await running.new_kernel("ir")
    async with running.kernel(kernel_id) as kernel:
        message, _ = await asked(kernel, f"{BROWSES}; cat('never')")
        await running.post(f"api/kernels/{kernel_id}/interrupt")
        assert await ended(kernel, message) == "abort"
        assert await kernel.shown("y <- 1; sys.calls()") == "NULL"
        assert await kernel.shown("6 * 7") == "[1] 42"


ASKS_ONCE_IT_WAS_TOLD_SOMETHING = f"""
executor <- environment(get("getPass", "jupyter:irkernel"))$.self
pbdZMQ::zmq.poll(c(environment(executor$handle_stdin)$kernel$sockets$control), 1L)
{BROWSES}
"""


@pytest.mark.parametrize("kind", ["kernel_info_request", "debug_request"])
async def test_what_is_no_interrupt_and_no_end_leaves_the_question(start: Start, kind: str) -> None:
    """Jupyter's server asks each kernel who it is when a browser connects, and that may come late."""
    running = await lab(start)
    async with running.kernel(await running.new_kernel("ir")) as kernel:
        await kernel.shown("1")
        message = await kernel.begin(ASKS_ONCE_IT_WAS_TOLD_SOMETHING, may_ask=True)
        for _ in range(2):
            await kernel.send(kind, {}, channel="control")
        await hear(kernel, message, "input_request")
        await answer(kernel, "cat('goes on\\n')")
        await asks_again(kernel, message, "goes on\n")
        await answer(kernel, "c")
        assert await kernel.result_of(message) == "[1] 41"


INTERRUPTED_BEFORE_IT_WAITS = """
zmq <- asNamespace("pbdZMQ")
poll <- zmq$zmq.poll
unlocked <- base::unlockBinding
unlocked("zmq.poll", zmq)
assign("zmq.poll", function(sockets, ...) {
  if (length(sockets) == 2L) {
    assign("zmq.poll", poll, zmq)
    tools::pskill(Sys.getpid(), 2)
  }
  poll(sockets, ...)
}, zmq)
readline("Who? ")
"""


async def test_an_interrupt_just_before_it_waits_is_seen(start: Start) -> None:
    running = await lab(start)
    async with running.kernel(await running.new_kernel("ir")) as kernel:
        message, _ = await asked(kernel, INTERRUPTED_BEFORE_IT_WAITS)
        assert await ended(kernel, message) == "abort"
        assert await kernel.shown("6 * 7") == "[1] 42"


@pytest.mark.parametrize("code", ["repeat {}", "Sys.sleep(3000)"])
async def test_an_interrupt_of_what_was_typed_goes_back_to_the_browser(start: Start, code: str) -> None:
    running = await lab(start)
    kernel_id = await running.new_kernel("ir")
    async with running.kernel(kernel_id) as kernel:
        message, _ = await asked(kernel, BROWSES)
        for _ in range(3):
            await answer(kernel, f"cat('runs\\n'); {code}")
            await shown(kernel, message, "runs\n")
            await running.post(f"api/kernels/{kernel_id}/interrupt")
            assert (await hear(kernel, message, "input_request"))["prompt"] == "Browse[1]> "
        await answer(kernel, "c")
        assert await ended(kernel, message) == "ok"


@pytest.mark.long
@pytest.mark.parametrize(
    "code",
    [
        BROWSES,
        "options(error = recover); stop('deep')",
        "x <- readline('Who? ')",
        "menu(c('a', 'b'))",
        "repeat tryCatch(readline('Who? '), interrupt = function(condition) 'caught')",
    ],
)
async def test_a_sleep_saves_what_waits_at_a_prompt(start: Start, code: str) -> None:
    running = await lab(start)
    kernel_id = await running.new_kernel("ir")
    async with running.kernel(kernel_id) as kernel:
        await kernel.shown("kept <- 42; g <- function() stop('deep')")
        await asked(kernel, code.replace("stop('deep')", "g()"))
    assert await running.suspend() == 0
    running = await lab(start, 2)
    async with running.kernel(kernel_id) as kernel:
        assert await kernel.shown("kept") == "[1] 42"


@pytest.mark.parametrize(
    "code",
    [
        BROWSES,
        "tryCatch(readline('Who? '), interrupt = function(condition) 'caught')",
        "for (i in 1:3) tryCatch(readline('Who? '), interrupt = function(condition) 'caught')",
        # Jupyter's server interrupts, and then tells it to end: that is the second.
        "for (i in 1:2) tryCatch(get('getPass', 'jupyter:irkernel')('Who? '), interrupt = function(condition) 'caught')",
    ],
)
async def test_a_kernel_that_waits_at_a_prompt_ends_when_it_is_told_to(start: Start, code: str) -> None:
    running = await lab(start)
    kernel_id = await running.new_kernel("ir")
    async with running.kernel(kernel_id) as kernel:
        await kernel.shown("reg.finalizer(globalenv(), function(e) writeLines('by itself', '~/ended'), onexit = TRUE)")
        await asked(kernel, code)
        assert (await running.http.delete(running.url(f"api/kernels/{kernel_id}"))).status_code == 204
    assert (running.home / "ended").read_text() == "by itself\n"


@pytest.mark.long
async def test_what_it_keeps_is_rs_while_rs_contexts_are_out_of_sight(start: Start) -> None:
    """Garbage is collected at each allocation: what only the kernel's own calls refer to must stay."""
    running = await lab(start)
    async with running.kernel(await running.new_kernel("ir")) as kernel:
        code = "x <- lapply(1:20, function(i) { on.exit(NULL); as.list(seq_len(i)) }); plot(1)"
        assert "[1] 20" in await kernel.shown(f"gctorture2(50); {code}; gctorture2(0); length(x)")
        message, _ = await asked(kernel, f"gctorture2(50); {BROWSES}; invisible(gctorture2(0))")
        await answer(kernel, "stop('typed')")
        assert (await hear(kernel, message, "input_request"))["prompt"] == "Browse[1]> "
        await answer(kernel, "c")
        assert await kernel.result_of(message) == "[1] 41"
        assert await kernel.shown("try(stop('x'), silent = TRUE); sum(unlist(x))") == "[1] 1540"


async def test_a_forked_process_has_a_console_of_its_own(start: Start) -> None:
    running = await lab(start)
    async with running.kernel(await running.new_kernel("ir")) as kernel:
        code = "r <- parallel::mclapply(1:4, function(i) { print(i); message(i); browser(); i }, mc.cores = 2); sum(unlist(r))"
        message = await kernel.begin(code, may_ask=True)
        assert (await kernel.result_of(message)).endswith("[1] 10")
