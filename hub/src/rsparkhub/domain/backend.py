"""What can be said of a backend by those who may not know one."""

from dataclasses import dataclass

#: The capability to write the home of somebody who is removed into an archive.
ARCHIVE = "archive"
#: The capability to run services and sessions on one machine, whose loopback address they share.
ONE_MACHINE = "one-machine"


@dataclass(frozen=True, kw_only=True)
class BackendTraits:
    """What sets one backend apart from others.

    `uses_images` says whether sessions run in the images that environments name, unless with `one_image` a setting names one for
    all; `capabilities` names what it can do beyond running ensembles, which some options of services need.
    """

    name: str
    uses_images: bool = False
    one_image: bool = False
    capabilities: frozenset[str] = frozenset()
