"""Volumes of homes and of shared services: made where they are missing, and told what they may forget."""

import asyncio
from weakref import WeakValueDictionary

from rsparkhub.backends.kubernetes.api import Api, InTrouble, Refused
from rsparkhub.backends.kubernetes.objects.names import FORGET, Object
from rsparkhub.backends.kubernetes.objects.placed import claim_of, namespace_of
from rsparkhub.backends.kubernetes.watching.informer import Informer
from rsparkhub.settings.kubernetes import KubernetesSettings

_MOST_FORGOTTEN = 200


class Homes:
    """The claims that there are: by namespace and name, known from a watch."""

    def __init__(self, api: Api, settings: KubernetesSettings, claims: Informer[tuple[str, str]]) -> None:
        self._api = api
        self._settings = settings
        self._claims = claims
        self._writing: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()

    async def ensure(self, claim: Object) -> tuple[str, ...]:
        """Make a claim where it is missing; return the deleted sessions that its home may forget.

        One that was seen is there: nobody deletes homes while sessions start.
        """
        found = await self._find(claim["metadata"]["namespace"], claim["metadata"]["name"])
        if found is None:
            try:
                self._claims.put(await self._api.create(claim))
            except Refused as refused:  # another controller makes it at this instant: nothing is to be forgotten yet
                if not refused.already_exists:
                    raise
        return _forgotten(found)

    async def forget(self, session_id: str, user: str) -> None:
        """Write on a person's claim that the home may forget a session."""
        namespace, name = namespace_of(user, self._settings), claim_of(user)
        # Many sessions deleted at once write on one claim: one after the other, so that none finds it changed.
        async with self._writing.setdefault((namespace, name), asyncio.Lock()):
            try:
                await self._write(await self._find(namespace, name), session_id)
            except InTrouble:  # another controller has changed it, and its watch has not told yet
                await self._write(await self._api.get("PersistentVolumeClaim", namespace, name), session_id)

    async def remove(self, user: str) -> None:
        """Delete the claim of a person's home; what becomes of the volume, its storage class says."""
        await self._api.delete("PersistentVolumeClaim", namespace_of(user, self._settings), claim_of(user))

    async def _find(self, namespace: str, name: str) -> Object | None:
        """Return the metadata of a claim."""
        known = self._claims.get((namespace, name)) if self._claims.alive else None
        if known is not None or self._claims.is_current:
            return known
        return await self._api.get("PersistentVolumeClaim", namespace, name)

    async def _write(self, claim: Object | None, session_id: str) -> None:
        """Add a session, unless it is there or there is no home; raise `InTrouble` where the claim isn't as given any more."""
        if claim is None or session_id in _forgotten(claim):
            return
        meta = claim["metadata"]
        ids = [*_forgotten(claim), session_id][-_MOST_FORGOTTEN:]
        change = {"metadata": {"annotations": {FORGET: ",".join(ids)}, "resourceVersion": meta["resourceVersion"]}}
        changed = await self._api.merge("PersistentVolumeClaim", meta["namespace"], meta["name"], change)
        if changed is not None:
            self._claims.put(changed)


def key_of_claim(claim: Object) -> tuple[str, str]:
    """Return the namespace and the name of a claim."""
    return claim["metadata"]["namespace"], claim["metadata"]["name"]


def _forgotten(claim: Object | None) -> tuple[str, ...]:
    annotations = ((claim or {}).get("metadata", {}).get("annotations")) or {}
    return tuple(filter(None, annotations.get(FORGET, "").split(",")))
