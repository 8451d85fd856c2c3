"""What the instructors of a group do for it: see who is in it and their sessions, add people, announce, hand out work."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query

from rsparkhub.api.context import AppContext, Context
from rsparkhub.api.identity import by_now, check_instructor, find_session, person
from rsparkhub.api.problems import responses
from rsparkhub.api.resources.handouts import link_path
from rsparkhub.api.resources.roster import links_of
from rsparkhub.api.serializers.views import course_view
from rsparkhub.domain.access import Action, Identity, Installation, may
from rsparkhub.domain.course import LONGEST_LINK, Announcement
from rsparkhub.domain.errors import Conflict, InvalidInput, NotAllowed
from rsparkhub.domain.roster import RosterProblem, RosterRow, read_roster
from rsparkhub.domain.scope import Scope
from rsparkhub.wire.course import CourseView, MorePeople, NewAnnouncement
from rsparkhub.wire.session import SessionList
from rsparkhub.wire.users import Roster, RosterProblemView, RosterResult

router = APIRouter(prefix="/hub/api/groups/{name}", tags=["courses"])

Person = Annotated[Identity, person(Scope.USERS)]
Watcher = Annotated[Identity, person(Scope.SESSIONS)]

_PAGE = 1000


@router.get("", summary="One group", responses=responses(401, 403, 404))
async def show(name: str, identity: Person, context: Context) -> CourseView:
    """With who is in it; for its instructors and administrators."""
    check_instructor(identity, name, to=Action.READ)
    return await view_of(context, identity, name)


@router.get("/sessions", summary="The sessions of a group", responses=responses(401, 403, 404, 422))
async def list_sessions(
    name: str,
    identity: Watcher,
    context: Context,
    limit: Annotated[int, Query(ge=1, le=_PAGE)] = _PAGE,
    after: Annotated[str | None, Query(description="The id of the last one that you have.", max_length=40)] = None,
) -> SessionList:
    """Those of everybody in it but its instructors and administrators, newest first."""
    check_instructor(identity, name, to=Action.READ)
    await context.store.courses.get(name)
    last = None if after is None else await find_session(context, identity, after)
    found = await context.store.courses.sessions(name, limit=limit + 1, after=last)
    more = found[limit - 1].id if len(found) > limit else None
    return SessionList(sessions=context.in_words(await context.serializer.serialize(found[:limit])), next=more)


@router.post("/people", summary="Put people into a group", responses=responses(401, 403, 404, 409, 422))
async def add_people(name: str, body: MorePeople, identity: Person, context: Context) -> CourseView:
    """People who are here already, and no administrators. Instructors may where the setting `instructors_add` is `anybody`."""
    check_instructor(identity, name, to=Action.CHANGE)
    if _may_add(context, identity) != "anybody":
        raise NotAllowed("Only administrators put people who are here already into a group. Ask one of them.")
    await context.store.courses.add(name, body.people, up_to=_up_to(context, identity), by=by_now(identity, context))
    return await view_of(context, identity, name)


@router.post("/roster", summary="Add a class to a group", responses=responses(401, 403, 404, 409, 422))
async def add_class(name: str, body: Roster, identity: Person, context: Context) -> RosterResult:
    """Accounts and one-time sign-in links for new people, all in this group. Of whoever is here already nothing is changed.

    Where something is wrong in a line, the answer says what and where, and nobody is added.
    """
    check_instructor(identity, name, to=Action.CHANGE)
    may_add = _may_add(context, identity)
    if may_add == "nobody":
        raise NotAllowed("Instructors add nobody here. Send the list to an administrator.")
    rows, problems = read_roster(body.text)
    problems += [problem for row in rows if (problem := _elsewhere(row, name))]
    take_in, up_to = may_add == "anybody", _up_to(context, identity)
    problems += await context.store.courses.problems(name, rows, take_in=take_in, up_to=up_to)
    if problems or body.check:
        wrong = [RosterProblemView(line=each.line, text=each.text) for each in sorted(problems, key=lambda each: each.line)]
        return RosterResult(problems=wrong, added=[], there=[], links="")
    by = by_now(identity, context)
    added, there = await context.store.courses.add_all(name, rows, take_in=take_in, up_to=up_to, by=by)
    new = frozenset(added)
    links = await links_of(context, identity, [row for row in rows if row.name in new]) if body.links and added else ""
    return RosterResult(problems=[], added=added, there=there, links=links)


@router.put("/announcement", summary="Tell a group something", responses=responses(401, 403, 404, 409, 422))
async def announce(name: str, body: NewAnnouncement, identity: Person, context: Context) -> CourseView:
    """In the place of what it was told before. With `work` it comes with a link that starts it, and brings its files."""
    check_instructor(identity, name, to=Action.CHANGE)
    if body.text is None and body.work is not None:
        raise Conflict("Work is handed out with a text. Say in `text` what it is.")
    if body.text is not None and not body.text.strip():
        raise InvalidInput("What a group is told can't be blank. Write something, or leave `text` out to take it back.")
    announcement = None
    if body.text is not None:
        link = None if body.work is None else link_path(body.work, identity, context)
        if link is not None and len(link) > LONGEST_LINK:
            raise InvalidInput(
                f"The link of this work has {len(link)} characters, and may have {LONGEST_LINK}. Choose fewer options."
            )
        announcement = Announcement(text=body.text, link=link, by=identity.user.id, at=context.now())
    await context.store.courses.announce(name, announcement, by=by_now(identity, context))
    return await view_of(context, identity, name)


async def view_of(context: AppContext, identity: Identity, name: str) -> CourseView:
    """Return the view of a group as whoever asks may see it."""
    group, handed_in = await context.store.courses.get(name), await context.store.coursework.handed_in(name)
    assignments = await context.store.coursework.assignments(name)
    return course_view(group, handed_in, assignments, may_add=_may_add(context, identity), room=context.settings.course_room)


def _may_add(context: AppContext, identity: Identity) -> Literal["nobody", "new", "anybody"]:
    return "anybody" if may(identity, Action.CHANGE, Installation()) else context.settings.instructors_add


def _up_to(context: AppContext, identity: Identity) -> int | None:
    """Return up to how many people in a group somebody may add to it; None for any number."""
    return None if may(identity, Action.CHANGE, Installation()) else context.settings.instructors_add_up_to


def _elsewhere(row: RosterRow, name: str) -> RosterProblem | None:
    """Return what is wrong with a row that is about more than this group."""
    if row.group not in {None, name}:
        return RosterProblem(row.line, f"Here people are added to {name}. Leave the group out.")
    if row.instructor:
        return RosterProblem(row.line, "Instructors are made by administrators. Leave the role out.")
    return None
