"""Asking R about code, with lintr: an R of its own, started with the first question, which ends when there was none for long."""

import asyncio
import contextlib
import json
import os
import signal
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

_SCRIPT = Path(__file__).with_name("lint.R")
_PATIENCE = 60.0  # seconds for one document
_IDLE = 120.0  # seconds after which R, some 100 MB, is let go
_LONGEST_ANSWER = 2**24  # bytes


class Lint(BaseModel):
    """What lintr says of a place. Lines and columns are from 1; columns count characters, and `last` is the last one."""

    model_config = ConfigDict(frozen=True)

    line: Annotated[int, Field(ge=1)]
    column: Annotated[int, Field(ge=0)]
    last: Annotated[int, Field(ge=0)]
    kind: Literal["error", "warning", "style"]
    message: Annotated[str, Field(max_length=2000)]
    linter: Annotated[str, Field(max_length=200)]


class Name(BaseModel):
    """A place of a name, as `Lint` has it. Those of one variable have the same `of`; `given` says that it gets a value there."""

    model_config = ConfigDict(frozen=True)

    name: str
    line: Annotated[int, Field(ge=1)]
    column: Annotated[int, Field(ge=1)]
    last: Annotated[int, Field(ge=1)]
    of: int
    given: bool


_LINTS = TypeAdapter(list[Lint])
_NAMES = TypeAdapter(list[Name])
_T = TypeVar("_T")


class CannotLint(Exception):
    """A document could not be checked, or its names not be found. The message says why."""


class Lintr:
    """R with lintr. It is asked one question at a time."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._process: asyncio.subprocess.Process | None = None
        self._end: asyncio.TimerHandle | None = None

    async def lint(self, path: str, text: str) -> list[Lint]:
        """Return what lintr says of a document.

        Parameters
        ----------
        path
            Where the file is or would be; its folder, and those above, may have a `.lintr`.

        Raises
        ------
        CannotLint
            When R or lintr fails or takes too long.
        """
        return await self._answer(_LINTS, {"ask": "lints", "path": path, "text": text})

    async def names(self, text: str) -> list[Name]:
        """Return the names in a code; raise `CannotLint` when R fails, takes too long, or can't read it."""
        return await self._answer(_NAMES, {"ask": "names", "text": text})

    async def _answer(self, form: TypeAdapter[_T], question: dict[str, str]) -> _T:
        async with self._lock:
            if self._end is not None:
                self._end.cancel()
            try:
                async with asyncio.timeout(_PATIENCE):
                    answer = await self._ask(json.dumps(question))
            except (TimeoutError, OSError, ValueError) as problem:
                self.close()
                raise CannotLint("Checking takes too long, or R can't be run.") from problem
            self._end = asyncio.get_running_loop().call_later(_IDLE, self.close)
        if not answer:
            self.close()
            raise CannotLint("R has ended.")
        try:
            found = json.loads(answer)
            if isinstance(found, dict):
                raise CannotLint(str(found.get("problem"))[:1000])
            return form.validate_python(found)
        except (ValueError, ValidationError) as problem:
            raise CannotLint("R answers with something else.") from problem

    async def _ask(self, question: str) -> bytes:
        process = self._process
        if process is None or process.returncode is not None:
            process = self._process = await asyncio.create_subprocess_exec(
                *("Rscript", "--no-save", "--no-restore", "--no-init-file", str(_SCRIPT)),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                limit=_LONGEST_ANSWER,
            )
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(question.encode() + b"\n")
        await process.stdin.drain()
        return await process.stdout.readline()

    def close(self) -> None:
        """Let R go; the next question starts another."""
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._process.pid, signal.SIGKILL)
        self._process = None
