"""Shares: whom a session lets in besides its owner, and what others share with whoever asks."""

from typing import Annotated

from fastapi import APIRouter, Path

from rsparkhub.api.context import Context
from rsparkhub.api.identity import SessionId, by_now, find_session, person
from rsparkhub.api.problems import responses
from rsparkhub.api.serializers.views import share_view
from rsparkhub.catalog import Catalog
from rsparkhub.domain.access import Action, Identity, Installation, may
from rsparkhub.domain.errors import Conflict, EnvironmentInvalid, NotFound
from rsparkhub.domain.scope import Scope
from rsparkhub.domain.session import Session
from rsparkhub.domain.share import Role, share_of
from rsparkhub.domain.user import EVERYONE
from rsparkhub.wire.share import NewShare, SharedSessionList, SharedSessionView, ShareList, ShareView

router = APIRouter(prefix="/hub/api", tags=["sharing"])

Person = Annotated[Identity, person(Scope.SESSIONS)]

_EACH = "/sessions/{id}/shares"


@router.get(_EACH, summary="Whom a session lets in", responses=responses(401, 403, 404))
async def list_shares(session_id: SessionId, identity: Person, context: Context) -> ShareList:
    """Those that have not run out, the oldest first; for the owner and administrators."""
    session = await find_session(context, identity, session_id, to=Action.CHANGE)
    shares = await context.store.shares.of_session(session.id, now=context.now())
    return ShareList(shares=[share_view(share) for share in shares])


@router.post(_EACH, status_code=201, summary="Let somebody into a session", responses=responses(401, 403, 404, 409, 422, 429))
async def share(body: NewShare, session_id: SessionId, identity: Person, context: Context) -> ShareView:
    """Somebody who is let in already gets this role and this end.

    With a person, with a group that you are in, or with `everyone`. Whoever is let in sees the files of the owner's home that the
    interface shows, and an editor runs code as the owner.
    """
    session = await find_session(context, identity, session_id, to=Action.CHANGE)
    person, group = (body.name, None) if body.kind == "person" else (None, body.name)
    if group is not None:
        _refuse_group(identity, group)
    if body.role is Role.VIEWER:
        _refuse_nothing_to_view(context.catalog, session)
    made = await context.store.shares.set(
        session.id, person=person, group=group, role=body.role, expires=body.expires, by=by_now(identity, context)
    )
    return share_view(made)


@router.delete(_EACH + "/{share}", status_code=204, summary="Let somebody in no longer", responses=responses(401, 403, 404))
async def end_share(
    session_id: SessionId,
    share_id: Annotated[str, Path(alias="share", max_length=40, description="The share's id.")],
    identity: Person,
    context: Context,
) -> None:
    """At once, with what they have open."""
    session = await find_session(context, identity, session_id, to=Action.CHANGE)
    await context.store.shares.end(session.id, share_id, by=by_now(identity, context))


@router.get("/shared-sessions", summary="Sessions that others share with you", responses=responses(401, 403))
async def list_shared(identity: Person, context: Context) -> SharedSessionList:
    """Newest first, each with the role that lets you do the most."""
    user, found = identity.user, await context.store.shares.with_user(identity.user, now=context.now())
    sessions = {session.id: session for session, _ in found}
    best = {session: share_of(user, [each for _, each in found if each.session == session]) for session in sessions}
    views = context.in_words(await context.serializer.serialize(list(sessions.values())))
    shared = [(view, share) for view in views if (share := best[view.id]) is not None]
    return SharedSessionList(
        sessions=[SharedSessionView(session=view, role=share.role, expires=share.expires) for view, share in shared]
    )


def _refuse_group(identity: Identity, group: str) -> None:
    """Raise `NotFound` for a group that is not the person's to share with; an answer doesn't tell whether there is one."""
    if group == EVERYONE or group in identity.user.groups or may(identity, Action.CHANGE, Installation()):
        return
    raise NotFound(f"You are in no group called {group}. Share it with a person, or with a group of yours.")


def _refuse_nothing_to_view(catalog: Catalog, session: Session) -> None:
    """Raise `Conflict` where a viewer is shown nothing: the interface needs a websocket, or has others beside it."""
    try:
        spec = catalog.get(session.environment).spec
    except (NotFound, EnvironmentInvalid):
        return
    if session.opens_several or spec.beside:
        raise Conflict("It opens several interfaces, and who only looks is shown none of them. Share it with an editor.")
    if not spec.interface.viewable:
        raise Conflict(f"{spec.interface.title} shows nothing to who only looks. Share it with an editor.")
