"""`rsparkhub render`: manifests, to read or to keep in Git."""

from datetime import UTC, datetime
from typing import Annotated

import typer


def add_to(app: typer.Typer) -> None:
    app.command()(render)


def render(
    kind: Annotated[str, typer.Argument(help="Which manifests: kubernetes.", show_default=False)],
    environment: Annotated[
        str, typer.Argument(metavar="ENV", help="The environment's name, or `namespace`: what stands there before any session.")
    ],
    user: Annotated[str, typer.Option(help="Whose session.")] = "ada",
    session: Annotated[str, typer.Option(help="The session's id.")] = "example",
) -> None:
    """Print exactly what is applied for a session of an environment.

    What a session gets of its own when it starts (its secret, its token, its accounts on shared services) is left out.
    """
    from rsparkhub.builder import Builder
    from rsparkhub.catalog import Catalog
    from rsparkhub.domain.errors import NotFound
    from rsparkhub.domain.session import Session, State, Wanted
    from rsparkhub.installed.extensions import backends, configured_services, interfaces
    from rsparkhub.installed.schema import environment_schema_of
    from rsparkhub.installed.settings import load_settings

    known = {backend.manifests: backend for backend in backends().values() if backend.manifests}
    if kind not in known:
        raise NotFound(f"There are no manifests {kind} in this version; choose {' or '.join(known)}.")
    backend, settings = known[kind], load_settings()
    if environment == "namespace":
        print(backend.render(settings, None), end="")
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
    chosen = Catalog(settings.environment_folders, environment_schema_of(settings)).get(environment)
    builder = Builder(interfaces=interfaces(), services=configured_services(settings), settings=settings)
    print(backend.render(settings, builder.session(row, chosen, grants={}, token=None)), end="")
