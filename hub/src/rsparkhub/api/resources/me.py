"""Who is signed in, and what they may do."""

from fastapi import APIRouter

from rsparkhub import __version__
from rsparkhub.api.context import AppContext, Context
from rsparkhub.api.identity import Anybody
from rsparkhub.api.problems import responses
from rsparkhub.api.serializers.views import announcement_view
from rsparkhub.domain.course import MemberRole
from rsparkhub.domain.scope import EVERYTHING, Scope, in_order
from rsparkhub.domain.user import User
from rsparkhub.wire.course import MembershipView
from rsparkhub.wire.users import Limits, Me

router = APIRouter(prefix="/hub/api", tags=["sign-in"])


async def me_of(user: User, context: AppContext, *, by_session: bool = False, scopes: frozenset[Scope] = EVERYTHING) -> Me:
    """Return what a user may know of themselves. A session, by its own token, has no administrator's power."""
    courses = await context.store.courses.of_user(user.name) if user.groups and not by_session else []
    found = await context.store.coursework.of_user(user.name, with_data=False) if courses else []
    folders = {each.group: each for each in found}
    return Me(
        name=user.name,
        admin=user.admin and not by_session,
        groups=sorted(user.groups),
        limits=Limits(sessions=context.settings.most_sessions_per_person),
        version=__version__,
        images=context.uses_images,
        has_password=user.has_password,
        courses=[
            MembershipView(
                group=each.group,
                instructor=each.role is MemberRole.INSTRUCTOR,
                instructors_view=each.instructors_view,
                announcement=announcement_view(each.announcement),
                course_folder=each.group in folders,
                due=folders[each.group].due_next(context.now()) if each.group in folders else None,
            )
            for each in courses
        ],
        scopes=[] if by_session else in_order(scopes),
    )


@router.get("/me", summary="Who you are", responses=responses(401))
async def me(identity: Anybody, context: Context) -> Me:
    """Your name, your groups and your limits."""
    return await me_of(identity.user, context, by_session=identity.session is not None, scopes=identity.scopes)
