"""Rc²."""

from rsparkhub.domain.environment import Options
from rsparkhub.domain.requirements import Requirements
from rsparkhub.interfaces.base import Interface


class Rc2(Interface[Options]):
    name = "rc2"
    title = "Rc²"
    mark = "R²"
    description = "Consoles, documents, plots and variables of R, Python and bash in one room."
    saves = True
    viewable = False
    requires = Requirements(python=("jupyter_server", "ipykernel", "pydantic"), r=("IRkernel",))


INTERFACE = Rc2
