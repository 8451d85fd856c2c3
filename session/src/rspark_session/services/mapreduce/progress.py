"""What a person sees of a job while it runs, on stderr: one line that changes on a terminal, else a line for each step."""

import json
import sys
from pathlib import Path
from typing import TextIO

from rspark_session.files import write_whole


class Reporter:
    """Shows where a job is; also in a file, where one is named."""

    def __init__(self, *, to: TextIO | None = None, file: Path | None = None) -> None:
        self._to = to or sys.stderr
        self._file = file
        self._shown = ""
        self._open = False

    def show(self, text: str) -> None:
        """Show where the job is."""
        if text == self._shown:
            return
        self._shown = text
        if self._file is not None:
            write_whole(self._file, json.dumps({"now": text}), durable=False)
        if self._to.isatty():
            self._to.write(f"\r\x1b[K{text}")
            self._open = True
        else:
            self._to.write(f"{text}\n")
        self._to.flush()

    def staging(self, what: str, done: int, size: int) -> None:
        """Show how much was brought in or out, both in bytes."""
        self.show(f"{what}: {done / 2**20:.1f} of {size / 2**20:.1f} MB" if size >= 2**20 else what)

    def say(self, text: str) -> None:
        """Write a line that stays."""
        self.close()
        self._to.write(f"{text}\n")
        self._to.flush()

    def close(self) -> None:
        """End the line that changes."""
        if self._open:
            self._to.write("\r\x1b[K")
            self._open = False
