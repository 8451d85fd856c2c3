"""Where in a file a program failed, from the end of what it printed, in the words of R, knitr, Python and bash."""

import re
from pathlib import PurePosixPath

_WORDS = (
    re.compile(r"^At (?P<file>[^\n]+), line (?P<line>\d+):$", re.MULTILINE),  # run.R
    re.compile(r"Quitting from lines (?P<line>\d+)-\d+ (?:\[[^\]\n]*\] )?\((?P<file>[^)\n]+)\)"),  # knitr
    re.compile(r"Quitting from (?P<file>[^\n:]+):(?P<line>\d+)-\d+"),  # knitr since 1.43
    re.compile(r'^ *File "(?P<file>[^"\n]+)", line (?P<line>\d+)', re.MULTILINE),  # Python
    re.compile(r"^(?P<file>[^\n:]+): line (?P<line>\d+): ", re.MULTILINE),  # bash
)


def failed_at(output: str, file: PurePosixPath) -> int | None:
    """Return the line of the file, from 1, that the output names last; None where it names none."""
    found = [
        (match.start(), int(match["line"]))
        for words in _WORDS
        for match in words.finditer(output)
        if PurePosixPath(match["file"]).name == file.name
    ]
    return max(found)[1] if found else None
