"""Groups with instructors on the wire."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from rsparkhub.wire.coursework import AssignmentView
from rsparkhub.wire.handout import NewLink
from rsparkhub.wire.text import Answer, Ask, PersonName

_VIEW = "Whether instructors of the group look into the sessions of the others in it."
#: Several lines, and no other control characters.
_Text = Annotated[str, Field(min_length=1, max_length=1000, pattern=r"^[^\x00-\x09\x0b-\x1f\x7f]*$")]


class AnnouncementView(Answer):
    """What a group is told."""

    text: str
    link: str | None = Field(
        description="Starts the work that is handed out; null where there is none.", examples=["/hub/start?environment=rspark"]
    )
    by: str
    at: datetime


class MembershipView(Answer):
    """A group that you are in."""

    group: str
    instructor: bool = Field(description="Whether you are an instructor of it.")
    instructors_view: bool = Field(description="Whether its instructors can look into your sessions.")
    announcement: AnnouncementView | None
    course_folder: bool = Field(description="Whether its course folder takes work of yours, or has something for you.")
    due: datetime | None = Field(description="When work is due next; null where none is.")


class CoursePersonView(Answer):
    """Somebody in a group, as its instructors see them."""

    name: str
    full_name: str | None
    email: str | None
    instructor: bool
    last_seen: datetime | None
    disabled: datetime | None = Field(description="Since when they may not sign in; null when they may.")
    hand_ins: int = Field(description="How many times they handed in work that is still here.")


class CourseView(Answer):
    """A group, as its instructors see it."""

    name: str
    instructors_view: bool = Field(description=_VIEW)
    announcement: AnnouncementView | None
    may_add: Literal["nobody", "new", "anybody"] = Field(
        description="Whom you may put into it: nobody, `new` people alone, or also who is here already."
    )
    course_folder: bool = Field(description="Whether its people hand in work, into its course folder.")
    due: datetime | None = Field(description="Until when work is to be handed in; null where nothing is said.")
    assignments: list[AssignmentView] = Field(
        default=[], description="Work with a due time of its own; `due` is for all other."
    )  # a hub of the version before answers without them
    file_size: int = Field(description="How many bytes a file may have that is given, handed in or given back.")
    people: list[CoursePersonView]


class NewAnnouncement(Ask):
    """What a group is told from now on; without a text, nothing."""

    text: _Text | None = None
    work: NewLink | None = Field(default=None, description="The work that is handed out with it.")


class Instructors(Ask):
    instructors: list[PersonName] = Field(
        max_length=1000, description="These and nobody else; whoever is not in the group joins it."
    )


class CourseRule(Ask):
    """The rule of a group."""

    instructors_view: bool = Field(description=_VIEW)


class MorePeople(Ask):
    """Who is to come into a group; they are here already."""

    people: list[PersonName] = Field(min_length=1, max_length=2000)
