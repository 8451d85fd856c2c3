"""What works at R's prompt in a terminal works in a console, with the same output: one table, each case against real R.

A case is what is typed: code, then what answers its questions. Where a terminal differs by what it is, `same` says so.
"""

import os
import re
from collections.abc import Iterator

import pexpect
import pytest
from session.tests.running import R_LIBRARY

from rspark_session.rc2 import protocol
from rspark_session.rc2.client import Client

pytestmark = pytest.mark.asyncio(loop_scope="module")

PROMPT = "@@prompt@@"
CASES: list[tuple[str, ...]] = [
    # autoprint
    ("1:3",),
    ("c(a = 1, b = 2)",),
    ("data.frame(x = 1:2, y = c('a', 'b'))",),
    ("matrix(c('a', 'b', 'c', 'd'), 2)",),
    ("list(1, b = 'x')",),
    ("factor(c('u', 'v'))",),
    ("NULL",),
    ("structure(1, class = 'foo')",),
    ("lm(mpg ~ wt, mtcars)",),
    ("mtcars",),
    ("print(1); 2",),
    # invisible
    ("invisible(5)",),
    ("x <- 5",),
    ("(x <- 5)",),
    ("quiet <- function() invisible(7); quiet()",),
    # .Last.value
    ("41 + 1; .Last.value",),
    # warnings: after the value, and remembered
    ("warning('careful')",),
    ("f <- function() warning('inside'); f()",),
    ("as.integer('x')",),
    ("{ warning('one'); cat('after\\n') }",),
    ("warning(strrep('long ', 20)); f <- function() warning(strrep('long ', 20)); f()",),
    ("for (i in 1:3) warning('many ', i)",),
    ("for (i in 1:20) warning('many ', i)",),
    ("for (i in 1:60) warning('many ', i)",),
    ("for (i in 1:3) warning('many ', i)",),
    ("warnings()",),
    ("options(warn = 1); warning('now'); f(); options(warn = 0)",),
    ("suppressWarnings(warning('never'))",),
    ("withCallingHandlers(warning('w'), warning = function(w) { cat('seen\\n'); invokeRestart('muffleWarning') })",),
    # errors, and traceback()
    ("stop('bad')",),
    ("f <- function() g(); g <- function() stop('deep'); f()",),
    ("traceback()",),
    ("log(-1:1) + 'a'",),
    ("unknown",),
    ("f <- function(a) stop(strrep('long ', 20)); f()",),
    ("tryCatch(stop('x'), error = function(e) cat('caught', conditionMessage(e), '\\n'))",),
    ("try(stop('x'), silent = TRUE); cat('on\\n')",),
    ("stopifnot('must be so' = FALSE)",),
    # messages, and output in its order
    ("message('hello')",),
    ("cat('no newline')",),
    ("cat('a\\n'); message('b'); cat('c\\n')",),
    # progress that rewrites its line
    ("bar <- txtProgressBar(0, 3, style = 3); for (i in 1:3) setTxtProgressBar(bar, i); close(bar)",),
    ("for (i in 1:3) cat('\\rstep', i); cat('\\n')",),
    # colours
    ("cat('\\033[31mred\\033[0m\\n')",),
    # questions
    ("x <- readline('Who? '); x", "Ann"),
    ("cat('First.\\n'); x <- readline('Who? ')", "Bob"),
    ("menu(c('a', 'b'), title = 'Pick')", "2"),
    ("menu(c('a', 'b'))", "9", "0"),
    ("scan(n = 2)", "3 4"),
    ("scan()", "1 2", "3", ""),
    ("x <- scan(what = '', quiet = TRUE); x", "a b", ""),
    ("readLines(n = 2)", "one", "two"),
    ("readLines(stdin(), n = 1)", "typed"),
    # a console that can be asked
    ("interactive()",),
    # nothing of the kernel is among a person's calls
    ("sys.calls()",),
    ("f <- function(x) { x; list(sys.call(), sys.nframe(), parent.frame(), environment(f)) }; f(sys.nframe())",),
    ("f <- function() sys.calls(); g <- function(x) x; g(f())",),
    ("on.exit(cat('out\\n'))",),
    ("return(1)",),
    ("invokeRestart('abort')",),
    # the browser
    ("f <- function() { y <- 3; browser(); y }; f()", "y + 1", "c"),
    ("f()", "where", "help", "y <- 4", "", "ls()", "c"),
    ("f()", "n", "n"),
    ("f()", "f"),
    ("f()", "Q"),
    ("f()", "y +", "2", "invisible(y)", "cat('y is', y, '\\n')", "c"),
    ("f()", "stop('here')", "unknown", "warning('careful')", "message('told')", "y y", "c"),
    ("f()", "stop('first'); 2", "browserText()", "x <- readline('Who? ')", "Ann", "x", "cont"),
    ("f()", "g <- function() { browser(); 5 }; g()", "where", "c", "where", "c"),
    ("g <- function() { f(); cat('never\\n') }; g()", "where", "Q"),
    ("browser()", "1 + 1", "c"),
    # stepping at the top level, which goes on with the next expression until it is told to continue
    ("browser()", "s"),
    ("5",),
    ("identity(data.frame(x = 1))", "n"),
    ("warning('careful'); 6",),
    ("for (i in 1:2) { browser(); x <- i }", "s", "s", "s", "s", "s", "s"),
    ("browser(); x <- 8", "n"),
    ("browser(); x", "c"),
    ("identity(7)",),
    ("tryCatch(f(), error = function(e) cat('caught\\n'), finally = cat('finally\\n'))", "stop('not caught')", "Q"),
    ("f()", "q()", "c"),
    # debug(), and what follows it
    ("h <- function(a) { a <- a + 1; a }; debugonce(h); h(1)", "a", "n", "n", "n"),
    ("debug(h); h(1)", "n", "where", "c"),
    ("undebug(h); h(1)",),
    ("k <- function(a) { b <- h(a); b * 2 }; debugonce(k); k(1)", "n", "s", "s", "where", "f", "n"),
    ("k <- function() { for (i in 1:3) cat(i, '\\n'); 7 }; debugonce(k); k()", "n", "n", "n", "f", "c"),
    ("trace(h, browser, print = FALSE); h(2)", "a", "c"),
    ("trace('h', quote(cat('traced\\n')), print = FALSE); h(2); untrace('h')",),
    # options(error = )
    ("options(error = recover); f <- function() { k <- 9; stop('deep') }; f()", "1", "k", "c", "0"),
    ("f()", "0"),
    ("g <- function(x) f(); g(1)", "2", "ls()", "c", "1", "x", "c", "0"),
    ("log(-1) + 'a'",),
    ("options(error = function() cat('an error, at', sys.nframe(), '\\n')); f()",),
    ("options(error = quote(cat('quoted\\n'))); f()",),
    ("options(error = dump.frames); f()",),
    ("names(last.dump); debugger()", "1", "k", "c", "0"),
    ("options(error = NULL); f()",),
    ("traceback()",),
    ("try(f())",),
    ("try(log('a')); geterrmessage()",),
    ("options(warn = 2); as.integer('x'); options(warn = 0)",),
    ("options(warn = 0)",),
    ("withCallingHandlers(f(), error = function(e) cat('seen:', conditionMessage(e), '\\n'))",),
    ("signalCondition(simpleError('only signalled')); cat('on\\n')",),
    ("cat('to stderr\\n', file = stderr())",),
    ("sink(tempfile()); print(1); sink(); print(2)",),
    ("capture.output(f2 <- 3, print(f2))",),
    ("invisible(addTaskCallback(function(...) { cat('called back\\n'); FALSE })); 5",),
    ("f <- function(n) f(n + 1); options(expressions = 500); f(1); options(expressions = 5000)",),
]


@pytest.fixture(scope="module")
def terminal() -> Iterator[pexpect.spawn]:
    """R in a terminal."""
    environ = {**os.environ, "R_LIBS": str(R_LIBRARY), "TERM": "xterm", "COLUMNS": "80", "R_PROFILE_USER": "/dev/null"}
    command = ["--no-save", "--no-restore", "--quiet", "--no-readline"]
    terminal = pexpect.spawn("R", command, encoding="utf-8", echo=False, timeout=60, env=environ, dimensions=(40, 80))
    terminal.expect_exact("> ")
    terminal.sendline(f"options(prompt = '{PROMPT}')")
    terminal.expect_exact(PROMPT)
    yield terminal
    terminal.close(force=True)


def in_terminal(terminal: pexpect.spawn, case: tuple[str, ...]) -> str:
    terminal.send("".join(f"{line}\n" for line in case))  # what is typed ahead waits until it is asked for
    terminal.expect_exact(PROMPT)
    shown: str = terminal.before or ""
    return shown


async def in_console(client: Client, console: str, case: tuple[str, ...]) -> str:
    code, *answers = case
    execution = await client.begin(console, code)
    for count, answer in enumerate(answers, start=1):

        def asked(count: int = count) -> bool:
            return sum(isinstance(event, protocol.InputRequest) for event in client.of(execution)) >= count or bool(
                client.event(protocol.ExecutionFinished, execution)
            )

        await client.until(asked)
        if client.event(protocol.ExecutionFinished, execution):
            break
        await client.send(protocol.InputReply(console=console, value=answer))
    await client.finished(execution)
    shown = []
    for event in client.of(execution):
        match event:
            case protocol.Stream():
                shown.append(event.text)
            case protocol.Display():
                shown.append(f"{event.data['text/plain']}\n")
            case protocol.Error():
                shown.append(event.message)
            case protocol.InputRequest():
                shown.append(event.prompt)
    return "".join(shown)


def same(text: str) -> str:
    """Text without what a terminal adds: returns before line feeds, and where code stood that was typed."""
    text = text.replace("\r\n", "\n")
    return re.sub(r" at #\d+$", "", text, flags=re.MULTILINE).rstrip("\n")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[0][:60])
async def test_a_console_is_rs_own(client: Client, terminal: pexpect.spawn, case: tuple[str, ...]) -> None:
    console = await client.start("ir")
    assert same(await in_console(client, console, case)) == same(in_terminal(terminal, case))
