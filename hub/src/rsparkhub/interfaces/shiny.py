"""An app of Shiny."""

from pathlib import PurePosixPath
from typing import Annotated

from pydantic import AfterValidator, Field

from rspark_contract.specs import InterfaceSpec
from rsparkhub.domain.environment import Options
from rsparkhub.domain.requirements import Requirements
from rsparkhub.interfaces.base import Interface


def _inside(path: str) -> str:
    if path.startswith(("/", "~")) or ".." in PurePosixPath(path).parts:
        raise ValueError("the folder of the app is one of the home: write it without a leading / or ~, and without ..")
    return path


class ShinyOptions(Options):
    app: Annotated[str, AfterValidator(_inside)] = Field(
        min_length=1, max_length=500, description="The folder of the app, below the home: `app.R` is in it."
    )


class Shiny(Interface[ShinyOptions]):
    name = "shiny"
    title = "Shiny"
    mark = "Sh"
    description = "An app of R's Shiny, which several people use at once; it is loaded anew when its files change."
    Options = ShinyOptions
    for_visitors = True
    requires = Requirements(r=("shiny",))

    def session_spec(self, options: ShinyOptions, *, title: str, kernels: tuple[str, ...]) -> InterfaceSpec:
        return InterfaceSpec(kind=self.name, title=title, kernels=kernels, config={"app": options.app})


INTERFACE = Shiny
