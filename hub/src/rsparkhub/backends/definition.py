"""What a backend is to an installation: the name by which settings choose it, and what is known of it before it is opened."""

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

from pydantic import BaseModel

from rsparkhub.domain.backend import BackendTraits
from rsparkhub.domain.ensemble import EnsembleSpec
from rsparkhub.domain.environment import Options
from rsparkhub.domain.errors import NotFound
from rsparkhub.domain.finding import Finding
from rsparkhub.domain.requirements import Needs, Requirements
from rsparkhub.settings import Settings

if TYPE_CHECKING:
    from rsparkhub.backends.base import Backend


class BackendDefinition(ABC):
    """One backend by its name.

    A subclass that the module `definition` of a folder in this package calls `BACKEND`, or to which an entry point
    `rsparkhub.backends` of another package leads, is all that an installation needs. It is made once, without arguments, and
    loaded by each process of an installation, whichever backend that has: so its module reads no library that only the opened
    backend needs.

    Attributes
    ----------
    name
        What the setting `backend` says.
    settings_model
        Its group of settings, under its name: `NAME:` in `settings.yaml`, `RSPARKHUB_NAME__…` variables; None without any.
    Options
        What an environment may say to it, under its name in `spec`; None for nothing.
    options_description
        One sentence on that for the reference.
    manifests
        What `rsparkhub render` calls what it applies; None where there is nothing to show.
    uses_images
        Whether sessions run in the images that environments name.
    capabilities
        What it can do beyond running ensembles, which some options of services need.
    """

    name: ClassVar[str]
    settings_model: ClassVar[type[BaseModel] | None] = None
    Options: ClassVar[type[Options] | None] = None
    options_description: ClassVar[str] = ""
    manifests: ClassVar[str | None] = None
    uses_images: ClassVar[bool] = False
    capabilities: ClassVar[frozenset[str]] = frozenset()

    @property
    def traits(self) -> BackendTraits:
        """What those may know of it who may not know it."""
        return BackendTraits(name=self.name, uses_images=self.uses_images, capabilities=self.capabilities)

    @abstractmethod
    def describe(self, settings: Settings) -> str:
        """Return where sessions run, as a sentence."""

    def trust(self, settings: Settings) -> str | None:
        """Return in a sentence whom people must trust, where nothing keeps one person's sessions from another's files."""
        return None

    @abstractmethod
    def open(self, settings: Settings) -> "Backend":
        """Return the backend of an installation; whatever it has to wait for, it waits for when it is first asked."""

    def has_one_image(self, settings: Settings) -> bool:
        """Return whether all sessions run in one image, whatever their environments name."""
        return False

    def missing(self, settings: Settings, requirements: Requirements) -> list[str]:
        """Return what of it is not installed where sessions run, as far as a look can tell; an image has what it needs."""
        return []

    async def check_start(self, settings: Settings, needs: Needs) -> list[Finding]:
        """Return what a start needs of the place where sessions run, and whether it is there; within a second or two."""
        return []

    async def examine(self, settings: Settings, needs: Needs) -> list[Finding]:
        """Return what `rsparkhub doctor` says of the place where sessions run; it may start programs and pods.

        Parameters
        ----------
        needs
            What interfaces and services need to be installed there.
        """
        return await self.check_start(settings, needs)

    def render(self, settings: Settings, spec: EnsembleSpec | None) -> str:
        """Return what is applied for one generation, as text; without a spec, what stands there before any session.

        Raises
        ------
        NotFound
            When it applies nothing that could be shown.
        """
        raise NotFound(f"The backend {self.name} has no manifests. Choose another one.")
