"""What an environment is made of, as people call it: its interface, its kernels and its services."""

from rspark_contract.ensemble import INTERFACE
from rsparkhub.domain.environment import Environment, Kernel
from rsparkhub.wire.environment import ComponentView

#: Title and mark of each kernel.
_KERNELS: dict[Kernel, tuple[str, str]] = {"r": ("R", "R"), "python": ("Python", "Py"), "bash": ("bash", "$_")}


def components_of(environment: Environment) -> list[ComponentView]:
    """Return the interfaces, the kernels and the services of an environment, in this order."""
    spec = environment.spec
    opened = spec.interface
    return [
        ComponentView(kind="interface", name=opened.name, title=opened.title, mark=opened.mark, part=INTERFACE),
        *(
            ComponentView(kind="interface", name=choice.name, title=choice.title, mark=choice.mark)
            for choice in spec.beside.values()
        ),
        *(
            ComponentView(kind="kernel", name=name, title=title, mark=mark)
            for name in spec.kernels
            for title, mark in [_KERNELS[name]]
        ),
        *(
            ComponentView(
                kind="service",
                name=service.name,
                title=service.title,
                mark=service.mark,
                part=service.name if service.is_component else None,
            )
            for service in spec.services.values()
        ),
    ]
