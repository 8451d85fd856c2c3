"""What all messages of the protocol stand on, and what several of them hold."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

#: Grows with every change after which an older client or server would misunderstand the other.
VERSION = 1

Identifier = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
ShortText = Annotated[str, Field(max_length=1000)]
RelativePath = Annotated[str, Field(max_length=4096)]
Count = Annotated[int, Field(ge=0)]


class Model(BaseModel):
    """What all messages share."""

    model_config = ConfigDict(extra="ignore", frozen=True, json_schema_serialization_defaults_required=True)


class Source(Model):
    """Where code stands that is executed: lines of a file, the first of which is 1, and the chunk by its label or number."""

    path: RelativePath
    first_line: Annotated[int, Field(ge=1)]
    last_line: Annotated[int, Field(ge=1)]
    chunk: ShortText | None = None


class Figure(Model):
    """The size of plots, in inches, and their density in pixels an inch."""

    width: Annotated[float, Field(gt=0, le=100)] = 7.0
    height: Annotated[float, Field(gt=0, le=100)] = 5.0
    density: Annotated[float, Field(ge=20, le=1000)] = 96.0


class Problem(Model):
    """What a request gets that can't be served; `title` is a sentence."""

    title: str
    status: int
