"""Search in files, under `rc2/api/search`. Paths are within the home.

Columns and lengths count UTF-16 code units, as browsers do.
"""

from typing import Annotated, Literal

from pydantic import Field

from rspark_session.rc2.protocol.model import Count, Identifier, Model, RelativePath, ShortText


class Search(Model):
    """What is searched for, and where.

    `files` are globs of files' names; files and folders that one with `!` in front fits are left out. `ignored` takes in what
    `.gitignore` leaves out. A match lies within one line.
    """

    pattern: Annotated[str, Field(min_length=1, max_length=10_000)]
    regex: bool = False
    case: bool = False
    words: bool = False
    files: Annotated[tuple[ShortText, ...], Field(max_length=100)] = ()
    folder: RelativePath = ""
    ignored: bool = False
    hidden: bool = False


class SearchText(Model):
    """A document as its editor has it: it is searched instead of its file."""

    path: RelativePath
    text: Annotated[str, Field(max_length=2**23)]


class SearchRequest(Search):
    """`POST search`: the answer is a `SearchFound` a line. To close the request is to cancel it."""

    texts: Annotated[tuple[SearchText, ...], Field(max_length=100)] = ()


class SearchMatch(Model):
    """A match, and `text` around it, in which it lies from `start` to `end`. Lines count from 1, columns from 0."""

    line: Count
    column: Count
    length: Count
    text: str
    start: Count
    end: Count


class SearchFile(Model):
    """A file with matches; a long list comes in parts. `version` is the SHA-256 of what was searched.

    Where it is null, nothing can be replaced in the file, and `why` says the reason.
    """

    path: str
    version: str | None
    why: str | None
    matches: tuple[SearchMatch, ...]


class SearchFound(Model):
    """What was found, file by file. `matches` and `in_files` count all so far; with `more` there are more, which are not sent.

    `too_long` counts lines with a match that are too long to be sent. `done` and `failed` are the last; `text` says what failed.
    """

    type: Literal["found", "done", "failed"]
    files: tuple[SearchFile, ...] = ()
    matches: Count = 0
    in_files: Count = 0
    more: bool = False
    too_long: Count = 0
    text: str = ""


class SearchPosition(Model):
    """Where a match begins."""

    line: Count
    column: Count


class ReplaceTarget(Model):
    """A file as it was searched, and where in it; null for all matches."""

    path: RelativePath
    version: Annotated[str, Field(max_length=64)]
    at: Annotated[tuple[SearchPosition, ...], Field(max_length=100_000)] | None = None


class SearchEditsRequest(Search):
    """`POST search/edits`: what a replacement would make of files and of documents as their editors have them. `SearchEdits`.

    In what replaces an expression `$1` or `${1}` is what its first group matches, `$name` a group with a name, `$$` a dollar.
    """

    replacement: Annotated[str, Field(max_length=10_000)]
    targets: Annotated[tuple[ReplaceTarget, ...], Field(max_length=500)] = ()
    texts: Annotated[tuple[SearchText, ...], Field(max_length=100)] = ()


class SearchEdit(SearchPosition):
    """A match of so many code units, and what stands there instead."""

    length: Count
    new: str


class SearchEditsOf(Model):
    """The edits of a file, or `why` there can be none."""

    path: str
    why: str | None = None
    edits: tuple[SearchEdit, ...] = ()


class SearchEdits(Model):
    """What a replacement would change."""

    files: tuple[SearchEditsOf, ...]


class ReplaceRequest(Search):
    """`POST search/replace`: replace in files; the answer is a `Replaced` a line. To close the request is to stop it.

    `id` is chosen by who asks, and undoes it: so it is known also to who closes the request before anything was told.
    """

    id: Identifier
    replacement: Annotated[str, Field(max_length=10_000)]
    targets: Annotated[tuple[ReplaceTarget, ...], Field(min_length=1, max_length=20_000)]


class ReplaceUndo(Model):
    """`POST search/undo`: bring back what files were before a replacement; the answer is a `Replaced` a line."""

    id: Identifier


class PassedOver(Model):
    """A file in which nothing was changed, and why."""

    path: str
    why: str


class Replaced(Model):
    """How a replacement, or its undo, goes. `id` is what undoes it, or what is left of it to undo; null when there is nothing.

    `files` and `matches` count all so far, `passed` are the files passed over since the line before. `done` and `failed` are the
    last; `text` says what failed.
    """

    type: Literal["progress", "done", "failed"]
    id: str | None = None
    files: Count = 0
    matches: Count = 0
    passed: tuple[PassedOver, ...] = ()
    text: str = ""
