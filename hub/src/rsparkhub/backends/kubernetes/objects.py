"""All objects of one generation, in the order in which they are applied: what `apply` does and what `render` prints."""

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network
from typing import Any

from rsparkhub.backends.base import EnsembleRef
from rsparkhub.backends.kubernetes import spark
from rsparkhub.backends.kubernetes.claim import claim
from rsparkhub.backends.kubernetes.names import plain
from rsparkhub.backends.kubernetes.pod import image_of, placement_of, pod
from rsparkhub.backends.kubernetes.secret import secret
from rsparkhub.backends.kubernetes.service import service
from rsparkhub.domain.ensemble import EnsembleSpec
from rsparkhub.settings.kubernetes import KubernetesSettings

Networks = Sequence[IPv4Network | IPv6Network]


def namespace_of(spec: EnsembleSpec, settings: KubernetesSettings) -> str:
    """Name the namespace: of all, or of the person. Shared services are in that of all."""
    if settings.namespaces == "person" and spec.user is not None:
        return f"{settings.namespace}-{plain(spec.user)}"
    return settings.namespace


def kept(spec: EnsembleSpec, settings: KubernetesSettings) -> list[dict[str, Any]]:
    """Give what outlives the generation: the volume, and the address of a shared service."""
    namespace = namespace_of(spec, settings)
    return [claim(spec, namespace, settings), *([service(spec, namespace)] if spec.kind == "service" else [])]


def root(spec: EnsembleSpec, settings: KubernetesSettings, *, forget: tuple[str, ...] = ()) -> dict[str, Any]:
    """Give the object that all of the generation hangs on."""
    namespace = namespace_of(spec, settings)
    asked = spark.driver(spec, namespace, settings) if spark.asks_for_executors(spec) else None
    return secret(spec, namespace, image=image_of(spec, settings), forget=forget, spark=asked)


def rest(spec: EnsembleSpec, settings: KubernetesSettings, *, root: dict[str, Any], api_server: Networks) -> list[dict[str, Any]]:
    """Give what hangs on the root; `root` is the object as the API server knows it. The pod is the last."""
    namespace, executors = namespace_of(spec, settings), spark.asks_for_executors(spec)
    made = pod(spec, namespace, settings, root=root, executors=executors)
    return [*around(spec, settings, root=root, api_server=api_server), made]


def around(
    spec: EnsembleSpec, settings: KubernetesSettings, *, root: dict[str, Any], api_server: Networks
) -> list[dict[str, Any]]:
    """Give what the pod of a generation needs beside it."""
    ref, namespace = EnsembleRef(spec.id, spec.generation), namespace_of(spec, settings)
    executors, own = spark.asks_for_executors(spec), placement_of(spec, settings).egress
    found: list[dict[str, Any]] = []
    if executors:
        found.append(spark.service_account(ref, namespace, spec.user, root=root))
        found.append(spark.headless_service(ref, namespace, spec.user, root=root))
    if executors or own is not None:
        found.append(
            spark.network_policy(
                ref, namespace, spec.user, root=root, executors=executors, egress=own, api_server=api_server if executors else ()
            )
        )
    return found
