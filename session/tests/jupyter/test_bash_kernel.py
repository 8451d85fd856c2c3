"""bash's shell outlives every interrupt."""

import os
import queue
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import KernelManager
from session.tests.places import session_python

WAIT = 60.0  # seconds
ROUNDS = int(os.environ.get("ROUNDS", "8"))


class Bash:
    """A kernel of bash, and what its code says."""

    def __init__(self, *before: str) -> None:
        """`before` is a command that starts the kernel."""
        command = [session_python(), "-I", "-m", "rspark_session.jupyter.bash_kernel", "-f", "{connection_file}"]
        self.manager = KernelManager()
        self.manager._kernel_spec = KernelSpec(argv=[*before, *command], language="bash")
        self.manager.start_kernel()
        self.client: BlockingKernelClient = self.manager.blocking_client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=WAIT)

    def begin(self, code: str) -> str:
        """Send code, and return the id of its message."""
        return str(self.client.execute(code))

    def until_said(self, message: str, word: str) -> None:
        """Wait until code has said a word."""
        said = ""
        while word not in said:
            said += self._next_of(message)[1]

    def finished(self, message: str) -> tuple[str, str]:
        """Wait until code has ended, and return its status and what it still said."""
        said = ""
        while (part := self._next_of(message))[0] != "idle":
            said += part[1]
        while True:
            reply = self.client.get_shell_msg(timeout=WAIT)
            if reply["parent_header"]["msg_id"] == message:
                return str(reply["content"]["status"]), said

    def run(self, code: str) -> tuple[str, str]:
        """Run code, and return its status and what it said."""
        return self.finished(self.begin(code))

    def interrupt(self) -> None:
        """Interrupt the kernel."""
        self.manager.interrupt_kernel()

    def _next_of(self, message: str) -> tuple[str, str]:
        while True:
            try:
                got = self.client.get_iopub_msg(timeout=WAIT)
            except queue.Empty:
                raise AssertionError("bash says nothing any more.") from None
            if got["parent_header"].get("msg_id") == message:
                content = got["content"]
                return str(content.get("execution_state", "")), str(content.get("text", content.get("evalue", "")))


@pytest.fixture(scope="module")
def bash() -> Iterator[Bash]:
    """Start a kernel of bash for all tests."""
    bash = Bash()
    bash.run("kept=1")
    yield bash
    bash.client.stop_channels()
    bash.manager.shutdown_kernel(now=True)


@pytest.mark.parametrize(
    "code",
    [
        "echo begun; sleep 600",
        "echo begun; sleep 600 | cat",
        "echo begun; while true; do /bin/true; done",
        "echo begun; while true; do :; done",
        "echo begun; (while true; do /bin/true; done)",
        "echo begun; x=$(sleep 600)",
    ],
)
def test_an_interrupt_at_any_moment_ends_what_runs_and_nothing_else(bash: Bash, code: str) -> None:
    for number in range(ROUNDS):
        running = bash.begin(code)
        bash.until_said(running, "begun")
        time.sleep(number % 10 * 0.0005)  # bash forks in the first milliseconds
        bash.interrupt()
        status, said = bash.finished(running)
        assert status in ("abort", "aborted")
        assert "never" not in said
        assert bash.run("echo $kept") == ("ok", "1\n"), f"after interrupt {number + 1}"


def test_a_background_job_goes_on(bash: Bash) -> None:
    bash.run("sleep 600 & echo $! > /dev/null")
    running = bash.begin("echo begun; sleep 600")
    bash.until_said(running, "begun")
    bash.interrupt()
    assert bash.finished(running)[0] in ("abort", "aborted")
    status, said = bash.run("kill -0 $! && kill $! && echo alive")
    assert status == "ok"
    assert "alive" in said


TIDIES = """import time
try:
    print("begun", flush=True)
    time.sleep(600)
except KeyboardInterrupt:
    time.sleep(2)
    print("tidied")
"""


def test_what_catches_an_interrupt_ends_in_its_own_time(bash: Bash, tmp_path: Path) -> None:
    tidies = tmp_path / "tidies.py"
    tidies.write_text(TIDIES)
    running = bash.begin(f"{sys.executable} {tidies}")
    bash.until_said(running, "begun")
    bash.interrupt()
    status, said = bash.finished(running)
    assert status in ("abort", "aborted")
    assert "tidied" in said


@pytest.mark.long
@pytest.mark.parametrize("code", ["false", ":", "if true; then"])
def test_an_interrupt_that_comes_late_or_early_leaves_an_answer(bash: Bash, code: str) -> None:
    for number in range(ROUNDS):
        running = bash.begin(code)
        time.sleep(number * 0.002)
        bash.interrupt()
        assert bash.finished(running)[0] in ("ok", "error", "abort", "aborted")
    assert bash.run("echo $kept") == ("ok", "1\n")


@pytest.mark.long
def test_a_shell_that_takes_its_time_for_a_prompt_is_waited_for(bash: Bash) -> None:
    bash.run("PROMPT_COMMAND='sleep 3'")
    running = bash.begin("echo begun; sleep 600")
    bash.until_said(running, "begun")
    bash.interrupt()
    assert bash.finished(running)[0] in ("abort", "aborted")
    bash.run("unset PROMPT_COMMAND")
    assert bash.run("echo $kept") == ("ok", "1\n")


def test_what_has_ended_is_not_interrupted_later(bash: Bash) -> None:
    bash.interrupt()
    assert bash.run("echo $kept") == ("ok", "1\n")


@pytest.mark.parametrize(
    ("code", "why"), [("if true; then", "not complete"), ("echo 'a", "not complete"), ("echo a \\", "backslash")]
)
def test_code_that_is_not_complete_is_refused_in_a_sentence(bash: Bash, code: str, why: str) -> None:
    status, said = bash.run(code)
    assert status == "error"
    assert why in said
    assert bash.run("echo $kept") == ("ok", "1\n")


def test_a_shell_that_exits_is_started_anew_and_said(bash: Bash) -> None:
    status, said = bash.run("echo last; exit 3")
    assert status == "error"
    assert "last" in said
    assert "variables and functions of the last one are gone" in said
    assert bash.run("false")[0] == "error"
    assert bash.run("echo ${kept:-gone}") == ("ok", "gone\n")
    bash.run("kept=1")


@pytest.mark.long
def test_many_lines_all_come(bash: Bash) -> None:
    said = bash.run("seq 30000")
    assert said == ("ok", "".join(f"{n}\n" for n in range(1, 30001)))


def test_what_code_says_comes_while_it_runs(bash: Bash, tmp_path: Path) -> None:
    go = tmp_path / "go"
    message = bash.begin(f"echo one; echo two; until test -e {go}; do sleep 0.05; done; echo three")
    bash.until_said(message, "two")
    go.touch()
    assert bash.finished(message) == ("ok", "three\n")


@pytest.mark.parametrize("mode", ["emacs", "vi"])
def test_tabs_in_code_stay_tabs(bash: Bash, mode: str) -> None:
    bash.run(f"set -o {mode}")
    assert bash.run("cat <<'END'\nall:\n\techo made\nname\tvalue\nEND") == ("ok", "all:\n\techo made\nname\tvalue\n")
    assert bash.run("if true; then\n\techo indented\nfi\nset -o emacs") == ("ok", "indented\n")


@pytest.mark.parametrize("code", ["stty sane", "stty echo", "reset > /dev/null 2>&1"])
def test_code_is_not_shown_again_where_it_set_the_terminal(bash: Bash, code: str) -> None:
    bash.run(code)
    assert bash.run("echo said") == ("ok", "said\n")


CATCHES = """import signal, sys
for name in sys.argv[1:]:
    signal.signal(getattr(signal, name), lambda *_: None)
print("begun", flush=True)
while True:
    signal.pause()
"""


@pytest.mark.long
@pytest.mark.parametrize("signals", [["SIGINT"], ["SIGINT", "SIGTERM"]])
def test_what_goes_on_after_an_interrupt_is_ended_by_the_next(bash: Bash, tmp_path: Path, signals: list[str]) -> None:
    catches = tmp_path / "catches.py"
    catches.write_text(CATCHES)
    running = bash.begin(f"{sys.executable} {catches} {' '.join(signals)}")
    bash.until_said(running, "begun")
    for _ in signals:
        bash.interrupt()
        bash.until_said(running, "Interrupt again to end it.")
    bash.interrupt()
    assert bash.finished(running)[0] in ("abort", "aborted")
    assert bash.run("echo $kept") == ("ok", "1\n")


ASKS = f"""{sys.executable} -c 'print("Hello", input("Who? "))'"""


@pytest.mark.parametrize(
    ("code", "answers", "said"),
    [
        ("read -p 'Who? ' x; echo got $x", [("Who? ", False, "Ann")], "got Ann\n"),
        ("read -s x; echo got $x", [("", True, "Ann")], "got Ann\n"),
        ("read -n 1 -p 'Sure? ' x; echo got $x", [("Sure? ", False, "yes")], "got y\n"),
        ("printf 'First.\\nThen: '; (read x; echo got $x)", [("Then: ", False, "Ann")], "First.\ngot Ann\n"),
        (ASKS, [("Who? ", False, "Ann")], "Hello Ann\n"),
        ("touch f; rm -i f; test -e f || echo gone", [("rm: remove regular empty file 'f'? ", False, "y")], "gone\n"),
        (f"{sys.executable} -c 'import getpass; print(getpass.getpass())'", [("Password: ", True, "Ann")], "\nAnn\n"),
        ("read x; read y; echo $x $y", [("", False, "Ann\nBob")], "Ann Bob\n"),
        ("while read x; do echo got $x; done", [("", False, "Ann"), ("", False, "\x04")], "got Ann\n"),
    ],
)
def test_what_asks_is_answered_by_who_executes(bash: Bash, code: str, answers: list[tuple[str, bool, str]], said: str) -> None:
    running = bash.client.execute(f"cd $(mktemp -d)\n{code}", allow_stdin=True)
    for prompt, password, answer in answers:
        asked = bash.client.get_stdin_msg(timeout=WAIT)["content"]
        assert asked == {"prompt": prompt, "password": password}
        bash.client.input(answer)
    assert bash.finished(running) == ("ok", said)


def test_a_question_can_be_interrupted(bash: Bash) -> None:
    for code in ("read x", ASKS, f"while true; do {ASKS}; done", "cat"):
        running = bash.client.execute(f"{code}; echo never", allow_stdin=True)
        bash.client.get_stdin_msg(timeout=WAIT)
        bash.interrupt()
        status, said = bash.finished(running)
        assert status in ("abort", "aborted")
        assert "never" not in said
        assert bash.run("echo $kept") == ("ok", "1\n")


@pytest.mark.parametrize(
    ("code", "status", "said"),
    [
        ("read -p 'Who? ' x; echo got:$x", "ok", "got:\n"),
        ("read -n 1 -p 'Go on? ' x; echo got:$x", "ok", "got:\n"),
        (ASKS, "error", "EOFError"),
        ("cat && echo at its end", "ok", "at its end\n"),
        ("while true; do read x; done", "abort", ""),
    ],
)
def test_where_nobody_can_answer_input_is_at_its_end(bash: Bash, code: str, status: str, said: str) -> None:
    found, all_said = bash.finished(bash.client.execute(code, allow_stdin=False))
    assert found == status
    assert all_said.count("nobody can answer it here: the code was sent without input.") == 1
    assert said in all_said
    assert bash.run("echo $kept") == ("ok", "1\n")


def test_a_question_that_is_no_longer_asked_is_taken_back(bash: Bash, tmp_path: Path) -> None:
    running = bash.client.execute("timeout --foreground 4 cat; echo after", allow_stdin=True)
    bash.client.get_stdin_msg(timeout=WAIT)
    assert bash.finished(running) == ("ok", "after\n")
    bash.client.input(f"touch {tmp_path}/typed")  # late: it is no command
    assert bash.run(f"ls {tmp_path}; echo $kept") == ("ok", "1\n")


#: Starts a program as an account that has no rights, with its file of the connection (the last argument).
AS_NOBODY = """
cp "${@: -1}" "$HOME"; chown -R nobody "$HOME"
exec setpriv --reuid nobody --clear-groups "${@: 1: $# - 1}" "$HOME/$(basename "${@: -1}")"
"""


@pytest.mark.long
@pytest.mark.skipif(os.geteuid() != 0, reason="Only root becomes another account.")
def test_a_program_of_another_account_asks_for_its_password(tmp_path_factory: pytest.TempPathFactory) -> None:
    home = tmp_path_factory.mktemp("home")
    for folder in home.parents:  # those of the tests are closed to others
        if folder.parent == folder or folder.stat().st_mode & 0o1005 == 0o1005:
            break
        folder.chmod(0o755)
    nobody = Bash("env", f"HOME={home}", "bash", "-c", AS_NOBODY, "bash")
    try:
        running = nobody.client.execute("su -c true; echo $?", allow_stdin=True)
        assert nobody.client.get_stdin_msg(timeout=WAIT)["content"] == {"prompt": "Password: ", "password": True}
        nobody.client.input("not it")
        assert nobody.finished(running) == ("ok", "\nsu: Authentication failure\n1\n")
        running = nobody.client.execute("su -c true; echo never", allow_stdin=True)
        nobody.client.get_stdin_msg(timeout=WAIT)
        nobody.interrupt()
        assert nobody.finished(running)[0] in ("abort", "aborted")
        assert nobody.run("id -un") == ("ok", "nobody\n")
    finally:
        nobody.client.stop_channels()
        nobody.manager.shutdown_kernel(now=True)


def test_what_reads_something_else_or_waits_asks_nothing(bash: Bash) -> None:
    code = "printf 'no end of a line'; sleep 2; sleep 1 | cat; echo; read x < <(sleep 1; echo a); echo $x"
    assert bash.finished(bash.client.execute(code, allow_stdin=False)) == ("ok", "no end of a line\na\n")
