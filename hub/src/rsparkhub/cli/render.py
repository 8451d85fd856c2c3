"""`rsparkhub render`: manifests, to read or to keep in Git."""

from typing import Annotated, Literal

import typer


def add_to(app: typer.Typer) -> None:
    app.command()(render)


def render(
    kind: Annotated[Literal["kubernetes", "compose"], typer.Argument(help="Which manifests.", show_default=False)],
    environment: Annotated[str, typer.Argument(metavar="ENV", help="The environment's name.", show_default=False)],
) -> None:
    """Render an environment's manifests: not in this version, which has neither of the two backends."""
    from rsparkhub.domain.errors import Conflict

    backend = "kubernetes" if kind == "kubernetes" else "container"
    raise Conflict(f"There are no manifests of {environment}: this version has no backend {backend}, only process.")
