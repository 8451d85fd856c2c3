"""The backend `kubernetes`: sessions as pods of a cluster.

Each method reads the modules that it needs when it is called: their libraries are of no use to other backends.
"""

from typing import TYPE_CHECKING

from rsparkhub.backends.definition import BackendDefinition
from rsparkhub.domain.ensemble import EnsembleSpec
from rsparkhub.domain.finding import Finding
from rsparkhub.domain.requirements import Needs
from rsparkhub.settings import Settings
from rsparkhub.settings.kubernetes import KubernetesSettings
from rsparkhub.settings.placement import Placement

if TYPE_CHECKING:
    from rsparkhub.backends.base import Backend


class KubernetesDefinition(BackendDefinition):
    name = "kubernetes"
    settings_model = KubernetesSettings
    Options = Placement
    options_description = "Where on a cluster it runs, and what it may reach there; other backends ignore it."
    manifests = "kubernetes"
    uses_images = True
    capabilities = frozenset({"spark-executors", "spark-standalone"})

    def describe(self, settings: Settings) -> str:
        return f"Sessions run as pods of a Kubernetes cluster, in {_of(settings).namespace}."

    def open(self, settings: Settings) -> "Backend":
        from rsparkhub.backends.kubernetes.backend import KubernetesBackend

        return KubernetesBackend(_of(settings))

    def has_one_image(self, settings: Settings) -> bool:
        return bool(_of(settings).session_image)

    async def check_start(self, settings: Settings, needs: Needs) -> list[Finding]:
        from rsparkhub.backends.kubernetes import checks

        return [await checks.reach(_of(settings))]

    async def examine(self, settings: Settings, needs: Needs) -> list[Finding]:
        from rsparkhub.backends.kubernetes import checks

        return await checks.examine(_of(settings))

    def render(self, settings: Settings, spec: EnsembleSpec | None) -> str:
        from rsparkhub.backends.kubernetes.objects import render

        own = _of(settings)
        return render.to_yaml(render.namespace(own) if spec is None else render.manifests(spec, own, api_server=own.api_server))


def _of(settings: Settings) -> KubernetesSettings:
    return settings.of_backend(KubernetesDefinition.name, KubernetesSettings)


BACKEND = KubernetesDefinition
