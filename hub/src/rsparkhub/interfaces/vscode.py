"""VS Code, as code-server brings it into the browser."""

from pydantic import Field

from rspark_contract.specs import InterfaceSpec
from rsparkhub.domain.environment import Options
from rsparkhub.domain.requirements import Requirements
from rsparkhub.interfaces.base import Interface


class VSCodeOptions(Options):
    extensions: str | None = Field(
        default=None,
        pattern=r"^https?://[^\s/?#]+(/[^\s?#]*)?$",
        max_length=500,
        description="The address of an Open VSX registry, in which extensions are searched for; none by default.",
    )


class VSCode(Interface[VSCodeOptions]):
    name = "vscode"
    title = "VS Code"
    mark = "VS"
    description = "VS Code in the browser, by code-server."
    Options = VSCodeOptions
    viewable = False
    requires = Requirements(folders=("share/rspark/code-server/out",), installed_by="make vscode")

    def session_spec(self, options: VSCodeOptions, *, title: str, kernels: tuple[str, ...]) -> InterfaceSpec:
        return InterfaceSpec(
            kind=self.name,
            title=title,
            kernels=kernels,
            config={"extensions": options.extensions.rstrip("/")} if options.extensions else {},
        )


INTERFACE = VSCode
