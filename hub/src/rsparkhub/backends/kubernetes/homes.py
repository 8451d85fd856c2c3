"""Volumes of homes and of shared services: made where they are missing, and told what they may forget."""

import asyncio
from weakref import WeakValueDictionary

from rsparkhub.backends.kubernetes.api import Api, InTrouble, Refused
from rsparkhub.backends.kubernetes.objects.names import FORGET, OWNER, Object, is_ambiguous
from rsparkhub.backends.kubernetes.objects.placed import claim_of, namespace_of
from rsparkhub.backends.kubernetes.watching.informer import Informer
from rsparkhub.domain.errors import CannotStart
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

        Raises
        ------
        CannotStart
            When it is another person's.
        """
        namespace, name = claim["metadata"]["namespace"], claim["metadata"]["name"]
        owner = _annotations(claim).get(OWNER)
        found = await self._find(namespace, name)
        if found is None:
            try:
                self._claims.put(await self._api.create(claim))
            except Refused as refused:  # another controller makes it at this instant: nothing is to be forgotten yet
                if not refused.already_exists:
                    raise
                if owner is not None:
                    found = await self._api.get("PersistentVolumeClaim", namespace, name)
        if found is not None and owner is not None:
            await self._own(found, owner)
        return _forgotten(found)

    async def forget(self, session_id: str, user: str) -> None:
        """Write on a person's claim that the home may forget a session."""
        namespace, name = namespace_of(user, self._settings), claim_of(user)
        # Many sessions deleted at once write on one claim: one after the other, so that none finds it changed.
        async with self._writing.setdefault((namespace, name), asyncio.Lock()):
            claim = await self._find(namespace, name)
            if _is_anothers(claim, user):
                return
            try:
                await self._write(claim, session_id)
            except InTrouble:  # another controller has changed it, and its watch has not told yet
                await self._write(await self._api.get("PersistentVolumeClaim", namespace, name), session_id)

    async def remove(self, user: str) -> None:
        """Delete the claim of a person's home; what becomes of the volume, its storage class says."""
        namespace, name = namespace_of(user, self._settings), claim_of(user)
        if not (is_ambiguous(user) and _is_anothers(await self._find(namespace, name), user)):
            await self._api.delete("PersistentVolumeClaim", namespace, name)

    async def _own(self, claim: Object, user: str) -> None:
        """Write whose home it is, where the version before has made it and nobody wrote so."""
        meta = claim["metadata"]
        if _is_anothers(claim, user):
            raise CannotStart(
                f"The home of {user} can't be told from that of {_annotations(claim)[OWNER]}. Ask whoever runs this site to give "
                "one of you another name.",
                detail=f"Both have the PersistentVolumeClaim {meta['namespace']}/{meta['name']}.",
            )
        if OWNER not in _annotations(claim):
            change = {"metadata": {"annotations": {OWNER: user}, "resourceVersion": meta["resourceVersion"]}}
            changed = await self._api.merge("PersistentVolumeClaim", meta["namespace"], meta["name"], change)
            if changed is not None:
                self._claims.put(changed)

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


def _is_anothers(claim: Object | None, user: str) -> bool:
    return _annotations(claim).get(OWNER, user) != user


def _forgotten(claim: Object | None) -> tuple[str, ...]:
    return tuple(filter(None, _annotations(claim).get(FORGET, "").split(",")))


def _annotations(claim: Object | None) -> dict[str, str]:
    return (claim or {}).get("metadata", {}).get("annotations") or {}
