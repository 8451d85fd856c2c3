"""Runs ensembles as pods of a Kubernetes cluster."""

import asyncio
import builtins
import json
import logging
import time
from collections.abc import AsyncIterator, Awaitable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any, TypeVar

from rspark_contract.http import Ending
from rspark_contract.status import AgentStatus
from rsparkhub.agents import AgentClient, StatusAnswer
from rsparkhub.backends.base import Backend, EnsembleRef
from rsparkhub.backends.kubernetes import logs, objects, secret, standing, troubles
from rsparkhub.backends.kubernetes.api import Api, Refused
from rsparkhub.backends.kubernetes.drift import Drift
from rsparkhub.backends.kubernetes.look import address_of, is_over, look
from rsparkhub.backends.kubernetes.names import COMPONENT, FINALIZER, FORGET, SELECTOR, name_of, plain, ref_of
from rsparkhub.backends.kubernetes.pod import CONTAINER
from rsparkhub.backends.kubernetes.pods import Pod, Pods
from rsparkhub.backends.kubernetes.starting import Starting
from rsparkhub.domain.ending import SLACK
from rsparkhub.domain.ensemble import EnsembleSpec, Observed
from rsparkhub.domain.errors import Unavailable
from rsparkhub.settings.kubernetes import KubernetesSettings

log = logging.getLogger(__name__)

T = TypeVar("T")

_FORCE_SECONDS = 20.0
_MOST_FORGOTTEN = 200
_HANGS_AFTER = timedelta(seconds=10)
_EVENTS_EVERY = 10.0
_LINES = 5000


class KubernetesBackend(Backend):
    """See `Backend`. A generation is its root Secret and what hangs on it; it has run when its pod was made.

    The pod waits for us when it is deleted, by whoever it was (a finalizer): so its exit code and its record are read first.
    """

    def __init__(self, settings: KubernetesSettings) -> None:
        self._settings = settings
        self._api = Api(settings)
        self._pods = Pods(self._api, self._everywhere)
        self._agents = AgentClient()
        self._starting = Starting(self._pods, self._ask)
        self._drift = Drift(self._api, self._everywhere, self._api_server)
        self._secrets: dict[EnsembleRef, str] = {}
        self._hosts: dict[str, str] = {}
        self._namespaces: set[str] = set()
        self._events: dict[EnsembleRef, tuple[float, troubles.Trouble | None]] = {}
        self._servers: tuple[IPv4Network | IPv6Network, ...] | None = None

    @property
    def _everywhere(self) -> str | None:
        """The one namespace in which sessions are, None where they are in several."""
        return self._settings.namespace if self._settings.namespaces == "one" else None

    async def apply(self, spec: EnsembleSpec) -> None:
        """Make all of it.

        Raises
        ------
        CannotStart
            A sentence for the person, and a detail for the administrator.
        """
        what = "Namespace"
        try:
            await self._make_namespace(objects.namespace_of(spec, self._settings))
            what = "PersistentVolumeClaim"
            forget = await self._make_kept(spec)
            what = "Secret"
            root = await self._api.apply(objects.root(spec, self._settings, forget=forget))
            if root["metadata"].get("deletionTimestamp"):
                return  # somebody takes it away: the next look tells
            self._secrets[EnsembleRef(spec.id, spec.generation)] = spec.secret
            for manifest in objects.rest(spec, self._settings, root=root, api_server=await self._api_server()):
                what = manifest["kind"]
                await self._make(manifest)
        except Refused as refused:
            raise troubles.refusal(refused, what) from refused

    async def _make(self, manifest: dict[str, Any]) -> None:
        try:
            await self._api.apply(manifest)
        except Refused as refused:
            # A pod can't be changed: one that is there already, made before a setting changed, is the one.
            if manifest["kind"] == "Pod" and refused.status == 422 and "may not change fields" in str(refused):
                return
            raise

    async def _make_namespace(self, name: str) -> None:
        """Make the namespace of a person, and what stands in it; that of all sessions is the chart's."""
        if self._settings.namespaces == "one" or name in self._namespaces or name == self._settings.namespace:
            return
        for manifest in [standing.namespace(name), *standing.standing(name, self._settings)]:
            await self._api.apply(manifest)
        self._namespaces.add(name)

    async def _make_kept(self, spec: EnsembleSpec) -> tuple[str, ...]:
        """Make what outlives the generation where it is missing; give the sessions that its home may forget."""
        wanted = objects.kept(spec, self._settings)
        found = await self._api.get("PersistentVolumeClaim", wanted[0]["metadata"]["namespace"], wanted[0]["metadata"]["name"])
        for manifest in wanted if found is None else wanted[1:]:
            made = await self._api.apply(manifest)
            if made["kind"] == "Service":
                self._hosts[spec.id] = made["spec"]["clusterIP"]
        return _forgotten(found)

    async def _api_server(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """Give the API server's addresses: as set, else those behind the Service `kubernetes`."""
        if self._settings.api_server:
            return self._settings.api_server
        if self._servers is None:
            try:
                slices = await self._api.list("EndpointSlice", "default", labels="kubernetes.io/service-name=kubernetes")
            except Refused as refused:
                log.warning(
                    "Addresses of the API server can't be read; the setting kubernetes.api_server names them: %s", refused
                )
                return ()
            self._servers = tuple(
                ip_network(address)
                for item in slices.items
                for endpoint in item.get("endpoints") or []
                for address in endpoint["addresses"]
            )
        return self._servers

    async def observe(self, ref: EnsembleRef) -> Observed:
        pod = await self._pod(ref)
        if pod is None or (is_over(pod) and FINALIZER not in pod["metadata"].get("finalizers", [])):
            return Observed(phase="absent", evicted=True, leftovers=await self._root(ref) is not None)
        status = None
        if not is_over(pod) and (answer := await self._ask(ref, pod)) is not None:
            self._starting.saw(ref, answer.status)
            status = await self._with_hosts(ref, pod, answer.status)
        return look(pod, status, now=datetime.now(UTC), trouble=await self._why_it_hangs(ref, pod, status))

    async def list(self) -> builtins.list[EnsembleRef]:
        found = set()
        for kind in ("Secret", "Pod"):
            listed = await self._unrefused(self._api.list(kind, self._everywhere, labels=SELECTOR, names_only=True))
            found |= {
                ref
                for item in listed.items
                if (ref := ref_of(item)) is not None and item["metadata"]["labels"].get(COMPONENT) in ("session", "service")
            }
        await self._unrefused(self._drift.mend([pod for _, pod in self._pods.all()]))
        return sorted(found)

    async def end(self, ref: EnsembleRef, ending: Ending, grace: timedelta) -> None:
        """Delete the pod, upon which its agent gets SIGTERM, saves, and exits with 0; one that only stops is told so before."""
        pod = await self._pod(ref)
        if pod is None:
            return
        if ending == "stop":
            address, password = address_of(pod), await self._secret(ref)
            if address and password:
                await self._agents.end(address, password, "stop")
        seconds = round((grace + SLACK).total_seconds())
        await self._unrefused(self._api.delete("Pod", pod["metadata"]["namespace"], name_of(ref), grace=seconds))

    async def kill(self, ref: EnsembleRef) -> None:
        """Delete the pod at once, and wait until its node says that nothing runs; a node that is lost is not waited for."""
        pod = await self._find(ref)
        if pod is None:
            root = await self._root(ref)
            if root is not None:  # nothing was started, and nothing shall be
                await self._unrefused(self._api.delete("Secret", root["metadata"]["namespace"], name_of(ref)))
            return
        if is_over(pod):
            return
        await self._unrefused(self._api.delete("Pod", pod["metadata"]["namespace"], name_of(ref), grace=1))
        deadline = time.monotonic() + _FORCE_SECONDS
        while time.monotonic() < deadline:
            pod = await self._find(ref)
            if pod is None or is_over(pod):
                return
            await asyncio.sleep(0.2)  # a condition with a deadline: the API server is asked
        log.warning("%s: its node does not say that it ended.", name_of(ref))

    async def remove(self, ref: EnsembleRef) -> None:
        self._starting.forget(ref)
        self._secrets.pop(ref, None)
        self._events.pop(ref, None)
        pod = await self._find(ref)
        if pod is not None:
            namespace = pod["metadata"]["namespace"]
            if not is_over(pod):  # its node is lost, and will not tell
                await self._unrefused(self._api.delete("Pod", namespace, name_of(ref), grace=0))
            kept = [name for name in pod["metadata"].get("finalizers", []) if name != FINALIZER]
            if len(kept) != len(pod["metadata"].get("finalizers", [])):
                change = {"metadata": {"finalizers": kept or None}}
                await self._unrefused(self._api.merge("Pod", namespace, name_of(ref), change))
            self._pods.released(ref, kept)
        root_namespace = pod["metadata"]["namespace"] if pod else await self._namespace(ref)
        if root_namespace is not None:
            await self._unrefused(self._api.delete("Secret", root_namespace, name_of(ref)))

    async def log_tails(self, ref: EnsembleRef, *, most: int = 64 * 1024) -> dict[str, str]:
        pod = await self._pod(ref)
        if pod is None:
            return {}
        try:
            text = await self._api.text(
                "pods", pod["metadata"]["namespace"], f"{name_of(ref)}/log", container=CONTAINER, tailLines=str(_LINES)
            )
        except Refused as refused:  # its container never ran, or its node is lost
            log.info("%s has no log: %s", name_of(ref), refused)
            return {}
        return logs.split(text, most=most)

    async def changes(self) -> AsyncIterator[EnsembleRef]:
        heard: asyncio.Queue[EnsembleRef] = asyncio.Queue()

        async def pass_on(source: AsyncIterator[EnsembleRef]) -> None:
            async for ref in source:
                heard.put_nowait(ref)

        sources = [asyncio.create_task(pass_on(source)) for source in (self._pods.watch(), self._starting.look())]
        try:
            while True:
                waiting = asyncio.create_task(heard.get())
                await asyncio.wait([waiting, *sources], return_when=asyncio.FIRST_COMPLETED)
                if not waiting.done():  # a source ends only by an error
                    waiting.cancel()
                    for source in sources:
                        if source.done():
                            source.result()
                yield await waiting
        finally:
            for source in sources:
                source.cancel()
            await asyncio.gather(*sources, return_exceptions=True)

    async def forget_session(self, session_id: str, *, user: str | None) -> None:
        """Write on the person's claim what its next agent throws away: nobody else can reach into a home."""
        if user is None:
            return
        namespace = self._settings.namespace + (f"-{plain(user)}" if self._settings.namespaces == "person" else "")
        name = f"home-{plain(user)}"
        claim = await self._unrefused(self._api.get("PersistentVolumeClaim", namespace, name))
        if claim is None or session_id in _forgotten(claim):
            return
        ids = [*_forgotten(claim), session_id][-_MOST_FORGOTTEN:]
        change = {"metadata": {"annotations": {FORGET: ",".join(ids)}}}
        await self._unrefused(self._api.merge("PersistentVolumeClaim", namespace, name, change))

    async def aclose(self) -> None:
        await self._agents.aclose()

    async def _pod(self, ref: EnsembleRef) -> Pod | None:
        """Give the pod: from the watch while it is alive; the API server is asked before one counts as missing."""
        known = self._pods.known(ref) if self._pods.alive else None
        return known or await self._find(ref)

    async def _find(self, ref: EnsembleRef) -> Pod | None:
        namespace = await self._namespace(ref)
        if namespace is None:
            return None
        pod = await self._unrefused(self._api.get("Pod", namespace, name_of(ref)))
        return pod if pod is not None and ref_of(pod) == ref else None

    async def _root(self, ref: EnsembleRef) -> dict[str, Any] | None:
        namespace = await self._namespace(ref)
        return None if namespace is None else await self._unrefused(self._api.get("Secret", namespace, name_of(ref)))

    async def _namespace(self, ref: EnsembleRef) -> str | None:
        """Find where a generation is: its row says whose it is, its name doesn't."""
        if self._everywhere is not None:
            return self._everywhere
        known = self._pods.known(ref)
        if known is not None:
            return str(known["metadata"]["namespace"])
        listed = await self._unrefused(
            self._api.list("Secret", None, labels=SELECTOR, fields=f"metadata.name={name_of(ref)}", names_only=True)
        )
        return str(listed.items[0]["metadata"]["namespace"]) if listed.items else None

    async def _ask(self, ref: EnsembleRef, pod: Pod, known: str | None = None, seconds: int = 0) -> StatusAnswer | None:
        address = address_of(pod)
        if address is None or (password := await self._secret(ref)) is None:
            return None
        return await self._agents.status(address, password, etag=known, wait=seconds)

    async def _secret(self, ref: EnsembleRef) -> str | None:
        known = self._secrets.get(ref)
        if known is None:
            root = await self._root(ref)
            if root is None:
                return None
            known = self._secrets[ref] = str(json.loads(secret.content(root))["secret"])
        return known

    async def _with_hosts(self, ref: EnsembleRef, pod: Pod, status: AgentStatus) -> AgentStatus:
        """Put the address of the Service in the place of what a shared service calls itself."""
        if pod["metadata"]["labels"].get(COMPONENT) != "service":
            return status
        if ref.id not in self._hosts:
            found = await self._unrefused(self._api.get("Service", pod["metadata"]["namespace"], ref.id))
            if found is None:
                return status
            self._hosts[ref.id] = found["spec"]["clusterIP"]
        host = self._hosts[ref.id]
        components = tuple(
            replace(component, endpoint={**component.endpoint, "host": host}) if component.endpoint else component
            for component in status.components
        )
        return replace(status, components=components)

    async def _why_it_hangs(self, ref: EnsembleRef, pod: Pod, status: AgentStatus | None) -> troubles.Trouble | None:
        """Read the events of a pod that has a node and doesn't start; not more often than is of use."""
        if status is not None or pod.get("status", {}).get("phase") != "Pending" or not pod["spec"].get("nodeName"):
            return None
        made = datetime.fromisoformat(pod["metadata"]["creationTimestamp"])
        if datetime.now(UTC) < made + _HANGS_AFTER:
            return None
        asked, trouble = self._events.get(ref, (0.0, None))
        if time.monotonic() >= asked + _EVENTS_EVERY:
            fields = f"involvedObject.name={name_of(ref)},involvedObject.kind=Pod"
            events = await self._unrefused(self._api.list("Event", pod["metadata"]["namespace"], fields=fields))
            trouble = troubles.hanging(pod, events.items)
            self._events[ref] = (time.monotonic(), trouble)
        return trouble

    @staticmethod
    async def _unrefused(call: Awaitable[T]) -> T:
        """Wait for a call of which a refusal is nobody's business but the administrator's."""
        try:
            return await call
        except Refused as refused:
            raise Unavailable(f"The cluster refuses what RSparkHub needs: {refused} Run `rsparkhub doctor`.") from refused


def _forgotten(claim: dict[str, Any] | None) -> tuple[str, ...]:
    annotations = ((claim or {}).get("metadata", {}).get("annotations")) or {}
    return tuple(filter(None, annotations.get(FORGET, "").split(",")))
