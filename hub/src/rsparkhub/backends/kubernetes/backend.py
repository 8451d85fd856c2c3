"""Runs ensembles as pods of a Kubernetes cluster."""

import asyncio
import builtins
import json
import logging
import time
from collections.abc import AsyncIterator, Awaitable
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import TypeVar

from rspark_contract.http import Ending
from rspark_contract.status import AgentStatus
from rsparkhub.agents import AgentClient, StatusAnswer
from rsparkhub.backends.base import Backend, EnsembleRef
from rsparkhub.backends.kubernetes.api import Api, InTrouble, Refused
from rsparkhub.backends.kubernetes.deadline import within
from rsparkhub.backends.kubernetes.drift import Drift
from rsparkhub.backends.kubernetes.homes import Homes, key_of_claim
from rsparkhub.backends.kubernetes.judging import diagnostics
from rsparkhub.backends.kubernetes.judging.diagnostics import Diagnosis
from rsparkhub.backends.kubernetes.judging.observe import (
    address_of,
    is_over,
    observe,
    split_log,
)
from rsparkhub.backends.kubernetes.objects import generation, namespace, secret
from rsparkhub.backends.kubernetes.objects.names import (
    COMPONENT,
    FINALIZER,
    SELECTOR,
    SESSION,
    Object,
    name_of,
    ref_of,
)
from rsparkhub.backends.kubernetes.objects.network import Networks
from rsparkhub.backends.kubernetes.objects.placed import Placed
from rsparkhub.backends.kubernetes.objects.pod import CONTAINER
from rsparkhub.backends.kubernetes.watching.changes import changes
from rsparkhub.backends.kubernetes.watching.informer import BELIEVE, Informer
from rsparkhub.backends.kubernetes.watching.readiness import ReadinessFollower
from rsparkhub.domain.ending import SLACK
from rsparkhub.domain.ensemble import EnsembleSpec, Observed
from rsparkhub.domain.errors import Unavailable
from rsparkhub.settings.kubernetes import KubernetesSettings

log = logging.getLogger(__name__)

T = TypeVar("T")

#: Executors are Spark's, and no session.
_OUR_GENERATIONS = f"{SELECTOR},{COMPONENT} in (session,service)"
_OUR_CLAIMS = f"{SELECTOR},{COMPONENT} in (home,service)"
_KINDS_OF_GENERATIONS = ("session", "service")

_FORCE_SECONDS = 20.0
_ASK_EVERY = 0.5  # seconds, of a pod that shall end, where the watch says nothing
_HANGS_AFTER = timedelta(seconds=10)
_EVENTS_EVERY = 10.0
_LINES, _LOG_BYTES = 5000, 2**22
#: Generations that are made at once. More would not be made sooner, only all of them as late as the last one.
_MOST_MADE_AT_ONCE = 16


class KubernetesBackend(Backend):
    """See `Backend`. A generation is its root Secret and what hangs on it; it has run when its pod was made.

    The pod waits for us when it is deleted, by whoever it was (a finalizer): so its exit code and its record are read first.

    While somebody iterates over `changes`, most of what would be asked is known from three watches: pods, the metadata of
    Secrets, and the claims of homes. A start then costs two writes, the Secret and the pod, and no read.

    Parameters
    ----------
    believe
        Seconds after its last word for which a watch is believed that something is missing.
    """

    def __init__(self, settings: KubernetesSettings, *, believe: float = BELIEVE) -> None:
        self._settings = settings
        self._api = Api(settings)
        everywhere = self._everywhere
        self._pods = Informer(self._api, "Pod", everywhere, labels=_OUR_GENERATIONS, key=ref_of, believe=believe)
        self._roots = Informer(
            self._api, "Secret", everywhere, labels=_OUR_GENERATIONS, key=ref_of, names_only=True, believe=believe
        )
        self._claims = Informer(
            self._api,
            "PersistentVolumeClaim",
            everywhere,
            labels=_OUR_CLAIMS,
            key=key_of_claim,
            names_only=True,
            believe=believe,
        )
        self._homes = Homes(self._api, settings, self._claims)
        self._agents = AgentClient()
        self._readiness = ReadinessFollower(self._pods, self._ask)
        self._drift = Drift(self._api, settings, self._api_server)
        self._making = asyncio.Semaphore(_MOST_MADE_AT_ONCE)
        self._secrets: dict[EnsembleRef, str] = {}
        self._hosts: dict[str, str] = {}
        self._namespaces: set[str] = set()
        self._events: dict[EnsembleRef, tuple[float, Diagnosis | None]] = {}
        self._servers: tuple[IPv4Network | IPv6Network, ...] | None = None

    @property
    def is_watching(self) -> bool:
        """Whether the watches tell what happens."""
        return self._pods.alive and self._roots.alive and self._claims.alive

    @property
    def _everywhere(self) -> str | None:
        """The one namespace in which sessions are, None where they are in several."""
        return self._settings.namespace if self._settings.namespaces == "one" else None

    async def aclose(self) -> None:
        await self._agents.aclose()
        await self._api.aclose()

    @within(30)
    async def apply(self, spec: EnsembleSpec) -> None:
        """Make all of it.

        Raises
        ------
        CannotStart
            A sentence for the person, and a detail for the administrator.
        """
        async with self._making:
            await self._apply(Placed.of(spec, self._settings), spec.secret)

    async def _apply(self, placed: Placed, secret: str) -> None:
        try:
            await self._make_namespace(placed.namespace)
            forget = await self._make_persistent(placed)
            root = await self._make(generation.root(placed, forget=forget))
            self._roots.put(root)
            if root["metadata"].get("deletionTimestamp"):
                return  # somebody takes it away: the next observation shows it
            self._secrets[placed.ref] = secret
            api_server = await self._api_server() if placed.has_executors else ()
            *beside, pod = generation.dependents(placed, root=root, api_server=api_server)
            for manifest in beside:
                await self._make(manifest)
            await self._make_pod(pod)
        except Refused as refused:
            raise diagnostics.refusal(refused) from refused

    async def _make(self, manifest: Object) -> Object:
        """Make an object, or mend the one that is there. To create costs the API server half of what an apply costs."""
        try:
            return await self._api.create(manifest)
        except Refused as refused:
            if not refused.already_exists:
                raise
        return await self._api.apply(manifest)

    async def _make_pod(self, manifest: Object) -> None:
        """Make the pod. One that is there is the one, also where a setting has changed since: a pod can't be changed."""
        try:
            self._pods.put(await self._api.create(manifest))
        except Refused as refused:
            if not refused.already_exists:
                raise

    async def _make_namespace(self, name: str) -> None:
        """Make the namespace of a person, and what it has from the start; that of all sessions is the chart's."""
        if self._settings.namespaces == "one" or name in self._namespaces or name == self._settings.namespace:
            return
        for manifest in [namespace.namespace(name), *namespace.baseline(name, self._settings)]:
            await self._api.apply(manifest)
        self._namespaces.add(name)

    async def _make_persistent(self, placed: Placed) -> tuple[str, ...]:
        """Make what outlives the generation where it is missing; return the sessions that its home may forget."""
        claim, *others = generation.persistent(placed)
        forget = await self._homes.ensure(claim)
        for manifest in others:
            made = await self._make(manifest)
            if made["kind"] == "Service":
                self._hosts[placed.ref.id] = made["spec"]["clusterIP"]
        return forget

    async def _api_server(self) -> Networks:
        """Return the API server's addresses: as set, else those behind the Service `kubernetes`."""
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

    @within(15)
    async def observe(self, ref: EnsembleRef) -> Observed:
        pod = await self._pod(ref)
        if pod is None or (is_over(pod) and FINALIZER not in pod["metadata"].get("finalizers", [])):
            return Observed(phase="absent", evicted=True, leftovers=await self._root(ref) is not None)
        status = None
        if not is_over(pod) and (status := await self._status(ref, pod)) is not None:
            status = await self._with_hosts(ref, pod, status)
        return observe(pod, status, now=datetime.now(UTC), diagnosis=await self._why_it_hangs(ref, pod, status))

    @within(60)
    async def list(self, *, session_id: str | None = None) -> builtins.list[EnsembleRef]:
        """Return what there is. Of all sessions the API server is asked, and what is lost beside their pods is made again."""
        if session_id is not None and self._pods.is_current and self._roots.is_current:
            return sorted({ref for ref, _ in [*self._pods.items(), *self._roots.items()] if ref.id == session_id})
        labels = SELECTOR if session_id is None else f"{SELECTOR},{SESSION}={session_id}"
        found = set()
        for kind in ("Secret", "Pod"):
            listed = await self._unrefused(self._api.list(kind, self._everywhere, labels=labels, names_only=True))
            found |= {
                ref
                for item in listed.items
                if (ref := ref_of(item)) is not None and item["metadata"]["labels"].get(COMPONENT) in _KINDS_OF_GENERATIONS
            }
        if session_id is None:
            await self._unrefused(self._drift.mend([pod for _, pod in self._pods.items()]))
        return sorted(found)

    @within(20)
    async def end(self, ref: EnsembleRef, ending: Ending, grace: timedelta) -> None:
        """Delete the pod, upon which its agent gets SIGTERM, saves, and exits; one that only stops is told so before.

        An agent that may refuse ends by itself, and its pod is over then.
        """
        pod = await self._pod(ref)
        if pod is None:
            return
        self._readiness.expire(ref)
        if ending != "suspend":
            address, password = address_of(pod), await self._secret(ref)
            if address and password:
                await self._agents.end(address, password, ending)
        if ending in ("sleep", "sleep-if-idle"):
            return
        if pod["metadata"].get("deletionTimestamp"):  # it ends already, though its node has not told yet
            return
        seconds = round((grace + SLACK).total_seconds())
        await self._unrefused(self._api.delete("Pod", pod["metadata"]["namespace"], name_of(ref), grace=seconds))

    @within(45)
    async def kill(self, ref: EnsembleRef) -> None:
        """Delete the pod at once, and wait until its node says that nothing runs; a node that is lost is not waited for."""
        pod = self._pods.get(ref)
        if pod is not None and is_over(pod):  # what has ended never runs again
            return
        pod = await self._find(ref)
        if pod is None:
            root = await self._root(ref)
            if root is not None:  # nothing was started, and nothing shall be
                await self._delete_root(ref, root["metadata"]["namespace"])
            return
        if is_over(pod):
            return
        self._readiness.expire(ref)
        await self._unrefused(self._api.delete("Pod", pod["metadata"]["namespace"], name_of(ref), grace=1))
        deadline = time.monotonic() + _FORCE_SECONDS
        while time.monotonic() < deadline:
            if await self._pods.wait_until(ref, is_over, _ASK_EVERY):
                return
            pod = await self._find(ref)
            if pod is None or is_over(pod):
                return
        log.warning("%s: its node does not say that it ended.", name_of(ref))

    @within(30)
    async def remove(self, ref: EnsembleRef) -> None:
        self._readiness.forget(ref)
        self._secrets.pop(ref, None)
        self._events.pop(ref, None)
        pod = self._pods.get(ref) if self._pods.alive else None
        if pod is None or not is_over(pod):
            pod = await self._find(ref)
        if pod is not None:
            where = pod["metadata"]["namespace"]
            if not is_over(pod):  # its node is lost, and will not tell
                await self._unrefused(self._api.delete("Pod", where, name_of(ref), grace=0))
            finalizers = pod["metadata"].get("finalizers", [])
            others = [name for name in finalizers if name != FINALIZER]
            if len(others) != len(finalizers):
                change = {"metadata": {"finalizers": others or None}}
                released = await self._unrefused(self._api.merge("Pod", where, name_of(ref), change))
                if released is None or (
                    released["metadata"].get("deletionTimestamp") and not others
                ):  # that was all it waited for
                    self._pods.drop(ref)
                else:
                    self._pods.put(released)
        root_namespace = pod["metadata"]["namespace"] if pod else await self._namespace(ref)
        if root_namespace is not None:
            await self._delete_root(ref, root_namespace)

    async def _delete_root(self, ref: EnsembleRef, where: str) -> None:
        await self._unrefused(self._api.delete("Secret", where, name_of(ref)))
        self._roots.drop(ref)

    @within(30)
    async def log_tails(self, ref: EnsembleRef, *, most: int = 64 * 1024) -> dict[str, str]:
        pod = await self._pod(ref)
        if pod is None:
            return {}
        try:
            text = await self._api.text(
                "pods",
                pod["metadata"]["namespace"],
                f"{name_of(ref)}/log",
                container=CONTAINER,
                tailLines=str(_LINES),
                limitBytes=str(_LOG_BYTES),
            )
        except (Refused, InTrouble) as error:  # its container never ran, or its node is lost
            log.info("%s has no log: %s", name_of(ref), error)
            return {}
        return split_log(text, most=most)

    async def changes(self) -> AsyncIterator[EnsembleRef]:
        async with aclosing(changes(self._pods, self._readiness, also=(self._roots, self._claims))) as refs:
            async for ref in refs:
                yield ref

    @within(20)
    async def forget_session(self, session_id: str, *, user: str | None) -> None:
        """Write on the person's claim what its next agent throws away: nobody else can reach into a home."""
        if user is not None:
            await self._unrefused(self._homes.forget(session_id, user))

    @within(20)
    async def remove_home(self, user: str, *, archive: Path | None) -> None:
        """Delete the claim of the home; an archive is not among what this backend is able to write."""
        if archive is not None:
            raise ValueError("the backend kubernetes has not the capability archive")
        await self._unrefused(self._homes.remove(user))

    async def _pod(self, ref: EnsembleRef) -> Object | None:
        """Return the pod, from the watch while it lives; the API server is asked before one counts as missing."""
        known = self._pods.get(ref) if self._pods.alive else None
        if known is not None or self._pods.is_current:
            return known
        return await self._find(ref)

    async def _find(self, ref: EnsembleRef) -> Object | None:
        where = await self._namespace(ref)
        if where is None:
            return None
        pod = await self._unrefused(self._api.get("Pod", where, name_of(ref)))
        return pod if pod is not None and ref_of(pod) == ref else None

    async def _root(self, ref: EnsembleRef) -> Object | None:
        """Return the metadata of the root."""
        known = self._roots.get(ref) if self._roots.alive else None
        if known is not None or self._roots.is_current:
            return known
        return await self._find_root(ref)

    async def _find_root(self, ref: EnsembleRef) -> Object | None:
        where = await self._namespace(ref)
        return None if where is None else await self._unrefused(self._api.get("Secret", where, name_of(ref)))

    async def _namespace(self, ref: EnsembleRef) -> str | None:
        """Return where a generation is: its row says whose it is, its name doesn't."""
        if self._everywhere is not None:
            return self._everywhere
        known = self._pods.get(ref) or self._roots.get(ref)
        if known is not None:
            return str(known["metadata"]["namespace"])
        listed = await self._unrefused(
            self._api.list("Secret", None, labels=SELECTOR, fields=f"metadata.name={name_of(ref)}", names_only=True)
        )
        return str(listed.items[0]["metadata"]["namespace"]) if listed.items else None

    async def _status(self, ref: EnsembleRef, pod: Object) -> AgentStatus | None:
        """Return what the agent reports: what it reported a moment ago to whoever asked, else it is asked."""
        known = self._readiness.fresh_status(ref)
        if known is not None:
            return known
        answer = await self._ask(ref, pod)
        if answer is None:
            return None
        self._readiness.saw(ref, answer.status)
        return answer.status

    async def _ask(self, ref: EnsembleRef, pod: Object, known: str | None = None, seconds: int = 0) -> StatusAnswer | None:
        address = address_of(pod)
        if address is None or (password := await self._secret(ref)) is None:
            return None
        return await self._agents.status(address, password, etag=known, wait=seconds)

    async def _secret(self, ref: EnsembleRef) -> str | None:
        known = self._secrets.get(ref)
        if known is None:
            root = await self._find_root(ref)
            if root is None:
                return None
            known = self._secrets[ref] = str(json.loads(secret.content(root))["secret"])
        return known

    async def _with_hosts(self, ref: EnsembleRef, pod: Object, status: AgentStatus) -> AgentStatus:
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

    async def _why_it_hangs(self, ref: EnsembleRef, pod: Object, status: AgentStatus | None) -> Diagnosis | None:
        """Read the events of a pod that has a node and doesn't start; not more often than is of use."""
        if status is not None or pod.get("status", {}).get("phase") != "Pending" or not pod["spec"].get("nodeName"):
            return None
        made = datetime.fromisoformat(pod["metadata"]["creationTimestamp"])
        if datetime.now(UTC) < made + _HANGS_AFTER:
            return None
        asked, diagnosis = self._events.get(ref, (0.0, None))
        if time.monotonic() >= asked + _EVENTS_EVERY:
            fields = f"involvedObject.name={name_of(ref)},involvedObject.kind=Pod"
            events = await self._unrefused(self._api.list("Event", pod["metadata"]["namespace"], fields=fields))
            diagnosis = diagnostics.hanging(pod, events.items)
            self._events[ref] = (time.monotonic(), diagnosis)
        return diagnosis

    @staticmethod
    async def _unrefused(call: Awaitable[T]) -> T:
        """Wait for a call of which a refusal is nobody's business but the administrator's."""
        try:
            return await call
        except Refused as refused:
            raise Unavailable(f"The cluster refuses what RSparkHub needs: {refused} Run `rsparkhub doctor`.") from refused
