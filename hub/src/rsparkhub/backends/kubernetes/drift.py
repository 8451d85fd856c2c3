"""Makes again what a live session has lost beside its pod: its account, its name, its policy."""

import logging
from collections.abc import Awaitable, Callable
from ipaddress import IPv4Network, IPv6Network
from typing import Any

from rsparkhub.backends.kubernetes import spark
from rsparkhub.backends.kubernetes.api import Api
from rsparkhub.backends.kubernetes.look import is_over
from rsparkhub.backends.kubernetes.names import EGRESS, SELECTOR, SESSION, USER, name_of, ref_of
from rsparkhub.backends.kubernetes.pods import Pod

log = logging.getLogger(__name__)

Addresses = Callable[[], Awaitable[tuple[IPv4Network | IPv6Network, ...]]]


class Drift:
    """Compares what should be beside each pod with what is there."""

    def __init__(self, api: Api, namespace: str | None, api_server: Addresses) -> None:
        self._api = api
        self._namespace = namespace
        self._api_server = api_server

    async def mend(self, pods: list[Pod]) -> None:
        """Make again what is missing.

        A policy with addresses of its own can't be told from the pod: such a session keeps what it has, which is less.
        """
        with_executors = [pod for pod in pods if pod["spec"].get("subdomain") and not _ends(pod)]
        if not with_executors:
            return
        there = {
            kind: {
                (item["metadata"]["namespace"], item["metadata"]["name"])
                for item in (await self._api.list(kind, self._namespace, labels=f"{SELECTOR},{SESSION}", names_only=True)).items
            }
            for kind in ("ServiceAccount", "Service", "NetworkPolicy")
        }
        for pod in with_executors:
            for manifest in await self._wanted(pod):
                meta = manifest["metadata"]
                if (meta["namespace"], meta["name"]) not in there[manifest["kind"]]:
                    log.warning("The %s of %s was gone and is made again.", manifest["kind"], meta["name"])
                    await self._api.apply(manifest)

    async def _wanted(self, pod: Pod) -> list[dict[str, Any]]:
        ref, meta = ref_of(pod), pod["metadata"]
        owners = [owner for owner in meta.get("ownerReferences", []) if ref and owner["name"] == name_of(ref)]
        if ref is None or not owners:
            return []
        root = {"metadata": owners[0]}
        namespace, user = meta["namespace"], meta["labels"].get(USER)
        found = [
            spark.service_account(ref, namespace, user, root=root),
            spark.headless_service(ref, namespace, user, root=root),
        ]
        if meta["labels"].get(EGRESS) == "standard":
            policy = spark.network_policy(
                ref, namespace, user, root=root, executors=True, egress=None, api_server=await self._api_server()
            )
            found.append(policy)
        return found


def _ends(pod: Pod) -> bool:
    return is_over(pod) or bool(pod["metadata"].get("deletionTimestamp"))
