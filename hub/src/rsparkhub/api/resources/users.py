"""People: for administrators; a person's own password is their own business."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from rsparkhub.api.context import AppContext, Context
from rsparkhub.api.identity import administrator, by_now, person
from rsparkhub.api.problems import responses
from rsparkhub.api.resources.login import address_of, keep_in_browser
from rsparkhub.api.resources.removed_users import refuse_archive
from rsparkhub.api.serializers.views import token_view, user_view
from rsparkhub.domain.access import Action, Identity, Installation, may
from rsparkhub.domain.errors import NotAllowed, NotSignedIn
from rsparkhub.domain.scope import Scope
from rsparkhub.domain.user import Data, User
from rsparkhub.wire.users import (
    BrowserList,
    BrowserView,
    NewSignInLink,
    NewUser,
    PasswordChange,
    SignInLink,
    TokenList,
    UserList,
    UserView,
)

router = APIRouter(prefix="/hub/api/users", tags=["people"])

#: A password lets its person do everything, so that a token that sets one could make itself another.
Oneself = Annotated[Identity, person(Scope.ALL)]
Administrator = Annotated[Identity, administrator(Scope.USERS)]
Person = Annotated[Identity, person(Scope.TOKENS)]


@router.get("", summary="Everybody", responses=responses(401, 403))
async def list_users(_: Administrator, context: Context) -> UserList:
    """By name."""
    users = [user_view(user) for user in await context.store.users.list()]
    return UserList(users=users, notice=context.trust if len(users) > 1 else None)


@router.post("", status_code=201, summary="Add a person", responses=responses(401, 403, 409, 422))
async def add(body: NewUser, identity: Administrator, context: Context) -> UserView:
    """Who has no password signs in by a link."""
    if body.admin:
        _refuse_narrow(identity)
    hashed = None if body.password is None else await context.authenticator.hash_password(body.password)
    added = await context.store.users.add(
        body.name,
        admin=body.admin,
        password_hash=hashed,
        groups=body.groups,
        by=by_now(identity, context),
        now=context.now(),
    )
    return user_view(added)


@router.get("/{name}", summary="One person", responses=responses(401, 403, 404))
async def show(name: str, _: Administrator, context: Context) -> UserView:
    """With their groups."""
    return user_view(await context.store.users.get(name))


DataQuery = Annotated[
    Data,
    Query(
        description="What becomes of their home and their databases: they are kept, written into an archive, or deleted. A later "
        "person of the same name gets none of them.",
    ),
]


@router.delete("/{name}", status_code=204, summary="Remove a person", responses=responses(401, 403, 404, 409, 422))
async def remove(name: str, identity: Administrator, context: Context, data: DataQuery = Data.KEEP) -> None:
    """Takes away every way to sign in, deletes their sessions, and closes their accounts on services."""
    refuse_archive(context, data)
    await context.store.users.remove(name, data=data, by=identity.user.id, now=context.now())


@router.post("/{name}/disable", summary="Let a person sign in no more", responses=responses(401, 403, 404, 409))
async def disable(name: str, identity: Administrator, context: Context) -> UserView:
    """Until they are enabled. Their browsers are signed out, tokens and accounts rest, sessions are put to sleep."""
    await context.store.users.disable(name, by=identity.user.id, now=context.now())
    return user_view(await context.store.users.get(name))


@router.post("/{name}/enable", summary="Let a disabled person sign in again", responses=responses(401, 403, 404))
async def enable(name: str, identity: Administrator, context: Context) -> UserView:
    """With all that was theirs; browsers sign in anew."""
    await context.store.users.enable(name, by=by_now(identity, context))
    return user_view(await context.store.users.get(name))


@router.get("/{name}/browsers", summary="Browsers in which a person is signed in", responses=responses(401, 403, 404))
async def browsers(name: str, identity: Person, context: Context) -> BrowserList:
    """Your own, or anybody's for an administrator; the oldest first."""
    user = await _find(context, identity, name)
    found = await context.store.credentials.logins(user.name, now=context.now())
    return BrowserList(browsers=[BrowserView(id=each.id, created=each.created, expires=each.expires) for each in found])


@router.delete("/{name}/browsers/{id}", status_code=204, summary="Sign a browser out", responses=responses(401, 403, 404))
async def sign_out(name: str, login_id: Annotated[str, Path(alias="id")], identity: Person, context: Context) -> None:
    """At once, with what it has open."""
    user = await _find(context, identity, name)
    await context.store.credentials.end_login(login_id, user_name=user.name, by=by_now(identity, context))


@router.get("/{name}/tokens", summary="A person's tokens", responses=responses(401, 403, 404))
async def tokens(name: str, identity: Person, context: Context) -> TokenList:
    """Your own, or anybody's for an administrator; the oldest first."""
    user = await _find(context, identity, name)
    found = await context.store.credentials.tokens(user.name, now=context.now())
    return TokenList(tokens=[token_view(token) for token in found])


@router.delete("/{name}/tokens/{id}", status_code=204, summary="End a person's token", responses=responses(401, 403, 404))
async def end_token(name: str, token_id: Annotated[str, Path(alias="id")], identity: Person, context: Context) -> None:
    """At once, with what it has open."""
    user = await _find(context, identity, name)
    await context.store.credentials.remove_token(token_id, user_name=user.name, by=by_now(identity, context))


@router.post("/{name}/password", status_code=204, summary="Set a password", responses=responses(401, 403, 404, 422, 429))
async def set_password(name: str, body: PasswordChange, identity: Oneself, request: Request, context: Context) -> Response:
    """Your own, or anybody's for an administrator. Signs every other browser of that person out, and programs if you say so."""
    own = name == identity.user.name
    if not own and not may(identity, Action.CHANGE, Installation()):
        raise NotAllowed("Only administrators may set somebody else's password.")
    if own and identity.user.has_password:
        await _check_present_password(context, identity.user, body.current, address_of(request))
    await context.authenticator.set_password(name, body.password, end_tokens=body.end_tokens, by=by_now(identity, context))
    response = Response(status_code=204)
    if own and identity.how == "cookie":
        made = await context.authenticator.sign_in_with_password(
            name, body.password, address_of(request), now=context.now(), again=True
        )
        keep_in_browser(response, request, context.settings, made)
    return response


@router.post("/{name}/link", status_code=201, summary="Make a one-time link", responses=responses(401, 403, 404, 409, 422, 429))
async def link(name: str, identity: Administrator, context: Context, body: NewSignInLink | None = None) -> SignInLink:
    """Signs that person in, once. With `&next=` and a path below `/hub/` or `/s/` at its end it leads there."""
    if (await context.store.users.get(name)).admin:
        _refuse_narrow(identity)
    context.link_rate.take(name)  # whoever asks: a program may do so for each click of theirs
    now, lifetime = context.now(), context.settings.link_lifetime
    if body is not None and body.minutes is not None:
        lifetime = min(lifetime, timedelta(minutes=body.minutes))
    token = await context.authenticator.make_link(name, by=by_now(identity, context), now=now, lifetime=lifetime)
    return SignInLink(url=f"{context.settings.url}/hub/?token={token}", expires=now + lifetime)


def _refuse_narrow(identity: Identity) -> None:
    """Raise `NotAllowed` for a token with scopes: who is let in as an administrator can make one without."""
    if not identity.has_scope(Scope.ALL):
        raise NotAllowed(
            "A token with the scope users makes no administrator, and lets nobody in as one. Take one with the scope all, or do "
            "it on the hub's page."
        )


async def _find(context: AppContext, identity: Identity, name: str) -> User:
    """Return a user whose sign-ins and tokens may be seen and ended."""
    if name == identity.user.name:
        return identity.user
    if not may(identity, Action.CHANGE, Installation()):
        raise NotAllowed("Only administrators may see and end what signs somebody else in.")
    return await context.store.users.get(name)


async def _check_present_password(context: AppContext, user: User, current: str | None, address: str | None) -> None:
    if current is None:
        raise NotAllowed("Send your current password too.")
    try:
        await context.authenticator.sign_in_with_password(user.name, current, address, now=context.now(), again=True)
    except NotSignedIn:
        raise NotAllowed("Your current password is not right. Check it, or ask an administrator to set a new one.") from None
