"""What an interface is to the hub; how it is started is a matter of its module in the session (`rspark_session.interfaces`)."""

from abc import ABC
from typing import Any, ClassVar, Generic, TypeVar

from rspark_contract.specs import InterfaceSpec
from rsparkhub.domain.environment import Options
from rsparkhub.domain.requirements import Requirements

O = TypeVar("O", bound=Options)  # noqa: E741  the options of an interface


class Interface(ABC, Generic[O]):
    """One thing that the browser can open.

    A subclass that a module of this package calls `INTERFACE`, or to which an entry point `rsparkhub.interfaces` of another
    package leads, is all that the hub needs. It is made once, without arguments, and keeps no state.

    Attributes
    ----------
    name
        How an environment asks for it: `interface: NAME`, or `interface: {NAME: {…}}` with options.
    title
        What people see; None for one that is called as its environment is.
    mark
        Two letters for it where there is no room for the title; the title's first two by default.
    description
        One sentence for the reference.
    Options
        Its block in an environment.
    saves
        Whether the workspaces of its kernels outlive a sleep: what the reference says, and its module in the session does.
    viewable
        Whether it shows something to who may only read from it: no websocket, and no method that changes something.
    for_visitors
        Whether who may only look uses its websockets all the same: what it serves is made for visitors, as an app is.
    once
        Whether a session can have one of it alone.
    requires
        What must be installed where its sessions run.
    """

    name: ClassVar[str]
    title: ClassVar[str | None] = None
    mark: ClassVar[str] = ""
    description: ClassVar[str]
    Options: ClassVar[type[Options]] = Options
    saves: ClassVar[bool] = False
    viewable: ClassVar[bool] = True
    for_visitors: ClassVar[bool] = False
    once: ClassVar[bool] = False
    requires: ClassVar[Requirements] = Requirements()

    def session_spec(self, options: O, *, title: str, kernels: tuple[str, ...]) -> InterfaceSpec:
        """Return what its module in the session is told; an interface with options puts them into `config`."""
        return InterfaceSpec(kind=self.name, title=title, kernels=kernels)


#: An interface of which only the name is known.
AnyInterface = Interface[Any]
