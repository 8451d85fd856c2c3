"""People: for administrators; a person's own password is their own business."""

from fastapi import APIRouter, Request, Response

from rsparkhub.api.context import Context, Here
from rsparkhub.api.identity import Administrator, Person
from rsparkhub.api.login import address_of, keep_in_browser
from rsparkhub.api.problems import responses
from rsparkhub.api.views import user_view
from rsparkhub.domain.errors import NotAllowed, NotSignedIn
from rsparkhub.domain.user import User
from rsparkhub.wire.people import NewUser, PasswordChange, SignInLink, UserList, UserView

router = APIRouter(prefix="/hub/api/users", tags=["people"])


@router.get("", summary="Everybody", responses=responses(401, 403))
async def list_users(_: Administrator, here: Here) -> UserList:
    """By name."""
    return UserList(users=[user_view(user) for user in await here.store.people.list()])


@router.post("", status_code=201, summary="Add a person", responses=responses(401, 403, 409, 422))
async def add(body: NewUser, _: Administrator, here: Here) -> UserView:
    """Who has no password signs in by a link."""
    hashed = None if body.password is None else await here.authenticator.hash_password(body.password)
    return user_view(await here.store.people.add(body.name, admin=body.admin, password_hash=hashed, now=here.now()))


@router.get("/{name}", summary="One person", responses=responses(401, 403, 404))
async def show(name: str, _: Administrator, here: Here) -> UserView:
    """With their groups."""
    return user_view(await here.store.people.get(name))


@router.delete("/{name}", status_code=204, summary="Remove a person", responses=responses(401, 403, 404, 409))
async def remove(name: str, identity: Administrator, here: Here) -> None:
    """Takes away every way to sign in, and deletes their sessions; their home stays."""
    await here.store.people.remove(name, by=identity.user.name, now=here.now())


@router.post("/{name}/password", status_code=204, summary="Set a password", responses=responses(401, 403, 404, 422, 429))
async def set_password(name: str, body: PasswordChange, identity: Person, request: Request, here: Here) -> Response:
    """Your own, or anybody's for an administrator. Signs every other browser of that person out."""
    own = name == identity.user.name
    if not own and not identity.user.admin:
        raise NotAllowed("Only administrators may set somebody else's password.")
    if own and identity.user.has_password:
        await _check_present_password(here, identity.user, body.current, address_of(request))
    await here.authenticator.set_password(name, body.password)
    response = Response(status_code=204)
    if own and identity.how == "cookie":
        made = await here.authenticator.sign_in_with_password(name, body.password, address_of(request), now=here.now())
        keep_in_browser(response, request, here.settings, made)
    return response


@router.post("/{name}/link", status_code=201, summary="Make a one-time link", responses=responses(401, 403, 404))
async def link(name: str, _: Administrator, here: Here) -> SignInLink:
    """Signs that person in, once."""
    now = here.now()
    token = await here.authenticator.make_link(name, now=now)
    return SignInLink(url=f"{here.settings.url}/hub/?token={token}", expires=now + here.settings.link_lifetime)


async def _check_present_password(here: Context, user: User, current: str | None, address: str | None) -> None:
    if current is None:
        raise NotAllowed("Tell your present password too.")
    try:
        await here.authenticator.sign_in_with_password(user.name, current, address, now=here.now())
    except NotSignedIn:
        raise NotAllowed("Your present password is not right. Check it, or ask an administrator to set a new one.") from None
