"""RStudio Server."""

from rsparkhub.domain.environment import Options
from rsparkhub.interfaces.base import Interface


class RStudio(Interface[Options]):
    name = "rstudio"
    title = "RStudio"
    mark = "RS"
    description = "RStudio Server, where the image has it: it comes with none of RSparkHub's own."
    saves = True
    once = True  # its R keeps its state in one place of the home
    viewable = False


INTERFACE = RStudio
