"""Who is signed in, and what they may do."""

from fastapi import APIRouter

from rsparkhub import __version__
from rsparkhub.api.context import Context
from rsparkhub.api.identity import Reader
from rsparkhub.api.problems import responses
from rsparkhub.domain.user import User
from rsparkhub.settings import Settings
from rsparkhub.wire.users import Limits, Me

router = APIRouter(prefix="/hub/api", tags=["sign-in"])


def me_of(user: User, settings: Settings, *, by_session: bool = False) -> Me:
    """Return what a user may know of themselves. A session, by its own token, has no administrator's power."""
    return Me(
        name=user.name,
        admin=user.admin and not by_session,
        groups=sorted(user.groups),
        limits=Limits(sessions=settings.most_sessions_per_person),
        version=__version__,
        images=settings.backend != "process",
    )


@router.get("/me", summary="Who you are", responses=responses(401))
async def me(identity: Reader, context: Context) -> Me:
    """Your name, your groups and your limits."""
    return me_of(identity.user, context.settings, by_session=identity.session is not None)
