"""What a profile found: the calls in which a language was while it computed, and the memory that it took there."""

from typing import Annotated

from pydantic import Field

from rspark_session.rc2.protocol.model import Count, Model, RelativePath, ShortText


class Measured(Model):
    """Samples of the profile, and bytes of memory that the language took between them; what it gave back is not subtracted."""

    samples: Count
    bytes: Count


class ProfiledCall(Measured):
    """A call, and all in it. `parent` is the number of the call that made it, in the list of calls, in which it comes before.

    `own` are samples in the call itself. `path` and `line` say where it was called, where that is a file's line.
    """

    name: ShortText
    parent: Count | None = None
    own: Count
    path: RelativePath | None = None
    line: Annotated[int, Field(ge=1)] | None = None


class ProfiledFunction(Measured):
    """All calls of a function; a sample in several of them counts once. `own` and `own_bytes` are of the function itself."""

    name: ShortText
    own: Count
    own_bytes: Count


class ProfiledLine(Measured):
    """A line of a file, and all that was called from it."""

    path: RelativePath
    line: Annotated[int, Field(ge=1)]


class Profile(Model):
    """A profile. `language` is as people call it, `interval` are the seconds of computing between two samples,
    `peak` the most bytes in use at one of them.

    `left_out` are calls that are too small to be in the list: their samples are in the call above. `note` is a sentence about
    what the profile is without.
    """

    language: ShortText = "R"
    interval: Annotated[float, Field(gt=0)]
    samples: Count
    bytes: Count
    peak: Count
    calls: tuple[ProfiledCall, ...]
    functions: tuple[ProfiledFunction, ...]
    lines: tuple[ProfiledLine, ...]
    left_out: Count = 0
    note: str | None = None
