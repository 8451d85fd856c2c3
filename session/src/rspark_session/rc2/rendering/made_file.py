"""The file that a job makes: it is there whole, or a sentence says why not."""

from pathlib import Path

from rspark_session.files import write_whole
from rspark_session.rc2.refusal import Refusal


def write(file: Path, content: str | bytes) -> None:
    """Write what was made.

    Raises
    ------
    Refusal
        When it can't be written; what was there before stays.
    """
    try:
        write_whole(file, content, mode=0o666, durable=False)
    except OSError as problem:
        raise Refusal(f"{file.name} can't be written: {problem.strerror}. Make room for it, then try again.") from problem
