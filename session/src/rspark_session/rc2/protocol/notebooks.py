"""Jupyter notebooks as documents of chunks, under `rc2/api/notebook`. Paths are within the home.

`GET notebook?path=…` answers with a `Notebook`. Its text has a chunk for each cell of code, with the cell's id as its label, and
each cell of Markdown under a line `<!-- cell ID -->`. `PUT notebook` merges the text into the file.
"""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, JsonValue

from rspark_session.rc2.protocol.events import Blob
from rspark_session.rc2.protocol.model import Identifier, Model, RelativePath, ShortText


class StoredStream(Model):
    """Text that was printed."""

    type: Literal["stream"] = "stream"
    name: Literal["stdout", "stderr"]
    text: str


class StoredValue(Model):
    """A value in one or several forms, as in `Rich`. Its HTML is always a blob: show it from `rc2/api/frame/<sha256>`."""

    type: Literal["value"] = "value"
    data: dict[str, JsonValue]
    blobs: dict[str, Blob]
    metadata: dict[str, JsonValue]
    result: bool


class StoredError(Model):
    """Code ended with an error."""

    type: Literal["error"] = "error"
    name: str
    message: str
    traceback: tuple[str, ...]


StoredOutput = Annotated[StoredStream | StoredValue | StoredError, Field(discriminator="type")]


class Notebook(Model):
    """A notebook: its text, the outputs that its cells have in the file by the cells' names, and when the file was last written.

    `hash` is the version of the file, as Jupyter's contents API has it. `language` is that of its chunks, and `kernel` the
    name of the kernel that it asks for.
    """

    text: str
    hash: str
    writable: bool
    language: ShortText
    kernel: str | None
    modified: datetime
    outputs: dict[Identifier, tuple[StoredOutput, ...]]


class NotebookSave(Model):
    """`PUT notebook`: the text as it is now, of a file whose version is `read`; 409 where it has another one. `NotebookSaved`.

    `outputs` says which execution's output is now that of a cell; with null the cell gets none. Other cells keep theirs.
    `language` is for a file that isn't there, where `read` is null or the file was removed.
    """

    path: RelativePath
    text: Annotated[str, Field(max_length=2**26)]
    read: ShortText | None
    language: ShortText
    outputs: dict[Identifier, Identifier | None] = {}  # noqa: RUF012  (pydantic copies it)


class NotebookSaved(Model):
    """The file's version, since when it has what was sent, and names that cells have anew: where a notebook has no ids.

    `missing` are cells whose new output the session has no more: the file keeps the output that they had.
    """

    hash: str
    modified: datetime
    renamed: dict[Identifier, Identifier]
    missing: tuple[Identifier, ...] = ()
