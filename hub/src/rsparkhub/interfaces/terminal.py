"""A shell in the browser."""

from rsparkhub.domain.environment import Options
from rsparkhub.domain.requirements import Requirements
from rsparkhub.interfaces.base import Interface


class Terminal(Interface[Options]):
    name = "terminal"
    title = "Terminal"
    mark = ">_"
    description = "A shell with R, Python and bash."
    saves = True
    viewable = False
    requires = Requirements(python=("jupyter_server",))


INTERFACE = Terminal
