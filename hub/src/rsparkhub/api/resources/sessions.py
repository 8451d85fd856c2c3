"""Sessions: ask for one, read them, want something else of one. The answer says what was written, never what was waited for."""

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Header, Query

from rsparkhub.api.context import AppContext, Context
from rsparkhub.api.identity import Access, SessionId, find_access, find_session, person, person_or_page, reader
from rsparkhub.api.problems import responses
from rsparkhub.api.resources.environments import visible_one
from rsparkhub.domain.access import Action, Identity, Installation, OwnedBy, actions_with, may
from rsparkhub.domain.errors import Busy, Conflict, InvalidInput, NotAllowed, NotFound, RsparkhubError
from rsparkhub.domain.scope import Scope
from rsparkhub.domain.session import Session, Sleep, State, Wanted
from rsparkhub.domain.sleep_time import extended
from rsparkhub.domain.start_options import check_options
from rsparkhub.domain.stuck import LONG
from rsparkhub.domain.user import id_of_label, name_in
from rsparkhub.wire.session import Consent, Extension, Renaming, SessionList, SessionStart, SessionView, SleepConsent

router = APIRouter(prefix="/hub/api/sessions", tags=["sessions"])

Person = Annotated[Identity, person(Scope.SESSIONS)]
PersonOrPage = Annotated[Identity, person_or_page(Scope.SESSIONS)]
Reader = Annotated[Identity, reader(Scope.SESSIONS)]

_PAGE = 1000

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        pattern=r"^[\x21-\x7e]+$",
        description="The same key gives the same session, however often it is sent.",
    ),
]
OwnerQuery = Annotated[
    str | None, Query(max_length=64, pattern=r"^[^\x00]*$", description="Whose; another's only for administrators.")
]
ConfirmQuery = Annotated[bool, Query(description="End what computes. Otherwise the answer is 409 where something does.")]
AllQuery = Annotated[bool, Query(alias="all", description="Everybody's; only for administrators.")]


async def whose(context: AppContext, identity: Identity, owner: str | None, everybody: bool) -> str | None:
    """Return the id of the person whose things are asked for; None is everybody's.

    `owner` is a name, or what somebody who was removed is called.

    Raises
    ------
    NotAllowed
        When they are another's, and the person is no administrator.
    """
    me = identity.user
    found = me.id if owner == me.name else await _id_of(context, owner) if owner is not None else None
    if not may(identity, Action.READ, OwnedBy(None if everybody else found or me.id)):
        raise NotAllowed("Only administrators may see what belongs to others.")
    return found or (None if everybody else me.id)


async def _id_of(context: AppContext, name: str) -> str:
    """Return the id of a person by their name, of a person who was removed by their label, or of the first of a name."""
    removed = id_of_label(name)
    if removed is not None:
        return removed
    try:
        return (await context.store.users.get(name)).id
    except NotFound:
        return name


def refuse_unknown(body: SessionStart) -> None:
    """Raise `InvalidInput` for what the form of a request has, and no session of this version does anything with."""
    if body.project is not None:
        raise InvalidInput("Sessions have no project. Leave `project` out, and bring files by /sessions/{id}/handouts.")


@router.post("", status_code=202, summary="Ask for a session", responses=responses(401, 403, 404, 409, 422, 429))
async def start(body: SessionStart, identity: Person, context: Context, key: IdempotencyKey = None) -> SessionView:
    """Answers at once; the session is on its way, and `/sessions/{id}/events` tells how far.

    With `reuse`, asked again or from two places at once, it is the same session.
    """
    owner = await _in_place_of(context, identity, body.owner)
    environment = visible_one(context, owner, body.environment)
    refuse_unknown(body)
    options = check_options(environment.metadata.title, environment.spec.options, body.options)
    if environment.unavailable:
        raise Conflict(f"{environment.metadata.title} can't be started: {environment.unavailable}")
    context.session_rate.take(owner.user.name)
    session, made = await context.store.sessions.create(
        owner=owner.user.id,
        environment=environment.name,
        name=body.name or environment.metadata.title,
        options=options,
        idempotency_key=key,
        most=context.settings.most_sessions_per_person,
        reuse=body.reuse,
        by=identity.user.id,
        now=context.now(),
    )
    if body.reuse and not made:
        session = await context.store.sessions.set_wanted(session.id, Wanted.RUNNING, by=identity.user.id, now=context.now())
    return await _view(context, identity, session)


@router.get("", summary="List sessions, newest first", responses=responses(401, 403, 404, 422))
async def list_sessions(
    *,
    identity: Person,
    context: Context,
    everybody: AllQuery = False,
    owner: OwnerQuery = None,
    state: Annotated[list[State] | None, Query(description="Only those in one of these states.")] = None,
    limit: Annotated[int, Query(ge=1, le=_PAGE)] = _PAGE,
    after: Annotated[str | None, Query(description="The id of the last one that you have.", max_length=40)] = None,
) -> SessionList:
    """Your own; administrators may ask for all, or for one person's."""
    chosen = await whose(context, identity, owner, everybody)
    if after is not None:
        await find_session(context, identity, after)
    # One more than asked for tells whether there is a next page.
    long_ago = context.now() - LONG if chosen is None else None  # an administrator sees what was deleted and is not gone
    found = await context.store.sessions.list(owner=chosen, states=state, limit=limit + 1, after=after, deleted_before=long_ago)
    more = found[limit - 1].id if len(found) > limit else None
    return SessionList(sessions=context.in_words(await context.serializer.serialize(found[:limit])), next=more)


@router.get("/{id}", summary="One session", responses=responses(401, 403, 404))
async def show(session_id: SessionId, identity: Reader, context: Context) -> SessionView:
    """As it is now."""
    access = await find_access(context, identity, session_id)
    return await _view(context, identity, access.session, access)


@router.post("/{id}/suspend", status_code=202, summary="Put it to sleep", responses=responses(401, 403, 404, 409, 422))
async def suspend(
    session_id: SessionId, identity: PersonOrPage, context: Context, consent: SleepConsent | None = None
) -> SessionView:
    """Saves the work of each kernel, then ends everything. Asked again, it is the same.

    Where something computes, the answer is 409 with the code `busy` and what is `running`, unless that is confirmed. Where
    something can't be kept, the session stays awake, and `sleep_refused` says what, unless it is forced.
    """
    agreed = consent or SleepConsent()
    sleep = Sleep.FORCED if agreed.force else Sleep.KEPT if agreed.confirm else Sleep.IDLE
    return await _want(context, identity, session_id, Wanted.SUSPENDED, to=Action.SUSPEND, sleep=sleep)


@router.post("/{id}/resume", status_code=202, summary="Wake it", responses=responses(401, 403, 404))
async def resume(session_id: SessionId, identity: PersonOrPage, context: Context) -> SessionView:
    """Starts it and brings back what was saved; also one that failed or was stopped. Asked again, it is the same."""
    session = await find_session(context, identity, session_id, to=Action.RUN)
    if not may(identity, Action.CHANGE, Installation()):  # who may no longer start the environment can't wake a session of it
        visible_one(context, await _as_owner(context, identity, session), session.environment)
    return await _want(context, identity, session_id, Wanted.RUNNING, to=Action.RUN)


@router.post("/{id}/extend", summary="Put off its sleep", responses=responses(401, 403, 404, 409, 422))
async def extend(
    session_id: SessionId, identity: PersonOrPage, context: Context, extension: Extension | None = None
) -> SessionView:
    """An idle session sleeps so much later, and no later than the installation and its longest run allow; `sleeps` says when.

    Asked twice, it is put off twice. It ends with the run: after the next sleep the session sleeps as its environment says.
    409 where it can't be put off any further.
    """
    access = await find_access(context, identity, session_id, to=Action.RUN)
    session = access.session
    try:
        lifecycle = context.catalog.get(session.environment).spec.lifecycle
    except RsparkhubError:
        raise Conflict(f"{session.environment} is not in the catalog at present. Use the session to keep it awake.") from None
    by, most, now = (extension or Extension()).duration, context.settings.longest_extension, context.now()
    session = await context.store.sessions.extend(
        session.id, lambda row: extended(row, lifecycle, by=by, most=most, now=now), by=identity.user.id, now=now
    )
    return await _view(context, identity, session, access)


@router.post("/{id}/stop", status_code=202, summary="End it", responses=responses(401, 403, 404, 409, 422))
async def stop(session_id: SessionId, identity: Person, context: Context, consent: Consent | None = None) -> SessionView:
    """Ends everything without saving what is in memory; files stay. Asked again, it is the same.

    Where something computes, the answer is 409 with the code `busy` and what is `running`, unless that is confirmed.
    """
    sleep = Sleep.KEPT if consent and consent.confirm else Sleep.IDLE
    return await _want(context, identity, session_id, Wanted.STOPPED, to=Action.STOP, sleep=sleep)


@router.patch("/{id}", summary="Rename it", responses=responses(401, 403, 404, 422))
async def rename(body: Renaming, session_id: SessionId, identity: Person, context: Context) -> SessionView:
    """Gives it another name; its id and its addresses stay."""
    access = await find_access(context, identity, session_id, to=Action.CHANGE)
    session = await context.store.sessions.rename(access.session.id, body.name, by=identity.user.id, now=context.now())
    return await _view(context, identity, session, access)


@router.delete("/{id}", status_code=202, summary="Delete it", responses=responses(401, 403, 404, 409, 422))
async def delete(session_id: SessionId, identity: Person, context: Context, confirm: ConfirmQuery = False) -> SessionView:
    """Ends it, and removes what it kept; the person's home stays. Asked again, it is the same until it is gone.

    Where something computes, the answer is 409 with the code `busy` and what is `running`, unless that is confirmed.
    """
    return await _want(context, identity, session_id, Wanted.DELETED, sleep=Sleep.KEPT if confirm else Sleep.IDLE)


async def refuse_busy(context: AppContext, session: Session) -> None:
    """Raise `Busy` where a session computes, and nobody has asked it to end yet."""
    if not (session.state is State.RUNNING and session.wanted is Wanted.RUNNING):
        return
    busy_with = await context.agents.computing(session)
    if busy_with is None:
        return
    running = "; ".join(busy_with) or "something computes"
    raise Busy(
        f"{session.name} computes, and this would end it: {running}. Wait until it is done, or confirm it.", running=busy_with
    )


async def _in_place_of(context: AppContext, identity: Identity, owner: str | None) -> Identity:
    """Return the person of a name, by `None` whoever asks, in the place of whom a session is asked for.

    Raises
    ------
    NotAllowed
        When it is somebody else, and who asks is no administrator.
    NotFound
        When there is nobody of this name.
    """
    if owner in {None, identity.user.name}:
        return identity
    if not may(identity, Action.CHANGE, Installation()):
        raise NotAllowed("Only administrators may start sessions for others.")
    return replace(identity, user=await context.store.users.get(owner or ""))


async def _as_owner(context: AppContext, identity: Identity, session: Session) -> Identity:
    """Return the owner of a session in the place of somebody who may wake it: what the owner may start counts."""
    if session.owner in {None, identity.user.id}:
        return replace(identity, session=None)
    return replace(identity, session=None, user=await context.store.users.get(name_in(session.owner or "")))


async def _want(
    context: AppContext,
    identity: Identity,
    session_id: str,
    wanted: Wanted,
    *,
    to: Action = Action.CHANGE,
    sleep: Sleep = Sleep.KEPT,
) -> SessionView:
    access = await find_access(context, identity, session_id, to=to)
    found = access.session
    if sleep is Sleep.IDLE:
        await refuse_busy(context, found)
    session = await context.store.sessions.set_wanted(found.id, wanted, by=identity.user.id, sleep=sleep, now=context.now())
    return await _view(context, identity, session, access)


async def _view(context: AppContext, identity: Identity, session: Session, access: Access | None = None) -> SessionView:
    """Return a session as it is told to whoever asked: with what they may do with it, by what let them to it."""
    shares, courses = (access.shares, access.courses) if access else ((), ())
    view = await context.serializer.serialize_one(session, may=actions_with(identity, session, shares=shares, courses=courses))
    return context.in_words([view])[0]
