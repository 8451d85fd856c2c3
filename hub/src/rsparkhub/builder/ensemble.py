"""From a row and an environment to what a backend runs: pure, so that two controllers ask for the very same thing."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from rspark_contract.reading import JsonObject
from rspark_contract.specs import ComponentSpec, InterfaceSpec, SecretFile, ServiceSpec
from rsparkhub.domain.ensemble import EnsembleSpec
from rsparkhub.domain.environment import Environment, InterfaceChoice, Resources
from rsparkhub.domain.session import Session, State
from rsparkhub.domain.start_options import chosen, options_in_force
from rsparkhub.interfaces.base import AnyInterface
from rsparkhub.services.base import Account, AnyService, Instance
from rsparkhub.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Grant:
    """The way to one shared service that runs: where it listens, and the person's account on it."""

    endpoint: JsonObject
    account: Account


@dataclass(kw_only=True)
class _Used:
    """What all services of one session come to."""

    services: list[ServiceSpec] = field(default_factory=list)
    components: list[ComponentSpec] = field(default_factory=list)
    environ: dict[str, str] = field(default_factory=dict)
    files: list[SecretFile] = field(default_factory=list)


class Builder:
    """Builds what is to run out of the interfaces and services that there are."""

    def __init__(self, *, interfaces: Mapping[str, AnyInterface], services: Mapping[str, AnyService], settings: Settings) -> None:
        self._interfaces = interfaces
        self.services = services
        self._settings = settings

    def session(
        self, session: Session, environment: Environment, *, grants: Mapping[str, Grant], token: str | None
    ) -> EnsembleSpec:
        """Return what one generation of a session runs.

        Parameters
        ----------
        grants
            The way to each shared service; one that is missing is left out of what the session gets.
        token
            The session's own, to speak to the hub.
        """
        spec = environment.spec
        choice = chosen(spec.options, options_in_force(spec.options, session.options))
        resources = spec.resources.model_copy(
            update={"cpu": choice.cpu or spec.resources.cpu, "memory": choice.memory or spec.resources.memory}
        )
        used = self._used(environment, grants, resources)
        return EnsembleSpec(
            id=session.id,
            generation=session.generation,
            kind="session",
            user=session.owner,
            base_path=f"/s/{session.id}/",
            secret=_secret(session),
            hub_url=self._settings.url,
            token=token,
            interface=self._interface(spec.interface, spec.kernels),
            beside={name: self._interface(choice, spec.kernels) for name, choice in spec.beside.items()},
            services=tuple(used.services),
            components=tuple(used.components),
            environ={**choice.variables, **used.environ},
            files=tuple(used.files),
            image=spec.image,
            cpu=resources.cpu,
            memory=resources.memory,
            home_size=spec.home.size,
            grace=spec.lifecycle.grace,
            resume=session.state is State.RESUMING,
            uses=tuple(name for name, choice in spec.services.items() if choice.is_shared),
            backends=spec.backends,
            template=spec.template,
        )

    def service(
        self, session: Session, service: AnyService, instance: Instance, *, endpoint: JsonObject | None = None
    ) -> EnsembleSpec:
        """Return what one generation of an instance of a shared service runs; `endpoint` is the service's, where it needs one."""
        files = (SecretFile(path=f"{instance.after}.json", content=json.dumps(endpoint)),) if instance.after else ()
        return EnsembleSpec(
            id=session.id,
            generation=session.generation,
            kind="service",
            user=None,
            base_path=f"/s/{session.id}/",
            secret=_secret(session),
            hub_url=self._settings.url,
            token=None,
            interface=None,
            components=instance.components,
            files=files,
            cpu=instance.cpu,
            memory=instance.memory,
            home_size=instance.volume,
            uses=tuple(name for name in service.needs if name in self.services and self.services[name].instances()),
            service_name=service.name,
            ports=service.ports,
            private_ports=service.private_ports,
            unprivileged=instance.unprivileged,
        )

    def _interface(self, choice: InterfaceChoice, kernels: tuple[str, ...]) -> InterfaceSpec:
        return self._interfaces[choice.name].session_spec(choice.options, title=choice.title, kernels=kernels)

    def _used(self, environment: Environment, grants: Mapping[str, Grant], resources: Resources) -> _Used:
        used = _Used()
        for name, choice in environment.spec.services.items():
            service, grant = self.services[name], grants.get(name)
            if choice.is_shared and grant is None:
                continue
            config = service.session_config(
                choice.options,
                resources=resources,
                endpoint=grant.endpoint if grant else None,
                account=grant.account if grant else None,
            )
            used.services.append(ServiceSpec(name=name, title=choice.title, config=config.config))
            used.components += service.session_components(choice.options)
            used.environ |= config.environ
            used.files += config.files
        return used


def _secret(session: Session) -> str:
    if session.secret is None:
        raise ValueError(f"generation {session.generation} of session {session.id} has not begun: it has no secret")
    return session.secret
