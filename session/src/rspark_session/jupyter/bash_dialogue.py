"""What code says in bash's kernel, and what it asks: many lines in one message, and questions by Jupyter's stdin channel."""

import signal
import time
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from bash_kernel.display import CONTENT_DATA_PREFIXES
from bash_kernel.kernel import BashKernel

from rspark_session.jupyter import bash_questions

TOGETHER = 0.1  # seconds in which what is said is sent in one message
_AT_MOST = 65536  # characters of one
_LOOK = 0.5  # seconds between two looks whether what has asked still does
_NOBODY_ANSWERS = "This asks a question, and nobody can answer it here: the code was sent without input.\n"
_ENDS_OF_INPUT = 3  # how often input is at its end before what still asks is interrupted


class DialogueKernel(BashKernel):  # type: ignore[misc]  # bash_kernel has no types
    """bash_kernel, which asks whoever executes what code asks.

    `held` is what code has said and was not sent yet, `line` the line of code that runs. `asks` says whether a person is asked:
    an interrupt is to raise KeyboardInterrupt then, and to take `asks` back.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.held: list[str] = []
        self.line = ""
        self.asks = False
        self._length = 0
        self._sent = 0.0  # when
        self._unanswered = 0  # questions of this code that nobody could answer

    @abstractmethod
    def press(self) -> None:
        """Interrupt what runs."""

    @abstractmethod
    def waits_for_input(self, said: str) -> bool:
        """Return whether what runs waits for what is typed. `said` is the line that it began at last."""

    def begin_dialogue(self, *, silent: bool, may_ask: bool) -> None:
        """Prepare for code."""
        self.silent, self._allow_stdin, self._unanswered = silent, may_ask, 0

    def process_output(self, output: str) -> None:
        """Send what code has said: many lines in one message, as the channel drops what are too many for it."""
        if self.silent:
            return
        if output.startswith(tuple(CONTENT_DATA_PREFIXES)):  # a line that stands for a picture
            self.send_held()
            super().process_output(output)
            return
        self.held.append(output)
        self._length += len(output)
        full = time.monotonic() - self._sent > TOGETHER or self._length > _AT_MOST
        if full and not output.endswith("\r"):  # half of the end of a line, where the terminal was read between the two
            self.send_held()

    def send_held(self) -> bool:
        """Send what was held back, and return whether there was any."""
        held, self.held, self._length = "".join(self.held).replace("\r\n", "\n"), [], 0
        if held:
            self.say(held)
            self._sent = time.monotonic()
        return bool(held)

    def say(self, text: str, stream: str = "stdout") -> None:
        """Send a text."""
        self.send_response(self.iopub_socket, "stream", {"name": stream, "text": text})

    def ask_person(self) -> None:
        """Have the person answer what runs, by what it wrote at last. An interrupt meanwhile ends it.

        Where nobody can answer, input is at its end.
        """
        child = self.bashwrapper.child
        asked: str = child.buffer
        if asked:
            child.expect(r"(?s).+", timeout=0)  # it is no part of the output
        if not self._allow_stdin:
            self._leave_unanswered(asked)
            return
        self.send_held()
        prompt = bash_questions.as_text(asked)
        ask = self.getpass if bash_questions.is_secret(prompt, self.line) else self.raw_input
        answer: str | None = None  # the end of input
        try:
            with self._looking(asked):
                self.asks = True
                with suppress(EOFError):
                    answer = ask(prompt)
                self.asks = False
        except KeyboardInterrupt:
            self.press()
        except _NoLongerAskedError:
            pass
        else:
            if self.waits_for_input(asked):  # what is typed after it has ended would be the shell's next command
                self._type(answer)

    @contextmanager
    def _looking(self, asked: str) -> Iterator[None]:
        """Raise where what has asked has ended without an answer, as by `timeout`: the person is asked no more."""

        def look(_signal: int, _frame: object) -> None:
            if self.asks and not self.waits_for_input(asked):
                self.asks = False
                raise _NoLongerAskedError

        before = signal.signal(signal.SIGALRM, look)
        signal.setitimer(signal.ITIMER_REAL, _LOOK, _LOOK)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)

    def _type(self, answer: str | None) -> None:
        """Give what asks its answer; None is the end of input."""
        child = self.bashwrapper.child
        if not bash_questions.takes_lines(child.child_fd):
            child.send((answer or "")[:1] or "\n")  # one key, as of `read -n 1`: more would be typed for the next command
        elif answer is None:
            child.sendeof()
        else:
            child.sendline(answer)

    def _leave_unanswered(self, asked: str) -> None:
        """Show a question that nobody can answer, and end what asks: by the end of its input, or at last by an interrupt."""
        if not self.silent:
            self.held.append(f"{asked}\n" if asked else "")
            self.send_held()
            if not self._unanswered:
                self.say(_NOBODY_ANSWERS, "stderr")
        self._unanswered += 1
        if self._unanswered > _ENDS_OF_INPUT:
            self.press()
        else:
            self._type(None)


class _NoLongerAskedError(BaseException):
    """What has asked has ended. Not an Exception: those are caught where an answer is waited for."""
