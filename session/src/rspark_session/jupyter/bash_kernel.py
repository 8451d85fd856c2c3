"""`python -m rspark_session.jupyter.bash_kernel -f FILE`: bash_kernel, whose shell outlives every interrupt.

An interrupt is the terminal's: Ctrl+C goes to the processes in its foreground. One that comes in the moment in which bash forks
is lost on the new process, which has bash's own handlers until it has its program; or bash is back at its prompt before that
process takes the terminal from it, and bash, which can read no more, ends. At a loop of short commands this is one interrupt of
twenty. A person presses the keys again; here is a program, which would wait for ever. So what bash waits for is interrupted, and
not bash; an interrupt that was lost is sent again; and code is given to the shell only when it has answered. What goes on after
an interrupt, as psql, an editor or Python's prompt do, waits for keys that nobody can press here: interrupted again, it is ended.

Code may also take away the prompt that the kernel waits for (`PS1=`, `exec 2> file`), or have options by which the kernel's own
questions would end the shell (`set -e`) or find no way back (`exec > file`). Those are asked so that they neither fail nor use
what code has redirected, and a prompt that is gone is set again.

What reads the terminal asks whoever executes, by Jupyter's stdin channel (see `bash_dialogue`).
"""

import os
import re
import shlex
import signal
import sys
import termios
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any

import pexpect
from ipykernel.kernelapp import IPKernelApp

from rspark_session.jupyter import bash_questions
from rspark_session.jupyter.bash_dialogue import TOGETHER, DialogueKernel
from rspark_session.jupyter.kernelspecs import STARTING, WITHOUT_OWN_FILES
from rspark_session.processes import tree

_SENTENCE = (
    "~/.bashrc keeps bash from starting: it ends it, or takes too long. So this bash runs without. Mend the file (by `nano` in a "
    "terminal, or `mv ~/.bashrc ~/bashrc.old` here), and restart the kernel.\n"
)

_INCOMPLETE = "The code is not complete: bash waits for the rest of a command."
_LEFT = (
    "bash waited for a key, or for the rest of a command at a prompt that its kernel does not know (PS2). "
    "It was interrupted, and has the kernel's prompts again: run the code once more."
)

_PROMPT, _CONTINUATION, _LINE, _RETURN, _INTERRUPTED_PROMPT = range(5)
_QUIET, _INTERRUPTED = 1.0, 0.1  # seconds after which is looked whether an interrupt was lost: before any, and after one
_STARTING = 1.0  # seconds that what bash started may take to have its program
_PATIENCE = 2.0  # seconds that what catches an interrupt may take to end, before the next one ends it
_MOMENT = 0.3  # seconds that what started after an interrupt is left alone
_LOOKS, _BETWEEN_LOOKS = 100, 0.002  # seconds: how often is looked for what the shell waits for
_RENEWALS = 3  # how often a prompt that does not come is set again, before the shell is given up
_TOKENS = re.compile(r"[\t \n;=\"'><|&]+")  # what is between words that are completed
_GOES_ON = "It goes on after the interrupt, or takes its time to end. Interrupt again to end it.\n"
_ANSWERS = (1, 1, 2, 4, 8, 16, 32, 64)  # seconds that a shell is given to answer after an interrupt, at each try


class OutlivingBashKernel(DialogueKernel):
    """bash_kernel, whose shell outlives every interrupt."""

    _notice = ""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._computes = False
        self._unwanted = False  # whether an interrupt came before the code that it is for
        self._interrupted: tuple[float, frozenset[int]] | None = None  # when the last interrupt was sent, and who was there
        self._pressed = 0.0  # when the person interrupted last
        self._told = False  # whether they were told that what runs goes on
        self._asked_to_end = False  # whether it was, after it went on

    def _start_bash(self) -> None:
        """Start bash, without the person's file where that ended the last one while it started."""
        if os.environ.pop(WITHOUT_OWN_FILES, None):
            self._notice = _SENTENCE
            spawn, environ = pexpect.spawn, {**os.environ, "PS1": "$"}  # bash_kernel waits for this prompt
            pexpect.spawn = lambda command, _, **options: spawn(command, ["--norc"], env=environ, **options)
        super()._start_bash()
        if self._notice:
            self.bashwrapper.run_command("export -n PS1")
        # Lines are typed for the shell, which would complete a word at each tab in them: data and makefiles lose theirs.
        for keys in ("emacs", "vi-insert"):
            self.bashwrapper.run_command(rf"""\builtin bind -m {keys} '"\t": self-insert' """)
        Path(f"{sys.argv[-1]}{STARTING}").unlink(missing_ok=True)

    def do_execute(
        self,
        code: str,
        silent: bool,
        store_history: bool = True,
        user_expressions: dict[str, str] | None = None,
        allow_stdin: bool = False,
    ) -> dict[str, Any]:
        """Run code, and return Jupyter's answer: "abort" when it was interrupted."""
        self.begin_dialogue(silent=silent, may_ask=allow_stdin)
        if self._notice and not silent:
            self.send_response(self.iopub_socket, "stream", {"name": "stderr", "text": self._notice})
            self._notice = ""
        if not code.strip():
            return self._completed()
        if code.strip().endswith("\\"):
            return self._failed("Cell has trailing backslash")
        try:
            problem = self._run(code)
            if self._interrupted:
                self._answer()
            if self._interrupted or self._unwanted:
                return {"status": "abort", "execution_count": self.execution_count}
        except (pexpect.EOF, OSError):  # now, or in a question after the last code: nothing can be written to a closed one
            child = self.bashwrapper.child
            self.process_output(child.before)
            child.close(force=True)
            self._start_bash()
            return self._failed("bash has ended, and another one was started: variables and functions of the last one are gone.")
        if problem:
            return self._failed(problem)
        status = self._status()
        return self._completed() if status == "0" else self._failed(status)

    def do_complete(self, code: str, cursor_pos: int) -> dict[str, Any]:
        """Return the words that may stand where the cursor is."""
        word = _TOKENS.split(code[:cursor_pos])[-1]
        if word.startswith("$"):
            asked = [("-P '$' -v", word[1:])]
        else:
            asked = [("-d -S /", word), ("-f", word)]
            if "/" not in word:
                asked.append(("-abc -A function", word))
        said = self._ask("; ".join(f"\\builtin compgen {kinds} -- {shlex.quote(start)}" for kinds, start in asked))
        found = {line for line in said.splitlines() if line.startswith(word) and line}
        matches = sorted(found - {line.removesuffix("/") for line in found if line.endswith("/")})
        start = cursor_pos - len(word)
        return {"matches": matches, "cursor_start": start, "cursor_end": cursor_pos, "metadata": {}, "status": "ok"}

    def _status(self) -> str:
        """Return the status of the last command; one where it can't be asked for.

        The prompt inside of a command is set by the way: the next code may have a command of several lines.
        """
        mark = uuid.uuid4().hex
        said = self._ask(f'\\builtin echo {mark}:"$?"; {self._prompt(2)}')
        if f"echo {mark}" in said:  # code has the terminal echo what is typed, as by `stty sane`
            self._ask("\\stty -echo < /dev/tty")
        found = re.search(rf"{mark}:(\d+)", said)
        return found[1] if found else "1"

    def _ask(self, question: str) -> str:
        """Return what commands of the kernel's own say, whatever code has made of the shell; "" where it can't be asked."""
        child = self.bashwrapper.child
        # An `if` by `set -e`: nothing in it ends the shell. Where code's output goes is nothing for an answer.
        said: list[str] = []
        with suppress(pexpect.EOF, OSError):  # it has ended, which the next code is told
            child.sendline(f" {{ {question}; }} 2> /dev/null > /dev/tty || \\builtin :")
            self._until_prompt(said.append)
        return "".join(said)

    def pre_handler_hook(self) -> None:
        """Hand interrupts on to the shell from here on.

        They raise nothing, but while a person is asked: what was just read, or an answer of the shell, would be lost.
        """

        def hand_on(_signal: int, _frame: FrameType | None) -> None:
            if self.asks:
                self.asks = False
                raise KeyboardInterrupt
            if self._computes:
                self.press()
            else:
                self._unwanted = True

        self._interrupted, self._unwanted = None, False
        self._pressed, self._told, self._asked_to_end = 0.0, False, False
        self.saved_sigint_handler = signal.signal(signal.SIGINT, hand_on)

    def _completed(self) -> dict[str, Any]:
        return {"status": "ok", "execution_count": self.execution_count, "payload": [], "user_expressions": {}}

    def _failed(self, why: str) -> dict[str, Any]:
        self.send_held()
        error = {"ename": "", "evalue": why, "traceback": []}
        self.send_response(self.iopub_socket, "error", error)
        return {**error, "status": "error", "execution_count": self.execution_count}

    def _run(self, code: str) -> str:
        """Run code line by line until it has ended or was interrupted, and return why it could not be run to its end, or ""."""
        found = _PROMPT
        self._computes = True
        try:
            for line in code.rstrip().splitlines():
                if self._interrupted or self._unwanted:
                    break
                self.line = line
                self.bashwrapper.child.sendline(line)
                found = self._until_prompt()
                if found == _INTERRUPTED_PROMPT:  # what follows is of the same command
                    return _LEFT
        finally:
            self._computes = False
            self.send_held()
        if found == _CONTINUATION and not self._interrupted:
            self._interrupt()
            self._answer()
            self._interrupted = None
            return _INCOMPLETE
        return ""

    def _until_prompt(self, show: Callable[[str], None] | None = None) -> int:
        """Wait for a prompt, show what comes before it, and return which prompt it is.

        A prompt that came only after the shell was interrupted is neither of the shell's own.
        """
        show = show or self.process_output
        child = self.bashwrapper.child
        expected = [re.compile(each) for each in (self.bashwrapper.ps1_re, self.bashwrapper.ps2_re, "\r?\n", "\r")]
        renewals, read, asks, seen = 0, False, False, ""
        while True:
            try:
                soon = asks or self.held or (self._computes and child.buffer != seen)
                quiet = _INTERRUPTED if self._interrupted else TOGETHER if soon else _QUIET
                found: int = child.expect_list(expected, timeout=quiet)
            except pexpect.TIMEOUT:
                if self.send_held() and not self._interrupted:
                    continue
                if self._interrupted and self._computes:
                    self._tell_that_it_goes_on()
                if self._interrupted and self._was_lost(*self._interrupted):
                    self._interrupt()
                    continue
                # At one look alone, what was sent to it may be on its way, or the prompt.
                asked, seen = asks and child.buffer == seen, child.buffer
                asks = self._computes and not self._interrupted and self.waits_for_input(child.buffer)
                if asks and asked:
                    self.ask_person()
                    asks, seen = False, ""
                    continue
                reads = not asks and self._reads()
                if reads and read:
                    renewals += 1
                    self._renew_prompt(renewals)
                read = reads and not read
                continue
            read = asks = False
            if found in (_LINE, _RETURN):
                if renewals < 2:  # else it is of an incomplete command, and of what interrupts it
                    show(child.before + ("\n" if found == _LINE else "\r"))
                continue
            if not renewals:
                if child.before:
                    show(child.before)
                return found
            # What comes before is a prompt that the kernel does not know, and more than one prompt may follow.
            self._catch_up()
            return _PROMPT if renewals == 1 else _INTERRUPTED_PROMPT

    def waits_for_input(self, said: str) -> bool:
        """Return whether a program or the shell's own `read` waits for what is typed. `said` is the line that it began last."""
        child = self.bashwrapper.child
        group, members = self._foreground()
        return bash_questions.waits_for_input(child.child_fd, members if group != child.pid else [child.pid], said)

    def _reads(self) -> bool:
        """Return whether the shell waits for a line at a prompt.

        Only then it has the terminal give it each key as it is; `read -n` has a carriage return made a newline.
        """
        child = self.bashwrapper.child
        if not _waits(child.pid):  # it has something to read, and no processor yet
            return False
        given, _, _, local, *_ = termios.tcgetattr(child.child_fd)
        return not (local & termios.ICANON or given & termios.ICRNL) and self._foreground() == (child.pid, [])

    def _renew_prompt(self, attempt: int) -> None:
        """Set a prompt again that code took away.

        Raises
        ------
        pexpect.EOF
            When it can't be: the shell is ended.
        """
        child = self.bashwrapper.child
        if attempt > _RENEWALS:
            child.close(force=True)
            child.before = "bash's prompt was taken away, by which its kernel knows that code has ended. "
            raise pexpect.EOF(child.before)
        if attempt > 1:  # the last one became a part of an incomplete command
            child.sendintr()
        # The prompt is written to where errors go. What sets the prompt each time would do so again.
        prompts = f"{self._prompt(1)} {self._prompt(2)}; PROMPT_COMMAND=()"
        child.sendline(f" \\exec 2> /dev/tty; {{ {prompts}; }} 2> /dev/null")

    def _prompt(self, number: int) -> str:
        """Return the code that sets the prompt for code (1), or for the rest of a command (2)."""
        return f"PS{number}='{self.unique_prompt}\\[\\]{'>' if number == 1 else '+'}'"

    def _catch_up(self) -> None:
        """Read all that the shell still answers to what has set its prompt.

        Raises
        ------
        pexpect.EOF
            When the shell ended.
        """
        computes, interrupted = self._computes, self._interrupted
        self._computes = False  # what is interrupted is the kernel's own
        try:
            self._answer()
        finally:
            self._computes, self._interrupted = computes, interrupted

    def _interrupt(self) -> None:
        """Interrupt what the shell waits for, and the shell itself only where it seems to wait for nothing."""
        shell = self.bashwrapper.child.pid
        program = tree.program(shell)
        for look in range(_LOOKS):
            group, members = self._foreground()
            started = [tree.program(pid) not in (program, None) for pid in members]
            # A subshell is of bash's program too; what it waits for ends it, where that ends by an interrupt.
            best = all(started) if look < _LOOKS // 2 else any(started) or look > _LOOKS * 3 // 4
            if group != shell and members and best:
                self._interrupted = time.monotonic(), frozenset(members)
                with suppress(OSError):  # it has ended, and something else follows; or it is another account's
                    os.killpg(group, signal.SIGINT)
                    return
            time.sleep(_BETWEEN_LOOKS)
        self._interrupted = time.monotonic(), frozenset(members)
        self.bashwrapper.child.sendintr()

    def press(self) -> None:
        """Interrupt what runs; end what went on after the last interrupt, first by asking it to."""
        first, since = self._interrupted is None, time.monotonic() - self._pressed
        self._pressed, self._told = time.monotonic(), False
        group, members = self._foreground()
        if first or since < _PATIENCE or not members or group == self.bashwrapper.child.pid:
            self._interrupt()
            return
        with suppress(OSError):  # it has ended, or is another account's
            os.killpg(group, signal.SIGKILL if self._asked_to_end else signal.SIGTERM)
        self._asked_to_end = True

    def _tell_that_it_goes_on(self) -> None:
        """Say once how to end what goes on after an interrupt."""
        if not self._told and time.monotonic() - self._pressed > _PATIENCE and self._foreground()[1]:
            self._told = True
            self.send_response(self.iopub_socket, "stream", {"name": "stderr", "text": _GOES_ON})

    def _was_lost(self, at: float, present: frozenset[int]) -> bool:
        """Return whether what an interrupt ends lives on. What started later may be of a person's trap, and has a moment."""
        missed = {pid for pid in self._foreground()[1] if _ends_at_an_interrupt(pid)}
        return not missed.isdisjoint(present) or (bool(missed) and time.monotonic() - at > _MOMENT)

    def _foreground(self) -> tuple[int, list[int]]:
        """Return the group of processes that has the terminal, and which of those that the shell started are in it."""
        shell = self.bashwrapper.child.pid
        group = os.tcgetpgrp(self.bashwrapper.child.child_fd)
        members = []
        for pid in tree.walk(shell):
            with suppress(OSError):
                if pid != shell and os.getpgid(pid) == group:
                    members.append(pid)
        return group, members

    def _answer(self) -> None:
        """Wait until the shell answers the last question. One that doesn't is ended, and another one started, which is said.

        Raises
        ------
        pexpect.EOF
            When the shell ended.
        """
        child = self.bashwrapper.child
        for seconds in _ANSWERS:
            self._settle()
            first, second = uuid.uuid4().hex, uuid.uuid4().hex
            # In two, so that an echo is no answer; code may have redirected what it says, and made a function `builtin`.
            answer = f"printf '%s%s\\n' {first} {second} > /dev/tty"
            child.sendline(f" \\builtin {answer}; \\{answer}")
            incomplete = False
            with suppress(pexpect.TIMEOUT):
                incomplete = child.expect([f"{first}{second}\r?\n", self.bashwrapper.ps2_re], timeout=seconds) == 1
                if not incomplete:
                    child.expect(self.bashwrapper.ps1_re, timeout=seconds)
                    return
            # The interrupt came before the code. Where nothing computes the shell is slow, and another would take the question.
            if incomplete or self._foreground()[1] or _computes(child.pid):
                self._interrupt()
        child.close(force=True)
        child.before = "bash did not answer after an interrupt. "
        raise pexpect.EOF(child.before)

    def _settle(self) -> None:
        """Wait until nothing that the shell started is in the foreground any more, and interrupt what is."""
        end = time.monotonic() + _STARTING
        while time.monotonic() < end:
            _, members = self._foreground()
            # What has bash's own program may be about to have another one, and to take the terminal from the shell.
            program = tree.program(self.bashwrapper.child.pid)
            if not members and not any(tree.program(pid) == program for pid in tree.children(self.bashwrapper.child.pid)):
                return
            if any(map(_ends_at_an_interrupt, members)):
                self._interrupt()
            time.sleep(0.02)


def _computes(pid: int) -> bool:
    """Return whether a process takes time of a processor now."""
    before = tree.read(pid)
    time.sleep(_INTERRUPTED)
    after = tree.read(pid)
    return before is not None and after is not None and after.cpu > before.cpu


def _waits(pid: int) -> bool:
    """Return whether a process waits for something, and neither runs nor would if a processor were free."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b") ")[2].startswith(b"S")
    return False


def _ends_at_an_interrupt(pid: int) -> bool:
    """Return whether a process neither catches nor ignores an interrupt."""
    with suppress(OSError, ValueError, KeyError):
        lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8", errors="replace").splitlines()
        status = dict(line.split(":", 1) for line in lines)
        return not (int(status["SigCgt"], 16) | int(status["SigIgn"], 16)) & 1 << signal.SIGINT - 1
    return False


if __name__ == "__main__":
    IPKernelApp.launch_instance(kernel_class=OutlivingBashKernel)
