"""From what things are inside to what the API says of them: pure."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Literal

from rspark_contract.ensemble import is_beside, path_beside
from rspark_contract.saved import SleepRefusal
from rspark_contract.status import ComponentState
from rsparkhub.api.sentences import Sentences
from rsparkhub.api.serializers.components import components_of
from rsparkhub.api.serializers.event_text import Subjects, event_text
from rsparkhub.api.serializers.warnings import stuck_warnings, warnings_of
from rsparkhub.domain.course import Announcement
from rsparkhub.domain.coursework import Assignment, CourseFile, CourseFolder, Room, assignment_of, by_name
from rsparkhub.domain.environment import Environment, Lifecycle
from rsparkhub.domain.event import Event
from rsparkhub.domain.scope import in_order
from rsparkhub.domain.session import Component, LastExit, Session, SessionVisit
from rsparkhub.domain.share import Share
from rsparkhub.domain.sleep_time import can_extend, kept_until, sleep_time
from rsparkhub.domain.start_options import StartOption, chosen, options_in_force
from rsparkhub.domain.user import LeftData, User, name_in, removed_label
from rsparkhub.store.courses import TaughtGroup
from rsparkhub.store.credentials import Token
from rsparkhub.wire.course import AnnouncementView, CoursePersonView, CourseView
from rsparkhub.wire.coursework import AssignmentView, CourseDataView, CourseFolderView, DataFileView, HandInView, ReturnedView
from rsparkhub.wire.environment import EnvironmentView, LifecycleView, ResourcesView, StartChoiceView, StartOptionView
from rsparkhub.wire.record import EventView
from rsparkhub.wire.session import (
    BesideView,
    LastExitView,
    LostObjectView,
    RestoredView,
    SavedView,
    ServiceView,
    SessionView,
    SleepRefusedView,
    SleepTimeView,
    VisitView,
)
from rsparkhub.wire.share import ShareView
from rsparkhub.wire.users import RemovedGroupView, RemovedUserView, TokenView, UserView


def session_view(
    session: Session,
    *,
    environment: Environment | None,
    position: int | None,
    owner: str,
    now: datetime,
    longest_extension: timedelta = timedelta(),
    deleted_at: datetime | None = None,
) -> SessionView:
    """Return the view of a session.

    Parameters
    ----------
    environment
        None when the catalog no longer has it.
    owner
        The owner's label.
    longest_extension
        How far ahead its sleep may be put off.
    """
    spec = environment.spec if environment else None
    values = options_in_force(spec.options, session.options) if spec else session.options
    choice = chosen(spec.options, values) if spec else None
    return SessionView(
        id=session.id,
        owner=owner,
        name=session.name,
        environment=session.environment,
        title=environment.metadata.title if environment else session.environment,
        interface=environment.spec.interface.name if environment else None,
        interface_title=environment.spec.interface.title if environment else None,
        beside=[
            BesideView(name=name, title=choice.title, url=path_beside(f"/s/{session.id}/", name))
            for name, choice in (spec.beside if spec else {}).items()
        ],
        viewable=bool(spec and spec.interface.viewable and not spec.beside and not session.opens_several),
        state=session.state,
        wanted=session.wanted,
        reason=session.reason,
        detail=session.detail,
        queue_position=position,
        url=f"/s/{session.id}/",
        created=session.created,
        started=session.started,
        ready=session.ready,
        ended=session.ended,
        last_activity=session.last_activity,
        busy=session.busy,
        busy_with=list(session.busy_with),
        memory=session.memory,
        cpu=session.cpu,
        memory_limit=int((choice and choice.memory) or spec.resources.memory) if spec else None,
        cpu_limit=((choice and choice.cpu) or spec.resources.cpu) if spec else None,
        cost=None,
        generation=session.generation,
        last_exit=_last_exit_view(session.last_exit),
        sleep_refused=_sleep_refused_view(session.refusal),
        restored=RestoredView.model_validate(session.restored.to_json()) if session.restored else None,
        sleeps=_sleep_time_view(session, spec.lifecycle, longest_extension, now) if spec else None,
        kept_until=kept_until(session, spec.lifecycle) if spec else None,
        services=[ServiceView(name=p.name, title=p.title, state=p.state, reason=p.reason) for p in _shown(session.components)],
        warnings=[
            *(warnings_of(session, spec.lifecycle, now) if spec else ()),
            *stuck_warnings(session, deleted_at=deleted_at, now=now),
        ],
        visits=[_visit_view(visit) for visit in session.visits],
        project=session.project,
        options=values,
    )


def _visit_view(visit: SessionVisit) -> VisitView:
    to: Literal["interface", "log"] = "log" if visit.to == "log" else "interface"
    return VisitView(by=name_in(visit.person), group=visit.group, to=to, at=visit.at)


def course_view(
    group: TaughtGroup,
    handed_in: Mapping[str, int],
    assignments: Iterable[Assignment],
    *,
    may_add: Literal["nobody", "new", "anybody"],
    room: Room,
) -> CourseView:
    """Return the view of a group as its instructors see it.

    `handed_in` is how many times each person handed in work, by their id, and `may_add` whom whoever asks may add.
    """
    people = [
        CoursePersonView(
            name=user.name,
            full_name=user.full_name,
            email=user.email,
            instructor=group.name in user.teaches,
            last_seen=user.last_seen,
            disabled=user.disabled,
            hand_ins=handed_in.get(user.id, 0),
        )
        for user in group.people
    ]
    return CourseView(
        name=group.name,
        instructors_view=group.instructors_view,
        announcement=announcement_view(group.announcement),
        may_add=may_add,
        course_folder=group.course_folder,
        due=group.due,
        assignments=assignment_views(assignments),
        file_size=room.file,
        people=people,
    )


def announcement_view(said: Announcement | None) -> AnnouncementView | None:
    """Return the view of what a group is told."""
    return None if said is None else AnnouncementView(text=said.text, link=said.link, by=name_in(said.by), at=said.at)


def course_folder_view(folder: CourseFolder, *, files: int, room: Room) -> CourseFolderView:
    """Return the view of a course folder that somebody has, whose data are so many files, listed or not."""
    data = [data_file_view(file) for file in folder.data]
    return CourseFolderView(
        group=folder.group, instructor=folder.instructor, course_folder=folder.is_open, due=folder.due, data=data,
        assignments=assignment_views(folder.assignments), files=files, file_size=room.file,
    )  # fmt: skip


def assignment_views(assignments: Iterable[Assignment]) -> list[AssignmentView]:
    """Return the views of assignments, the first that is due first."""
    return [AssignmentView(name=each.name, due=each.due) for each in sorted(assignments, key=lambda each: (each.due, each.name))]


def course_data_view(files: Iterable[CourseFile], *, room: Room) -> CourseDataView:
    """Return the view of the data of a course."""
    data = sorted((data_file_view(file) for file in files), key=lambda each: each.path)
    return CourseDataView(data=data, size=sum(each.size for each in data), room=room.data)


def data_file_view(file: CourseFile) -> DataFileView:
    """Return the view of a file that a course gives."""
    return DataFileView(id=file.id, path=file.name, size=file.size)


def hand_in_views(
    files: Iterable[CourseFile], returned: Iterable[CourseFile] = (), assignments: Iterable[Assignment] = ()
) -> list[HandInView]:
    """Return the views of what was handed in, each with what came back on it.

    One that came before its assignment got a due time of its own is for that too; what it was due then stays.
    """
    back: dict[str | None, list[ReturnedView]] = {}
    named = by_name(assignments)  # once: a large course has ten thousand hand-ins
    for file in returned:
        back.setdefault(file.of, []).append(returned_view(file))
    return [
        HandInView(
            id=file.id, person=file.person or "", file=file.name, size=file.size, sha256=file.digest, at=file.created,
            due=file.due, late=file.late,
            assignment=of.name if (of := assignment_of(file.name, named)) else file.assignment,
            returned=back.get(file.id, []),
        )
        for file in files
    ]  # fmt: skip


def returned_view(file: CourseFile) -> ReturnedView:
    """Return the view of what came back."""
    return ReturnedView(id=file.id, file=file.name, size=file.size, at=file.created, by=name_in(file.by))


def _shown(components: Iterable[Component]) -> Iterator[Component]:
    """Yield the components that a start waits for, and of the interfaces beside the first those that somebody has opened."""
    for each in components:
        if not (is_beside(each.name) and each.state is ComponentState.WAITING):
            yield each


def _sleep_time_view(session: Session, lifecycle: Lifecycle, most: timedelta, now: datetime) -> SleepTimeView | None:
    planned = sleep_time(session, lifecycle, now=now)
    if planned is None:
        return None
    return SleepTimeView(at=planned.at, why=planned.why, can_extend=can_extend(session, lifecycle, most=most, now=now))


def without_details(session: Session) -> Session:
    """Return a session of which something can't be shown, with no more than it takes to find it and to end it."""
    return Session(
        id=session.id,
        owner=session.owner,
        name=session.name,
        environment=session.environment,
        wanted=session.wanted,
        state=session.state,
        generation=session.generation,
        created=session.created,
        queued_at=session.queued_at,
        reason="Something of this session can't be shown. It can be stopped and deleted; tell your administrator.",
    )


def environment_view(environment: Environment, *, expected_start: float | None, expected_resume: float | None) -> EnvironmentView:
    """Return the view of an entry of the catalog."""
    spec = environment.spec
    return EnvironmentView(
        name=environment.name,
        title=environment.metadata.title,
        description=environment.metadata.description,
        interface=environment.spec.interface.name,
        interface_title=environment.spec.interface.title,
        kernels=list(spec.kernels),
        services=list(spec.services),
        components=components_of(environment),
        resources=ResourcesView(cpu=spec.resources.cpu, memory=int(spec.resources.memory)),
        lifecycle=LifecycleView(**{name: getattr(spec.lifecycle, name) for name in LifecycleView.model_fields}),
        expected_start=expected_start,
        expected_resume=expected_resume,
        options=[_option_view(name, option) for name, option in spec.options.items()],
        unavailable=environment.unavailable,
        hidden=environment.metadata.hidden,
    )


def _option_view(name: str, option: StartOption) -> StartOptionView:
    return StartOptionView(
        name=name,
        title=option.title,
        description=option.description,
        kind=option.kind,
        default=option.default,
        choices=[StartChoiceView(value=each.value, title=each.title or each.value) for each in option.choices],
        least=option.least,
        most=option.most,
    )


def user_view(user: User) -> UserView:
    """Return the view of a user."""
    return UserView(
        name=user.name,
        admin=user.admin,
        groups=sorted(user.groups),
        created=user.created,
        last_seen=user.last_seen,
        has_password=user.has_password,
        disabled=user.disabled,
        full_name=user.full_name,
        email=user.email,
    )


def share_view(share: Share) -> ShareView:
    """Return the view of a share."""
    return ShareView(
        id=share.id,
        kind="person" if share.group is None else "group",
        name=share.group or name_in(share.person or ""),
        role=share.role,
        created=share.created,
        expires=share.expires,
    )


def token_view(token: Token) -> TokenView:
    """Return the view of an API token."""
    return TokenView(
        id=token.id,
        name=token.name,
        owner=token.user_name,
        session=None,  # a session's own token is made from its secret and is not kept
        created=token.created,
        expires=token.expires,
        last_used=token.last_used,
        scopes=in_order(token.scopes),
    )


def event_view(event: Event, labels: Mapping[str, str], session_names: Mapping[str, str], sentences: Sentences) -> EventView:
    """Return the view of an event, as these sentences tell it.

    `labels` says what people are called, by id, and `session_names` what sessions are.
    """
    by = None if event.by is None else labels.get(event.by, event.by)
    owner = None if event.owner is None else labels.get(event.owner, event.owner)
    name = session_names.get(event.session)
    return EventView(
        id=event.id,
        session=event.session or None,
        session_name=name,
        at=event.at,
        kind=event.kind,
        by=by,
        owner=owner,
        text=event_text(event.kind, event.data, Subjects(by=by, owner=owner, session=name or event.session or None), sentences),
        data=event.data,
    )


def _last_exit_view(last: LastExit | None) -> LastExitView | None:
    if last is None:
        return None
    saved = SavedView.model_validate(last.saved.to_json()) if last.saved else None
    return LastExitView(code=last.code, ended=list(last.ended), saved=saved, at=last.at)


def _sleep_refused_view(refusal: SleepRefusal | None) -> SleepRefusedView | None:
    if refusal is None:
        return None
    lost = [LostObjectView.model_validate(each.to_json()) for each in refusal.lost]
    return SleepRefusedView(at=refusal.at, reason=refusal.reason, lost=lost)


def removed_user_view(left: LeftData) -> RemovedUserView:
    """Return the view of somebody who was removed."""
    return RemovedUserView(
        id=left.owner, name=removed_label(left.owner), removed=left.removed, data=left.data, left=list(left.left)
    )


def removed_group_view(left: LeftData) -> RemovedGroupView:
    """Return the view of a group that was removed."""
    return RemovedGroupView(
        id=left.owner, name=removed_label(left.owner), removed=left.removed, data=left.data, left=list(left.left)
    )
