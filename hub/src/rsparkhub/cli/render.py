"""`rsparkhub render`: manifests, to read or to keep in Git."""

from datetime import UTC, datetime
from typing import Annotated, Literal

import typer

from rsparkhub.cli.options import Data


def add_to(app: typer.Typer) -> None:
    app.command()(render)


def render(
    kind: Annotated[Literal["kubernetes", "compose"], typer.Argument(help="Which manifests.", show_default=False)],
    environment: Annotated[
        str, typer.Argument(metavar="ENV", help="The environment's name, or `namespace`: what stands there before any session.")
    ],
    user: Annotated[str, typer.Option(help="Whose session.")] = "ada",
    session: Annotated[str, typer.Option(help="The session's id.")] = "example",
    data: Data = None,
) -> None:
    """Print exactly what is applied for a session of an environment.

    What a session gets of its own when it starts (its secret, its token, its accounts on shared services) is left out.
    """
    from rsparkhub.domain.errors import Conflict

    if kind == "compose":
        raise Conflict(f"There is no composition of {environment}: this version has no backend container.")
    from rsparkhub.backends.kubernetes.objects import render as rendering
    from rsparkhub.builder.ensemble import build_ensemble
    from rsparkhub.catalog import Catalog
    from rsparkhub.domain.session import Session, State, Wanted
    from rsparkhub.services.access import ServiceAccess
    from rsparkhub.settings import load_settings

    settings = load_settings(data=data)
    if environment == "namespace":
        print(rendering.to_yaml(rendering.namespace(settings.kubernetes)), end="")
        return
    now = datetime.now(UTC)
    row = Session(
        id=session,
        owner=user,
        name=session,
        environment=environment,
        wanted=Wanted.RUNNING,
        state=State.STARTING,
        generation=1,
        created=now,
        queued_at=now,
        secret="",
    )
    spec = build_ensemble(
        session=row,
        environment=Catalog(settings.environment_folders).get(environment),
        settings=settings,
        accounts=ServiceAccess(),
        token=None,
    )
    print(rendering.to_yaml(rendering.manifests(spec, settings.kubernetes, api_server=settings.kubernetes.api_server)), end="")
