"""Commands in a session by `rsparkhub session exec`: as if they ran here, through an edge and the agent."""

import asyncio
import contextlib
import hashlib
import os
import pty
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable

import pytest
from session.tests.browsing import Edge
from session.tests.running import Running, command_of, interface, members, until

Start = Callable[..., Running]
#: What `rsparkhub session exec` does once it knows where the session is.
EXEC = """
import asyncio, os, sys
from rsparkhub.cli.access import Access
from rsparkhub.cli.shell import STDOUT, run_command
from rsparkhub.cli.streams import prepare_streams
from rsparkhub.domain.errors import RsparkhubError
prepare_streams()
url, path, terminal, stdin, *command = sys.argv[1:]
def write(channel, data):
    while data:
        data = data[os.write(1 if channel == STDOUT else 2, data):]
try:
    access, how = Access(url=url, token="t"), {"terminal": terminal == "t", "stdin": stdin == "i"}
    sys.exit(asyncio.run(run_command(access, path, command, **how, write=write)))
except RsparkhubError as problem:
    print(problem, file=sys.stderr)
    sys.exit(4)
"""


class Session:
    def __init__(self, running: Running, port: int) -> None:
        self.running, self.port = running, port

    def command(self, *words: str, terminal: bool = False, stdin: bool = True) -> list[str]:
        flags = ["t" if terminal else "-", "i" if stdin else "-"]
        return [sys.executable, "-c", EXEC, f"http://localhost:{self.port}", self.running.asked["base_path"], *flags, *words]

    async def run(
        self, *words: str, given: bytes = b"", within: float = 120, **how: bool
    ) -> "subprocess.CompletedProcess[bytes]":
        command = self.command(*words, **how)
        return await asyncio.to_thread(subprocess.run, command, input=given, capture_output=True, check=False, timeout=within)


@pytest.fixture
async def session(start: Start, edge: Edge) -> Session:
    running = start(interface=interface("terminal", kernels=[]))
    edge.lead_to((await running.until_state("ready"))["address"])
    await edge.start()
    return Session(running, edge.port)


@pytest.mark.long
async def test_input_output_errors_and_the_code_are_the_commands_own(session: Session) -> None:
    done = await session.run("sh", "-c", "cat; echo oops >&2; exit 7", given=b"one\ntwo")
    assert (done.stdout, done.stderr, done.returncode) == (b"one\ntwo", b"oops\n", 7)
    done = await session.run("pwd")
    assert done.stdout.decode().strip() == str(session.running.home)
    done = await session.run("printf", "%s|", "a b", "$HOME", "`id`", "'", "ü")
    assert done.stdout.decode() == "a b|$HOME|`id`|'|ü|"
    assert (await session.run("cat", stdin=False)).returncode == 0
    done = await session.run("sh", "-c", "kill -9 $$")
    assert done.returncode == 137
    done = await session.run("no-such-program")
    assert (done.returncode, done.stdout) == (127, b"")
    assert b"no-such-program: There is no such command." in done.stderr
    (session.running.home / "data").write_text("x")
    done = await session.run("./data")
    assert (done.returncode, done.stderr) == (126, b"./data: It can't be run: Permission denied.\n")
    closed = ["sh", "-c", 'exec "$@" <&-', "sh", *session.command("sh", "-c", "cat; exit 200")]
    assert (await asyncio.to_thread(subprocess.run, closed, check=False, timeout=120)).returncode == 200


@pytest.mark.long
@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["a"] * 20_000, b"The command has 20,001 words, and may have 16,384. "),
        (["a", os.fsdecode(b"caf\xe9")], b"The command's word 3 is not UTF-8, and a session takes no other. "),
        (["ab" * 20_000] * 40, b"The command's words have more than 1 MB together, and may have no more. "),
    ],
    ids=["many", "not UTF-8", "long"],
)
async def test_a_command_that_no_session_takes_is_refused_in_a_sentence(
    session: Session, words: list[str], sentence: bytes
) -> None:
    done = await session.run("true", *words)
    assert (done.returncode, done.stdout) == (4, b"")
    assert done.stderr.startswith(sentence)


async def test_the_longest_command_that_may_be_runs(session: Session) -> None:
    done = await session.run("sh", "-c", "echo $#", "sh", *["ü"] * (2**14 - 4))
    assert (done.stdout, done.stderr) == (b"16380\n", b"")


async def test_every_byte_comes_as_it_is_and_none_is_lost(session: Session) -> None:
    given = random.Random(1).randbytes(30_000_000)
    done = await session.run("cat", given=given)
    assert hashlib.sha256(done.stdout).digest() == hashlib.sha256(given).digest()
    done = await session.run("sh", "-c", "head -c 20000000 /dev/zero | tee /dev/stderr")
    assert (len(done.stdout), len(done.stderr)) == (20_000_000, 20_000_000)
    assert (await session.run("bash", "-c", "wc -c", given=b"\0\x04\x03\xff")).stdout.strip() == b"4"


async def test_a_slow_reader_slows_the_command_down_and_loses_nothing(session: Session) -> None:
    with subprocess.Popen(
        session.command("head", "-c", "50000000", "/dev/zero"), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
    ) as slow:
        assert slow.stdout is not None
        server = next(process for process in members(session.running.name) if "rspark_session.jupyter" in command_of(process))
        await asyncio.sleep(3)
        before = server.memory_info().rss
        assert len(await asyncio.to_thread(slow.stdout.read)) == 50_000_000
        assert server.memory_info().rss < before + 40_000_000
    assert slow.returncode == 0
    cut = subprocess.Popen(session.command("yes"), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    assert cut.stdout is not None
    assert cut.stdout.read(10) == b"y\n" * 5
    cut.stdout.close()
    assert await asyncio.to_thread(cut.wait, 30) != 0
    await until(lambda: not [process for process in members(session.running.name) if process.name() == "yes"], "yes ended")


async def test_what_is_left_in_the_background_holds_nobody_up(session: Session) -> None:
    began = time.monotonic()
    done = await session.run("sh", "-c", "sleep 60 & echo done")
    assert (done.stdout, done.returncode) == (b"done\n", 0)
    assert time.monotonic() - began < 30


async def test_ctrl_c_reaches_the_command_and_an_end_of_the_session_ends_the_wait(session: Session) -> None:
    trap = "trap 'echo caught; exit 3' INT; echo ready; while :; do sleep 0.1; done"
    with subprocess.Popen(session.command("bash", "-c", trap), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert await asyncio.to_thread(process.stdout.readline) == b"ready\n"
        process.send_signal(signal.SIGINT)
        assert await asyncio.to_thread(process.stdout.read) == b"caught\n"
    assert process.returncode == 3
    command = session.command("sh", "-c", "echo ready; sleep 600")
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert await asyncio.to_thread(process.stdout.readline) == b"ready\n"
        assert (await session.running.post("agent/stop")).status_code == 202
        assert await asyncio.to_thread(process.wait, 60) == 4
        assert process.stderr is not None
        assert b"The connection to the session was lost" in process.stderr.read()


async def test_a_terminal_is_one_of_its_size(session: Session) -> None:
    ours, theirs = pty.openpty()
    os.set_blocking(ours, False)
    environ = {**os.environ, "COLUMNS": "", "LINES": ""}
    subprocess.run(["stty", "rows", "33", "cols", "77"], stdin=theirs, check=True)
    command = session.command("sh", "-c", "tty; stty size; cat", terminal=True)
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environ, start_new_session=True)
    os.close(theirs)
    shown = bytearray()

    def show(word: bytes) -> bool:
        with contextlib.suppress(BlockingIOError):
            shown.extend(os.read(ours, 4096))
        return word in shown

    await until(lambda: show(b"33 77"), "its size is shown", 60)
    assert b"/dev/pts/" in shown
    os.write(ours, b"typed\r")
    await until(lambda: show(b"typed\r\ntyped"), "what is typed is echoed, and comes back", 60)
    os.write(ours, b"\x03")
    assert await asyncio.to_thread(process.wait, 30) == 130
    os.close(ours)


async def test_the_last_words_on_a_terminal_are_not_lost(session: Session) -> None:
    ours, theirs = pty.openpty()
    command = session.command("sh", "-c", "seq 20000; echo the last", terminal=True)
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True) as process:
        os.close(theirs)
        shown = bytearray()
        with contextlib.suppress(OSError):  # the other side is closed
            while piece := await asyncio.to_thread(os.read, ours, 65536):
                shown += piece
    os.close(ours)
    assert process.returncode == 0
    assert shown.split() == [b"%d" % number for number in range(1, 20001)] + [b"the", b"last"]
