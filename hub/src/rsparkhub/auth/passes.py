"""Passes: answers that the edge repeats by itself until the end of the second; `domain/door.py` says what they look like.

What is asked again within a second is worth a pass: a page with its forty files asks forty times, and a busy page asks all
the time. A pass costs three calls of the system, and saves a question each time.
"""

import contextlib
import logging
import os
import shutil
from pathlib import Path

from rsparkhub.domain.door import pass_path
from rsparkhub.settings import is_private

log = logging.getLogger(__name__)


class Passes:
    """Gives and takes back passes; there is one of it for a folder.

    - A pass is there as a whole or not at all: it is an empty file, and its name says everything.
    - Of one host, credential and session there is one pass at a time.
    - A folder that another person could write in is not used: then no pass is given, and the edge asks each time.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder if folder is not None and _is_ours(folder) else None
        self._second = 0
        self._given: dict[str, dict[str, str]] = {}  # session → folder → file, of this second
        if self._folder is not None:
            for left in self._folder.iterdir():  # by an earlier hub; the clock has ended it already
                shutil.rmtree(left, ignore_errors=True)

    @property
    def possible(self) -> bool:
        """Whether there is a place for passes at all."""
        return self._folder is not None

    def give(self, *, second: int, host: str, credential: str, session: str, upstream: str, secret: str) -> None:
        """Give a pass that ends with this second."""
        name = pass_path(host=host, credential=credential, session=session, upstream=upstream, secret=secret)
        if self._folder is None or name is None:
            return
        self.turn(second)
        given = self._given.setdefault(session, {})
        folder, file = name
        if folder in given:
            return
        place = self._folder / str(second) / folder
        try:
            place.parent.mkdir(mode=0o700, exist_ok=True)
            place.mkdir(mode=0o700)
            (place / file).touch(mode=0o600)
        except FileNotFoundError:  # somebody tidied up; the folder is made anew, private as before, for the next pass
            _is_ours(self._folder)
            return
        except OSError as error:  # without a pass the edge asks, as it does when memory is full
            log.warning("No pass was given: %s", error)
            return
        given[folder] = file

    def take_back(self, session: str) -> None:
        """Take back the passes to a session."""
        for folder, file in self._given.pop(session, {}).items():
            self._remove(folder, file)

    def turn(self, second: int) -> None:
        """Take away the passes of the second before this one, which the clock has ended."""
        if self._folder is None or second == self._second:
            return
        for session in list(self._given):
            self.take_back(session)
        with contextlib.suppress(FileNotFoundError):
            (self._folder / str(self._second)).rmdir()
        self._second = second

    def close(self) -> None:
        """Take back all."""
        self.turn(0)
        if self._folder is not None:
            with contextlib.suppress(FileNotFoundError):
                self._folder.rmdir()

    def _remove(self, folder: str, file: str) -> None:
        place = f"{self._folder}/{self._second}/{folder}"
        with contextlib.suppress(FileNotFoundError):
            os.unlink(f"{place}/{file}")  # noqa: PTH108  there may be hundreds a second
            os.rmdir(place)  # noqa: PTH106


def _is_ours(folder: Path) -> bool:
    try:
        return is_private(folder)
    except OSError as error:
        log.warning("Passes can't lie in %s, so the edge asks each time: %s", folder, error)
        return False
