"""From a row and an environment to what a backend runs: pure, so that two controllers ask for the very same thing."""

from collections.abc import Mapping

from rspark_contract.ensemble import ComponentSpec, InterfaceSpec
from rsparkhub.domain.ensemble import EnsembleSpec
from rsparkhub.domain.environment import Environment
from rsparkhub.domain.session import Session, State
from rsparkhub.services.access import ServiceAccess
from rsparkhub.services.shared import SHARED
from rsparkhub.services.spark import spark_service
from rsparkhub.settings import Settings

INTERFACE_TITLES = {
    "jupyterlab": "JupyterLab",
    "rc2": "Rc²",
    "rstudio": "RStudio",
    "shiny": "Shiny",
    "terminal": "Terminal",
    "vscode": "VS Code",
}


def build_ensemble(
    *, session: Session, environment: Environment, settings: Settings, accounts: ServiceAccess, token: str | None
) -> EnsembleSpec:
    """Say what one generation of a session runs.

    `accounts` is what it gets to reach shared services; `token` is its own, to speak to the hub.
    """
    spec = environment.spec
    spark = spec.services.spark
    return EnsembleSpec(
        id=session.id,
        generation=session.generation,
        kind="session",
        user=session.owner,
        base_path=f"/s/{session.id}/",
        secret=_secret(session),
        hub_url=settings.url,
        token=token,
        interface=interface_of(environment),
        services=(spark_service(spark, cpu=spec.resources.cpu),) if spark else (),
        environ=accounts.environ,
        files=accounts.files,
        image=spec.image,
        cpu=spec.resources.cpu,
        memory=spec.resources.memory,
        home_size=spec.home.size,
        grace=spec.lifecycle.grace,
        resume=session.state is State.RESUMING,
        uses=tuple(name for name in spec.services.names() if name in SHARED),
        placement=spec.kubernetes,
    )


def build_service(
    *, session: Session, settings: Settings, components: tuple[ComponentSpec, ...], ports: Mapping[str, int]
) -> EnsembleSpec:
    """Return what one generation of a shared service runs."""
    return EnsembleSpec(
        id=session.id,
        generation=session.generation,
        kind="service",
        user=None,
        base_path=f"/s/{session.id}/",
        secret=_secret(session),
        hub_url=settings.url,
        token=None,
        interface=None,
        components=components,
        service_name=session.id,
        ports=ports,
    )


def interface_of(environment: Environment) -> InterfaceSpec:
    """Say what the browser opens."""
    asked, kernels = environment.spec.interface, environment.spec.kernels
    if isinstance(asked, str):
        return InterfaceSpec(kind=asked, title=INTERFACE_TITLES[asked], kernels=kernels)
    title = environment.metadata.title
    return InterfaceSpec(kind="web", title=title, kernels=kernels, command=asked.web.command, port=asked.web.port)


def _secret(session: Session) -> str:
    if session.secret is None:
        raise ValueError(f"generation {session.generation} of session {session.id} has not begun: it has no secret")
    return session.secret
