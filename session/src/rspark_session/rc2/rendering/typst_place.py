"""Where in a document an error of Typst comes from. Pandoc keeps no lines, so that words have to lead there."""

import re

_ARROW = re.compile(r"┌─ [^\n]*?:(\d+):(\d+)$", re.MULTILINE)
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)+)"|<([^>\s]+)>')
_WORD = re.compile(r"\w[\w./-]+")
#: Of words that are everywhere the least is known.
_SHORTEST = 3


def place(diagnostic: str, text: str, document: str) -> int | None:
    """Return the line of a document, from 1, that has most of what stands where Typst's text is wrong; None where none has."""
    arrow = _ARROW.search(diagnostic)
    if arrow is None:
        return None
    lines = text.splitlines()
    number, column = int(arrow[1]), int(arrow[2])
    wrong = lines[number - 1] if number <= len(lines) else ""
    if found := _line_with(_names(wrong[column - 1 :]) or _names(wrong), document):
        return found
    return _line_with({word for word in _WORD.findall(wrong) if len(word) >= _SHORTEST}, document)


def _names(wrong: str) -> set[str]:
    """Return what is quoted, as names of files are, or a label."""
    return {quoted or label for quoted, label in _QUOTED.findall(wrong)}


def _line_with(words: set[str], document: str) -> int | None:
    scores = [sum(len(word) for word in words if word in line) for line in document.splitlines()]
    best = max(scores, default=0)
    return scores.index(best) + 1 if best else None
