"""Makes again what a running session or shared service has lost beside its pod: its account, its name, its policy."""

import logging
from collections.abc import Awaitable, Callable, Iterable

from rsparkhub.backends.kubernetes.api import Api
from rsparkhub.backends.kubernetes.judging.observe import is_over
from rsparkhub.backends.kubernetes.objects import generation, persistent, spark
from rsparkhub.backends.kubernetes.objects.names import (
    COMPONENT,
    EGRESS,
    SELECTOR,
    SERVICE,
    SESSION,
    USER,
    Object,
    labels_of,
    name_of,
    ref_of,
)
from rsparkhub.backends.kubernetes.objects.network import Networks
from rsparkhub.settings.kubernetes import KubernetesSettings

log = logging.getLogger(__name__)

_KINDS = ("ServiceAccount", "Service", "NetworkPolicy")


class Drift:
    """Compares what should be beside each pod with what is there."""

    def __init__(self, api: Api, settings: KubernetesSettings, api_server: Callable[[], Awaitable[Networks]]) -> None:
        self._api = api
        self._settings = settings
        self._api_server = api_server

    async def mend(self, pods: Iterable[Object]) -> None:
        """Make again what is missing.

        A policy with addresses of its own can't be made of the pod: such a session keeps what it has, which is less.
        """
        live = [pod for pod in pods if not is_over(pod) and not pod["metadata"].get("deletionTimestamp")]
        drivers = [pod for pod in live if pod["spec"].get("subdomain")]
        services = [pod for pod in live if pod["metadata"]["labels"].get(COMPONENT) == "service"]
        if not drivers and not services:
            return
        namespace = self._settings.namespace if self._settings.namespaces == "one" else None
        there = {
            kind: {
                (item["metadata"]["namespace"], item["metadata"]["name"])
                for item in (await self._api.list(kind, namespace, labels=f"{SELECTOR},{SESSION}", names_only=True)).items
            }
            for kind in _KINDS
        }
        for pod in drivers:
            for manifest in await self._beside_driver(pod):
                meta = manifest["metadata"]
                if (meta["namespace"], meta["name"]) not in there[manifest["kind"]]:
                    await self._make(manifest)
        for pod in services:
            meta = pod["metadata"]
            instance = meta["labels"][SESSION]
            if (meta["namespace"], persistent.policy_name(instance)) not in there["NetworkPolicy"]:
                await self._make_policy_of_service(instance, meta)

    async def _make(self, manifest: Object) -> None:
        log.warning("The %s %s was missing and is made again.", manifest["kind"], manifest["metadata"]["name"])
        await self._api.apply(manifest)

    async def _make_policy_of_service(self, instance: str, meta: Object) -> None:
        """Make it of the ports of the Service: also for one that the version before has started, which made no such policy."""
        address = await self._api.get("Service", meta["namespace"], instance)
        if address is not None:
            name = meta["labels"].get(SERVICE, instance)
            await self._make(persistent.policy_of_service(instance, name, address, self._settings))

    async def _beside_driver(self, pod: Object) -> list[Object]:
        ref, meta = ref_of(pod), pod["metadata"]
        owners = [owner for owner in meta.get("ownerReferences", []) if ref and owner["name"] == name_of(ref)]
        if ref is None or not owners:
            return []
        root = {"metadata": owners[0]}
        namespace, labels = meta["namespace"], labels_of(ref, user=meta["labels"].get(USER), component="session")
        found = [
            spark.service_account(pod["spec"]["serviceAccountName"], namespace, labels, root=root),
            spark.headless_service(ref, namespace, labels, root=root),
        ]
        if meta["labels"].get(EGRESS) == "standard":
            rules = spark.rules_of_executors(generation.own_pods(ref), await self._api_server())
            found.append(generation.own_policy(ref, namespace, labels, root=root, egress=None, executors=rules))
        return found
