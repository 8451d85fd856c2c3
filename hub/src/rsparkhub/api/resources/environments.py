"""The catalog, as the person who asks may see it."""

import logging
from collections.abc import Sequence
from statistics import median
from typing import Annotated

from fastapi import APIRouter

from rsparkhub.api.context import AppContext, Context
from rsparkhub.api.identity import person
from rsparkhub.api.problems import responses
from rsparkhub.api.serializers.views import environment_view
from rsparkhub.domain.access import Action, Identity, Installation, may
from rsparkhub.domain.environment import Environment
from rsparkhub.domain.errors import EnvironmentInvalid, NotFound, Unavailable
from rsparkhub.domain.scope import Scope
from rsparkhub.wire.environment import EnvironmentList, EnvironmentView, FileProblemView

log = logging.getLogger(__name__)

router = APIRouter(prefix="/hub/api/environments", tags=["environments"])

Person = Annotated[Identity, person(Scope.SESSIONS)]


def visible(context: AppContext, identity: Identity) -> list[Environment]:
    """Return what a user may start.

    Raises
    ------
    Unavailable
        When the catalog's folder can't be read.
    """
    try:
        catalog = context.catalog.list()
    except EnvironmentInvalid as error:
        log.error("%s", error)
        if may(identity, Action.READ, Installation()):
            raise Unavailable(str(error)) from error
        raise Unavailable("The catalog can't be read. Tell your administrator; the hub's log says why.") from error
    return [each for each in catalog if may(identity, Action.START, each)]


def visible_one(context: AppContext, identity: Identity, name: str) -> Environment:
    """Return an environment that a user may start.

    Raises
    ------
    NotFound
        When there is none, or it is not for this person: an answer doesn't tell which.
    """
    for environment in visible(context, identity):
        if environment.name == name:
            return environment
    raise NotFound(f"There is no environment {name}. Choose one of the catalog.")


@router.get("", summary="What you may start", responses=responses(401, 403))
async def list_environments(identity: Person, context: Context) -> EnvironmentList:
    """By title, each with how long its last starts took; and whether files of the catalog can't be read."""
    environments = await _views(context, visible(context, identity))
    problems = context.catalog.file_problems()
    told = [FileProblemView(path=each.path, text=each.text, kept=each.kept) for each in problems]
    return EnvironmentList(
        environments=environments,
        incomplete=bool(problems),
        problems=told if may(identity, Action.READ, Installation()) else [],
    )


@router.get("/{name}", summary="One environment", responses=responses(401, 403, 404))
async def show(name: str, identity: Person, context: Context) -> EnvironmentView:
    """With how long its last starts took."""
    return (await _views(context, [visible_one(context, identity, name)]))[0]


async def _views(context: AppContext, environments: list[Environment]) -> list[EnvironmentView]:
    names = [each.name for each in environments]
    starts, resumes = await context.store.runs.start_seconds(names), await context.store.runs.resume_seconds(names)
    return [
        environment_view(
            each,
            expected_start=expected_seconds(starts.get(each.name, [])),
            expected_resume=expected_seconds(resumes.get(each.name, [])),
        )
        for each in environments
    ]


def expected_seconds(seconds: Sequence[float]) -> float | None:
    """Return the median of what the last ones took, in seconds; None before the first."""
    return round(median(seconds), 1) if seconds else None
