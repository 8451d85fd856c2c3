"""The folder of a course on the wire."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from rsparkhub.domain.coursework import LONGEST_NAME, MOST_ASSIGNMENTS, NAME
from rsparkhub.wire.text import Answer, Ask, Moment

GivenId = Annotated[str, Field(description="Given once: what was put here never changes.", examples=["kq4wz7m2xb"])]


class DataFileView(Answer):
    """A file that a course gives to its students."""

    id: GivenId
    path: str = Field(examples=["week1/flights.csv"])
    size: int = Field(description="In bytes.")


class AssignmentView(Answer):
    """Work that has a due time of its own."""

    name: str = Field(description="For what is handed in under this name, with any ending.", examples=["lab1"])
    due: datetime


class CourseDataView(Answer):
    """What a course gives to its students, and how much more there is room for."""

    data: list[DataFileView] = Field(description="By their paths.")
    size: int = Field(description="How many bytes they have together.")
    room: int = Field(description="How many bytes they may have together.")


class CourseFolderView(Answer):
    """The folder of a course that you are in: one that takes work, or has something for you."""

    group: str
    instructor: bool = Field(description="Whether you are an instructor of it.")
    course_folder: bool = Field(description="Whether it takes work. Data, and what came back, you have also when it takes none.")
    due: datetime | None = Field(description="Until when work is to be handed in; null where nothing is said.")
    data: list[DataFileView] = Field(description="Empty where the question says so.")
    files: int | None = Field(
        default=None, description="How many files of data there are, listed or not."
    )  # a hub of the version before answers without it
    assignments: list[AssignmentView] = Field(
        default=[], description="Work with a due time of its own; `due` is for all other."
    )  # a hub of the version before answers without them
    file_size: int | None = Field(
        default=None, description="How many bytes a file may have that is handed in; null where it isn't said."
    )  # a hub of the version before answers without it


class CourseFolderList(Answer):
    courses: list[CourseFolderView]


class HandInView(Answer):
    """What a student handed in."""

    id: GivenId
    person: str = Field(
        description="Whose it is, by their id: their name, and of a second person of a name with a number behind.",
        examples=["ada"],
    )
    file: str = Field(examples=["lab1.Rmd"])
    size: int = Field(description="In bytes.")
    sha256: str
    at: datetime = Field(description="When it was sent.")
    due: datetime | None = Field(description="Until when work was to be handed in then.")
    late: bool
    assignment: str | None = Field(
        default=None, description="For which assignment with a due time of its own it was; null for all other work."
    )  # a hub of the version before answers without it
    returned: list["ReturnedView"] = Field(description="What came back on it, oldest first.")


class ReturnedView(Answer):
    """What an instructor gave back on something that was handed in."""

    id: GivenId
    file: str
    size: int = Field(description="In bytes.")
    at: datetime
    by: str


class HandInList(Answer):
    hand_ins: list[HandInView]


class AssignmentRule(Ask):
    """Until when one assignment is due."""

    name: str = Field(
        min_length=1,
        max_length=LONGEST_NAME,
        description="`lab1` is for what is handed in as lab1.Rmd or lab1.tar.gz; a name with its ending for that alone.",
        examples=["lab1"],
        json_schema_extra={"pattern": f"^{NAME}$"},
    )
    due: Moment | None = Field(description="Null takes its own time away: then it is due as all other work is.")


class CourseFolderRule(Ask):
    """Whether a course takes work, and until when it is to be handed in. What is left out stays as it is."""

    course_folder: bool | None = Field(
        default=None, description="Whether its people hand in work; null as it is. Data are given also when it takes none."
    )
    due: Moment | None = Field(
        default=None,
        description="What comes later is marked late; it is taken all the same. Null is never; what is left out stays as it is.",
    )
    assignments: list[AssignmentRule] = Field(
        default=[], max_length=MOST_ASSIGNMENTS, description="Assignments whose own due times change; all others stay."
    )
