"""API tokens: each person's own."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Path

from rsparkhub.api.context import Context
from rsparkhub.api.identity import by_now, person
from rsparkhub.api.problems import responses
from rsparkhub.api.serializers.views import token_view
from rsparkhub.domain.access import Identity
from rsparkhub.domain.errors import NotAllowed
from rsparkhub.domain.scope import Scope, in_order
from rsparkhub.wire.users import CreatedToken, NewToken, TokenList

router = APIRouter(prefix="/hub/api/tokens", tags=["people"])

Person = Annotated[Identity, person(Scope.TOKENS)]


@router.get("", summary="Your tokens", responses=responses(401, 403))
async def list_tokens(identity: Person, context: Context) -> TokenList:
    """Those that still work, the oldest first."""
    tokens = await context.store.credentials.tokens(identity.user.name, now=context.now())
    return TokenList(tokens=[token_view(token) for token in tokens])


@router.post("", status_code=201, summary="Make a token", responses=responses(401, 403, 422, 429))
async def create(body: NewToken, identity: Person, context: Context) -> CreatedToken:
    """The token itself is shown this once. A token gives no scope that it doesn't have itself."""
    scopes = identity.scopes if body.scopes is None else frozenset(body.scopes)
    if more := [scope for scope in in_order(scopes) if not identity.has_scope(scope)]:
        raise NotAllowed(f"This token can't give the scope {more[0]}, which it doesn't have. Make the token on the hub's page.")
    context.token_rate.take(identity.user.name)
    lifetime = None if body.days is None else timedelta(days=body.days)
    token, secret = await context.authenticator.make_token(
        identity.user.name,
        name=body.name,
        scopes=scopes,
        by=by_now(identity, context),
        now=context.now(),
        lifetime=lifetime,
    )
    return CreatedToken(**token_view(token).model_dump(), token=secret)


@router.delete("/{id}", status_code=204, summary="Revoke a token", responses=responses(401, 403, 404))
async def remove(token_id: Annotated[str, Path(alias="id")], identity: Person, context: Context) -> None:
    """At once."""
    await context.store.credentials.remove_token(token_id, user_name=identity.user.name, by=by_now(identity, context))
