"""Any program that serves HTTP on a port."""

from pydantic import Field

from rspark_contract.specs import InterfaceSpec
from rsparkhub.domain.environment import Options
from rsparkhub.interfaces.base import Interface


class WebOptions(Options):
    command: tuple[str, ...] = Field(
        min_length=1, description="The command; `{port}` and `{base}` stand for its port and its path."
    )
    port: int | None = Field(default=None, ge=1, le=65535, description="A fixed port; without it a free one is given.")
    health: str | None = Field(
        default=None,
        pattern=r"^(/|\{base\})",
        max_length=500,
        description="A path that answers below 500 when it is ready, such as `{base}healthz`; without it, it is ready when it "
        "accepts connections.",
    )


class Web(Interface[WebOptions]):
    name = "web"
    description = "Any command that serves HTTP on a port."
    Options = WebOptions

    def session_spec(self, options: WebOptions, *, title: str, kernels: tuple[str, ...]) -> InterfaceSpec:
        return InterfaceSpec(
            kind=self.name,
            title=title,
            kernels=kernels,
            command=options.command,
            port=options.port,
            config={"health": options.health} if options.health else {},
        )


INTERFACE = Web
