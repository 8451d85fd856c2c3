"""ZIP archives, under `rc2/api/archive`. Paths are within the home.

`GET archive?path=…&path=…` downloads files and folders as one archive. `POST archive` says before in a sentence why it can't be.
"""

from typing import Annotated, Literal

from pydantic import Field

from rspark_session.rc2.protocol.model import Count, Model, RelativePath


class ArchiveRequest(Model):
    """`POST archive`: what a download of files and folders would be. `ArchivePlan`."""

    paths: Annotated[tuple[RelativePath, ...], Field(min_length=1, max_length=1000)]


class ArchivePlan(Model):
    """The archive's name, and how many files and bytes are in it. `left_out` counts links, and what may not be read."""

    name: str
    files: Count
    bytes: Count
    left_out: Count


class UnpackRequest(Model):
    """`POST archive/unpack`: make a folder of an archive; answers an `Unpacked` a line. To close the request is to stop it."""

    path: RelativePath


class Unpacked(Model):
    """How it goes. `done` and `failed` are the last: all is in `folder`, which is new, or nothing is, and `text` says why."""

    type: Literal["progress", "done", "failed"]
    files: Count = 0
    bytes: Count = 0
    all_bytes: Count = 0
    folder: str = ""
    text: str = ""
