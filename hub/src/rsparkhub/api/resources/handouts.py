"""Handouts: the files of a Git repository or a template that a link brings into a session, and the document that it opens."""

from typing import Annotated
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Path

from rspark_contract.handout import Handout, HandoutStatus
from rsparkhub.api.context import AppContext, Context
from rsparkhub.api.identity import SessionId, find_session, person
from rsparkhub.api.problems import responses
from rsparkhub.api.resources.environments import visible_one
from rsparkhub.domain.access import Action, Identity
from rsparkhub.domain.errors import Conflict, Unavailable
from rsparkhub.domain.handout_sources import allows
from rsparkhub.domain.scope import Scope
from rsparkhub.domain.session import Session, State
from rsparkhub.domain.start_options import check_options
from rsparkhub.wire.handout import HandoutView, LinkView, NewHandout, NewLink

router = APIRouter(prefix="/hub/api", tags=["sessions"])

Person = Annotated[Identity, person(Scope.SESSIONS)]

_EACH = "/sessions/{id}/handouts"
_OLDER = "The session doesn't take files. Put it to sleep and wake it, then open the link again."


@router.post(_EACH, status_code=202, summary="Bring files into a session", responses=responses(401, 403, 404, 409, 422, 429, 503))
async def bring(body: NewHandout, session_id: SessionId, identity: Person, context: Context) -> HandoutView:
    """Answers at once; `GET` tells how far it is. The same again while it is under way is the same as once.

    It runs inside the session, as its owner. What they changed is never written over: what both sides changed is kept side by
    side. 409 where the session is not running.
    """
    session = await find_session(context, identity, session_id, to=Action.CHANGE)
    sources = context.settings.link_sources
    handout = Handout(source=body.source, branch=body.branch, folder=body.folder, document=body.document, redirects=not sources)
    if not handout.is_template and not allows(sources, handout.source):
        raise Conflict(f"Links may not bring files from this address. They may from: {', '.join(sources)}.")
    address = _address(session)
    context.session_rate.take(identity.user.name)
    status = await context.agents.begin_handout(address, session.secret or "", handout)
    if status is None:
        raise Unavailable(_OLDER)
    return _view(session, status)


@router.get(_EACH + "/{handout}", summary="How far a handout is", responses=responses(401, 403, 404, 409, 422, 503))
async def show(
    session_id: SessionId,
    handout: Annotated[str, Path(pattern="^[0-9a-f]{16}$", description="The handout's id.")],
    identity: Person,
    context: Context,
) -> HandoutView:
    """As it is now; a session that was started anew knows no handout of before."""
    session = await find_session(context, identity, session_id, to=Action.CHANGE)
    status = await context.agents.handout(_address(session), session.secret or "", handout)
    if status is None:
        raise Unavailable("The session does not report on these files. Open the link again.")
    return _view(session, status)


@router.post("/links", summary="Make a link that starts work", responses=responses(401, 403, 404, 409, 422))
async def make_link(body: NewLink, identity: Person, context: Context) -> LinkView:
    """Checks what a link says, and writes it. Whoever opens the link is asked before anything starts; nothing is stored."""
    return LinkView(url=f"{context.settings.url}{link_path(body, identity, context)}")


def link_path(body: NewLink, identity: Identity, context: AppContext) -> str:
    """Return the path of a link that starts work, checked: `make_link` and `announce` say what is raised."""
    environment = visible_one(context, identity, body.environment)
    handout = _allowed(body, context.settings.link_sources)
    check_options(environment.metadata.title, environment.spec.options, body.options)
    said = {
        "environment": environment.name,
        "from": handout.source,
        "branch": handout.branch,
        "folder": handout.folder,
        "open": handout.document,
    }
    chosen = [("option", f"{name}={_option_text(value)}") for name, value in body.options.items()]
    asked = [(name, value) for name, value in said.items() if value is not None]
    query = urlencode([*asked, *chosen], safe="/:", quote_via=quote)
    return f"/hub/start?{query}"


def _option_text(value: bool | float | str) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _allowed(asked: NewHandout, sources: tuple[str, ...]) -> Handout:
    """Return what is asked for; raise `Conflict` where the settings allow no files from there."""
    handout = Handout(
        source=asked.source, branch=asked.branch, folder=asked.folder, document=asked.document, redirects=not sources
    )
    if not handout.is_template and not allows(sources, handout.source):
        raise Conflict(f"Links may not bring files from this address. They may from: {', '.join(sources)}.")
    return handout


def _address(session: Session) -> str:
    if session.state is not State.RUNNING or session.upstream is None:
        raise Conflict(f"{session.name} {session.state.in_words}. Files can be brought when it runs.")
    return session.upstream


def _view(session: Session, status: HandoutStatus) -> HandoutView:
    return HandoutView(
        id=status.id,
        state=status.state,
        step=status.step,
        reason=status.reason,
        notes=list(status.notes),
        url=f"/s/{session.id}/{status.opens or ''}",
    )
