"""What an environment is made of, as people call it: its interface, its kernels and its services."""

from typing import Literal

from rsparkhub.builder.ensemble import interface_of
from rsparkhub.domain.environment import KERNEL_TITLES, Environment
from rsparkhub.services.shared import SHARED
from rsparkhub.wire.environment import ComponentView

_SERVICE_TITLES = {"spark": "Spark", "hdfs": "HDFS", "hive": "Hive"} | {name: each.title for name, each in SHARED.items()}
# Letters that stand for a component where there is no room for its title, where they are not the title's first two.
_MARKS = {
    "bash": "$_",
    "hdfs": "Hd",
    "hive": "Hv",
    "jupyterlab": "Jp",
    "postgres": "Pg",
    "rstudio": "RS",
    "terminal": ">_",
    "vscode": "VS",
}
# What is no part of its own in a session: it starts inside of a kernel.
_INSIDE_KERNELS = frozenset({"spark"})


def interface_title(environment: Environment) -> str:
    """Return what people call the environment's interface."""
    return interface_of(environment).title


def components_of(environment: Environment) -> list[ComponentView]:
    """Return the interface, the kernels and the services of an environment, in this order."""
    interface = environment.interface
    return [
        _view("interface", interface, interface_title(environment), part="interface"),
        *(_view("kernel", name, KERNEL_TITLES[name], part=None) for name in environment.spec.kernels),
        *(
            _view("service", name, _SERVICE_TITLES.get(name, name), part=None if name in _INSIDE_KERNELS else name)
            for name in environment.spec.services.names()
        ),
    ]


def _view(kind: Literal["interface", "kernel", "service"], name: str, title: str, *, part: str | None) -> ComponentView:
    return ComponentView(kind=kind, name=name, title=title, mark=_MARKS.get(name, title[:2]), part=part)
