"""The folder of a course: data that its people get, what students hand in, and what comes back to each.

A file is the body of a request, whatever it holds: nothing here opens it. It is sent to the store in pieces.
"""

import hashlib
import zipfile
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import StreamingResponse

from rsparkhub.api.context import AppContext, Context
from rsparkhub.api.identity import (
    administrator,
    by_now,
    check_course,
    check_instructor,
    person,
    person_or_session,
)
from rsparkhub.api.problems import responses
from rsparkhub.api.resources.courses import view_of
from rsparkhub.api.serializers.views import (
    course_data_view,
    course_folder_view,
    data_file_view,
    hand_in_views,
    returned_view,
)
from rsparkhub.domain.access import Action, Group, Identity, may
from rsparkhub.domain.coursework import (
    LONGEST_NAME,
    LONGEST_PATH,
    NAME,
    PATH,
    PIECE,
    CourseFile,
    FileKind,
    check_due,
    check_name,
    check_path,
)
from rsparkhub.domain.errors import InvalidInput, NotFound
from rsparkhub.domain.scope import Scope
from rsparkhub.domain.user import id_of_label, name_in
from rsparkhub.wire.course import CourseView
from rsparkhub.wire.coursework import (
    CourseDataView,
    CourseFolderList,
    CourseFolderRule,
    DataFileView,
    HandInList,
    HandInView,
    ReturnedView,
)

router = APIRouter(prefix="/hub/api", tags=["courses"])

Instructor = Annotated[Identity, person(Scope.USERS)]
Administrator = Annotated[Identity, administrator(Scope.USERS)]
Member = Annotated[Identity, person_or_session(Scope.SESSIONS)]
IdInPath = Annotated[str, Path(alias="id", description="The file's id.", max_length=40)]
FileName = Annotated[
    str,
    Query(
        description="What the file is called.",
        max_length=LONGEST_NAME,
        examples=["lab1.Rmd"],
        json_schema_extra={"pattern": f"^{NAME}$"},
    ),
]
FilePath = Annotated[
    str,
    Query(
        description="Where it lies below `data`.", max_length=LONGEST_PATH, examples=["week1/flights.csv"],
        json_schema_extra={"pattern": f"^{PATH}$"},
    ),
]  # fmt: skip

_BYTES = {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}
_ZIP = {"content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}}}
_SENT = {"requestBody": {"required": True, **_BYTES}}


@dataclass(frozen=True)
class Sent:
    """The file that a request is the body of, before it is read."""

    request: Request
    size: int


async def sent_file(request: Request) -> Sent:
    """Return the file that is sent; what is sent without saying how long it is, is refused."""
    announced = request.headers.get("content-length", "")
    if not announced.isdecimal():
        raise InvalidInput("Say how long the file is, in the header Content-Length: its room is taken first.")
    return Sent(request, int(announced[:18]))


SentFile = Annotated[Sent, Depends(sent_file)]


@router.get("/courses", summary="The folders of your courses", responses=responses(401, 403))
async def list_courses(
    identity: Member,
    context: Context,
    data: Annotated[
        bool, Query(description="Whether the files of their data are listed, of which there may be thousands.")
    ] = True,
) -> CourseFolderList:
    """Of the groups that you are in, those that take work or have something for you; with the data that each gives you."""
    check_course(identity, None, to=Action.READ)
    store, room = context.store.coursework, context.settings.course_room
    folders = await store.of_user(identity.user.name, with_data=data)
    files = {each.group: len(each.data) for each in folders} if data else await store.count_data(each.group for each in folders)
    return CourseFolderList(courses=[course_folder_view(each, files=files.get(each.group, 0), room=room) for each in folders])


@router.put("/groups/{name}/course-folder", summary="Open or close a course folder", responses=responses(401, 403, 404, 409, 422))
async def set_folder(name: str, body: CourseFolderRule, identity: Instructor, context: Context) -> CourseView:
    """With the due time of all work, and of single assignments that have their own; what is left out stays as it is.

    One that is closed takes no work. Data stay in sessions, and instructors give, give back and read as before.
    """
    check_instructor(identity, name, to=Action.CHANGE)
    by = by_now(identity, context)
    due = check_due(body.due) if "due" in body.model_fields_set else ...
    own = {check_name(each.name): check_due(each.due) for each in body.assignments}
    await context.store.coursework.set_folder(name, is_open=body.course_folder, due=due, assignments=own, by=by)
    return await view_of(context, identity, name)


@router.get("/groups/{name}/data", summary="The data of a course", responses=responses(401, 403, 404))
async def list_data(name: str, identity: Instructor, context: Context) -> CourseDataView:
    """With the room that they take; for instructors. Everybody else in the group has them by `GET /courses`."""
    check_instructor(identity, name, to=Action.READ)
    return course_data_view(await context.store.coursework.list(name, FileKind.DATA), room=context.settings.course_room)


@router.put(
    "/groups/{name}/data",
    summary="Give a file to a course",
    responses=responses(401, 403, 404, 409, 413, 422),
    openapi_extra=_SENT,
)
async def put_data(
    name: str,
    path: FilePath,
    sent: SentFile,
    identity: Instructor,
    context: Context,
) -> DataFileView:
    """In the place of what had this path before. Sessions that run get it in some minutes."""
    check_instructor(identity, name, to=Action.CHANGE)
    return data_file_view(await _take(sent, FileKind.DATA, name, check_path(path), identity=identity, context=context))


@router.delete("/groups/{name}/data/{id}", status_code=204, summary="Take a file away", responses=responses(401, 403, 404))
async def remove_data(name: str, file_id: IdInPath, identity: Instructor, context: Context) -> None:
    """Sessions that run have it no longer in some minutes; who copied it keeps the copy."""
    check_instructor(identity, name, to=Action.CHANGE)
    await context.store.coursework.remove_data(name, file_id, by=by_now(identity, context))


@router.get(
    "/groups/{name}/data/{id}",
    summary="Read a file of a course",
    responses=responses(401, 403, 404),
    response_class=StreamingResponse,
)
async def read_data(name: str, file_id: IdInPath, identity: Member, context: Context) -> StreamingResponse:
    """For everybody in the group."""
    check_course(identity, name, to=Action.READ)
    return _sent(context, await _find(context, name, file_id, FileKind.DATA))


@router.post(
    "/groups/{name}/hand-ins", status_code=201, summary="Hand in a file",
    responses=responses(401, 403, 404, 409, 413, 422), openapi_extra=_SENT,
)  # fmt: skip
async def hand_in(name: str, file: FileName, sent: SentFile, identity: Member, context: Context) -> HandInView:
    """Kept with its time, beside what you handed in before. Whole or not at all."""
    check_course(identity, name, to=Action.CHANGE)
    file = check_name(file)
    return hand_in_views([await _take(sent, FileKind.HAND_IN, name, file, identity=identity, context=context)])[0]


@router.get("/groups/{name}/hand-ins", summary="What was handed in", responses=responses(401, 403, 404))
async def list_hand_ins(name: str, identity: Instructor, context: Context) -> HandInList:
    """By everybody, oldest first; for instructors."""
    check_instructor(identity, name, to=Action.READ)
    return await _list(context, name)


@router.get("/groups/{name}/my-hand-ins", summary="What you handed in", responses=responses(401, 403, 404))
async def list_own(name: str, identity: Member, context: Context) -> HandInList:
    """Oldest first, with what came back."""
    check_course(identity, name, to=Action.READ)
    return await _list(context, name, person=identity.user.id)


@router.get(
    "/groups/{name}/hand-ins.zip",
    summary="All that was handed in",
    responses={200: _ZIP, **responses(401, 403, 404)},
    response_class=StreamingResponse,
)
async def collect(name: str, identity: Instructor, context: Context) -> StreamingResponse:
    """As one ZIP file with a folder for each person; for instructors."""
    check_instructor(identity, name, to=Action.READ)
    files = await context.store.coursework.list(name, FileKind.HAND_IN)
    await context.store.coursework.note_read(name, "", owner=None, by=by_now(identity, context))
    return _Download(_zip(context, files), name=f"{name}.zip", media_type="application/zip")


@router.get(
    "/groups/{name}/hand-ins/{id}",
    summary="Read what was handed in",
    responses=responses(401, 403, 404),
    response_class=StreamingResponse,
)
async def read_hand_in(name: str, file_id: IdInPath, identity: Member, context: Context) -> StreamingResponse:
    """Your own, or as an instructor by a token of yours or in a browser anybody's."""
    check_course(identity, name, to=Action.READ)
    file = await _find(context, name, file_id, FileKind.HAND_IN, own_to=identity)
    if file.person != identity.user.id:
        await context.store.coursework.note_read(name, file.name, owner=file.person, by=by_now(identity, context))
    return _sent(context, file)


@router.delete(
    "/groups/{name}/hand-ins/{id}", status_code=204, summary="Remove what was handed in", responses=responses(401, 403, 404)
)
async def remove_hand_in(name: str, file_id: IdInPath, identity: Instructor, context: Context) -> None:
    """With what was given back on it, so that its student has room for more; for instructors. It can't be had back."""
    check_instructor(identity, name, to=Action.CHANGE)
    await context.store.coursework.remove_hand_in(name, file_id, by=by_now(identity, context))


@router.post(
    "/groups/{name}/hand-ins/{id}/returned", status_code=201, summary="Give something back",
    responses=responses(401, 403, 404, 409, 413, 422), openapi_extra=_SENT,
)  # fmt: skip
async def give_back(
    name: str, file_id: IdInPath, *, file: FileName, sent: SentFile, identity: Instructor, context: Context
) -> ReturnedView:
    """Remarks on what a student handed in, who finds them beside it."""
    check_instructor(identity, name, to=Action.CHANGE)
    file = check_name(file)
    about = await _find(context, name, file_id, FileKind.HAND_IN)
    return returned_view(await _take(sent, FileKind.RETURNED, name, file, of=about, identity=identity, context=context))


@router.get(
    "/groups/{name}/returned/{id}",
    summary="Read what came back",
    responses=responses(401, 403, 404),
    response_class=StreamingResponse,
)
async def read_returned(name: str, file_id: IdInPath, identity: Member, context: Context) -> StreamingResponse:
    """What came back to you, or as an instructor to anybody."""
    check_course(identity, name, to=Action.READ)
    return _sent(context, await _find(context, name, file_id, FileKind.RETURNED, own_to=identity))


@router.get(
    "/removed-groups/{id}/hand-ins.zip",
    summary="All that was handed in to a group that was removed",
    responses={200: _ZIP, **responses(401, 403, 404)},
    response_class=StreamingResponse,
)
async def collect_removed(
    group: Annotated[str, Path(alias="id", max_length=64)], identity: Administrator, context: Context
) -> StreamingResponse:
    """As one ZIP file with a folder for each person; for administrators, while it is kept."""
    group_id = id_of_label(group) or group
    files = await context.store.coursework.of_removed_group(group_id, FileKind.HAND_IN)
    if not files:
        raise NotFound("Nothing is kept that was handed in to such a group. `rsparkhub group removed` lists what is left.")
    await context.store.coursework.note_read(name_in(group_id), "", owner=None, by=by_now(identity, context))
    return _Download(_zip(context, files), name=f"{group_id}.zip", media_type="application/zip")


async def _list(context: AppContext, name: str, *, person: str | None = None) -> HandInList:
    store = context.store.coursework
    files = await store.list(name, FileKind.HAND_IN, person=person)
    returned = await store.list(name, FileKind.RETURNED, person=person)
    return HandInList(hand_ins=hand_in_views(files, returned, await store.assignments(name)))


async def _find(context: AppContext, name: str, file_id: str, kind: FileKind, *, own_to: Identity | None = None) -> CourseFile:
    """Return a file of a kind; with `own_to`, one that is theirs, or anybody's to an instructor."""
    file = await context.store.coursework.get(name, file_id)
    if file.kind is not kind or (
        own_to is not None and file.person != own_to.user.id and not may(own_to, Action.READ, Group(name))
    ):
        raise NotFound("There is no such file in this course. It may have been taken away.")
    return file


async def _take(
    sent: Sent,
    kind: FileKind,
    name: str,
    file_name: str,
    *,
    of: CourseFile | None = None,
    identity: Identity,
    context: AppContext,
) -> CourseFile:
    """Store the body of a request as a file; what did not come to its end is nothing.

    One that is too large never comes here: `BodyLimitMiddleware` refuses it.
    """
    store, room = context.store.coursework, context.settings.course_room
    by = by_now(identity, context)
    file_id = await store.begin(name, kind, file_name, size=sent.size, of=of, room=room, by=by)
    try:
        digest, number, piece, read = hashlib.sha256(), 0, bytearray(), 0
        async for chunk in sent.request.stream():
            digest.update(chunk)
            piece += chunk
            read += len(chunk)
            while len(piece) >= PIECE:
                await store.write(file_id, number, bytes(piece[:PIECE]))
                number, piece = number + 1, piece[PIECE:]
        if piece:
            await store.write(file_id, number, bytes(piece))
        if read != sent.size:
            raise InvalidInput("The file did not come whole. Send it again.")
        return await store.finish(name, kind, file_id, digest=digest.hexdigest(), by=by, session=identity.session)
    except BaseException:
        await store.drop(file_id)
        raise


class _Download(StreamingResponse):
    """A file that a browser saves, and never shows: it is somebody's."""

    def __init__(self, content: AsyncIterator[bytes], *, name: str, media_type: str, size: int | None = None) -> None:
        headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}"}
        if size is not None:
            headers["Content-Length"] = str(size)
        super().__init__(content, media_type=media_type, headers=headers)


def _sent(context: AppContext, file: CourseFile) -> StreamingResponse:
    name = file.name.rpartition("/")[2]
    return _Download(context.store.coursework.read(file), name=name, media_type="application/octet-stream", size=file.size)


class _Written(bytearray):
    """What was written of a ZIP file since it was sent on; it is never sought in."""

    def write(self, data: bytes) -> int:
        """Append."""
        self += data
        return len(data)

    def flush(self) -> None:
        """Do nothing: what is written is there."""

    def take(self) -> bytes:
        """Return what was written, and forget it."""
        taken = bytes(self)
        self.clear()
        return taken


async def _zip(context: AppContext, files: Sequence[CourseFile]) -> AsyncIterator[bytes]:
    """Yield a ZIP file of what was handed in. Names are ours but for the last part, which holds no slash."""
    written = _Written()
    with zipfile.ZipFile(written, "w") as archive:  # type: ignore[call-overload]  # it needs no more than `write` and `flush`
        for file in files:
            at = file.created.astimezone(UTC)
            entry = zipfile.ZipInfo(
                f"{file.person}/{at:%Y%m%d-%H%M%S}-UTC-{file.id}{'-late' if file.late else ''}/{file.name}",
                (at.year, at.month, at.day, at.hour, at.minute, at.second),
            )
            entry.external_attr = 0o600 << 16
            with archive.open(entry, "w") as into:
                async for piece in context.store.coursework.read(file):
                    into.write(piece)
                    yield written.take()
    yield written.take()
