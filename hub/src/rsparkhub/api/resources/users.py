"""People: for administrators; a person's own password is their own business."""

from fastapi import APIRouter, Request, Response

from rsparkhub.api.context import AppContext, Context
from rsparkhub.api.identity import Administrator, Person
from rsparkhub.api.problems import responses
from rsparkhub.api.resources.login import address_of, keep_in_browser
from rsparkhub.api.serializers.views import user_view
from rsparkhub.domain.access import Action, OwnedBy, may
from rsparkhub.domain.errors import NotAllowed, NotSignedIn
from rsparkhub.domain.user import User
from rsparkhub.wire.users import NewUser, PasswordChange, SignInLink, UserList, UserView

router = APIRouter(prefix="/hub/api/users", tags=["people"])


@router.get("", summary="Everybody", responses=responses(401, 403))
async def list_users(_: Administrator, context: Context) -> UserList:
    """By name."""
    users = [user_view(user) for user in await context.store.users.list()]
    return UserList(users=users, notice=context.trust if len(users) > 1 else None)


@router.post("", status_code=201, summary="Add a person", responses=responses(401, 403, 409, 422))
async def add(body: NewUser, _: Administrator, context: Context) -> UserView:
    """Who has no password signs in by a link."""
    hashed = None if body.password is None else await context.authenticator.hash_password(body.password)
    return user_view(await context.store.users.add(body.name, admin=body.admin, password_hash=hashed, now=context.now()))


@router.get("/{name}", summary="One person", responses=responses(401, 403, 404))
async def show(name: str, _: Administrator, context: Context) -> UserView:
    """With their groups."""
    return user_view(await context.store.users.get(name))


@router.delete("/{name}", status_code=204, summary="Remove a person", responses=responses(401, 403, 404, 409))
async def remove(name: str, identity: Administrator, context: Context) -> None:
    """Takes away every way to sign in, and deletes their sessions; their home stays."""
    await context.store.users.remove(name, by=identity.user.name, now=context.now())


@router.post("/{name}/password", status_code=204, summary="Set a password", responses=responses(401, 403, 404, 422, 429))
async def set_password(name: str, body: PasswordChange, identity: Person, request: Request, context: Context) -> Response:
    """Your own, or anybody's for an administrator. Signs every other browser of that person out."""
    own = name == identity.user.name
    if not may(identity, Action.CHANGE, OwnedBy(name)):
        raise NotAllowed("Only administrators may set somebody else's password.")
    if own and identity.user.has_password:
        await _check_present_password(context, identity.user, body.current, address_of(request))
    await context.authenticator.set_password(name, body.password)
    response = Response(status_code=204)
    if own and identity.how == "cookie":
        made = await context.authenticator.sign_in_with_password(name, body.password, address_of(request), now=context.now())
        keep_in_browser(response, request, context.settings, made)
    return response


@router.post("/{name}/link", status_code=201, summary="Make a one-time link", responses=responses(401, 403, 404))
async def link(name: str, _: Administrator, context: Context) -> SignInLink:
    """Signs that person in, once."""
    now = context.now()
    token = await context.authenticator.make_link(name, now=now)
    return SignInLink(url=f"{context.settings.url}/hub/?token={token}", expires=now + context.settings.link_lifetime)


async def _check_present_password(context: AppContext, user: User, current: str | None, address: str | None) -> None:
    if current is None:
        raise NotAllowed("Tell your present password too.")
    try:
        await context.authenticator.sign_in_with_password(user.name, current, address, now=context.now())
    except NotSignedIn:
        raise NotAllowed("Your present password is not right. Check it, or ask an administrator to set a new one.") from None
