"""JupyterLab."""

from rsparkhub.domain.environment import Options
from rsparkhub.domain.requirements import Requirements
from rsparkhub.interfaces.base import Interface


class JupyterLab(Interface[Options]):
    name = "jupyterlab"
    title = "JupyterLab"
    mark = "Jp"
    description = "Notebooks, consoles and terminals in JupyterLab."
    saves = True
    requires = Requirements(python=("jupyter_server", "jupyterlab", "ipykernel"), r=("IRkernel",))


INTERFACE = JupyterLab
