"""Questions to a kernel about what it has in memory, unseen: variables, pages of tables, help, plots.

A kernel answers by a file, since R's kernel sends nothing back of code that runs unseen.
"""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rspark_session.rc2 import kernel_answer, kernel_code
from rspark_session.rc2.refusal import Refusal

if TYPE_CHECKING:
    from rspark_session.rc2.console import Console

#: Seconds that a question waits for its turn, and for its answer.
_TURN, _ANSWER = 2.0, 30.0


class Introspection:
    """Asks kernels; `folder` is where their answers are written."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def ask(self, console: "Console", question: dict[str, object], *, turn: float = _TURN) -> dict[str, Any]:
        """Return a kernel's answer to a question.

        Raises
        ------
        Busy
            When the kernel computes.
        Refusal
            When it can't answer: the message says why.
        """
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = self._folder / uuid.uuid4().hex
        code = kernel_code.answer(console.identity.language, file, question)
        if code is None:
            raise Refusal(f"{console.identity.title} has nothing to show here.")
        try:
            async with console.turn(seconds=turn):
                await console.run_hidden(code, seconds=_ANSWER)
                return await asyncio.to_thread(_read, file)  # whoever asks has the answer before anything else is executed
        finally:
            file.unlink(missing_ok=True)

    async def ask_in_call(self, question: dict[str, object], evaluate: Callable[[str], Awaitable[None]]) -> dict[str, Any]:
        """Return Python's answer to a question about a call, in which `evaluate` runs code; raise as `ask` does."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = self._folder / uuid.uuid4().hex
        try:
            await evaluate(kernel_code.answer_in_call(file, question))
            return await asyncio.to_thread(_read, file)
        finally:
            file.unlink(missing_ok=True)

    async def draw(self, console: "Console", question: dict[str, object], suffix: str) -> bytes:
        """Return the file that a kernel draws; raise as `ask` does."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        target = self._folder / f"{uuid.uuid4().hex}.{suffix}"
        try:
            await self.ask(console, {**question, "target": str(target)})
            return await asyncio.to_thread(target.read_bytes)
        except FileNotFoundError as problem:
            raise Refusal("This plot can't be drawn again. Run its code once more.") from problem
        finally:
            target.unlink(missing_ok=True)


def _read(file: Path) -> dict[str, Any]:
    """Return what a kernel wrote; raise `Refusal` for a failure."""
    try:
        if file.stat().st_size > kernel_answer.MOST_BYTES:
            raise Refusal("The answer is too large to be shown.")
        return kernel_answer.read(file.read_bytes())
    except FileNotFoundError as problem:
        raise Refusal("The kernel gave no answer. Is the package that answers installed in it?") from problem
