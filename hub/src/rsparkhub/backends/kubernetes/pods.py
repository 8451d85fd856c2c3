"""What the API server said of our pods, kept up to date by a watch, and never trusted alone.

A watch may end, miss its place (410 Gone) or hang; then everything is listed anew. `get` gives a pod only while the watch is
known to be alive; otherwise, and whenever there is none, the API server itself is asked.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

from rsparkhub.backends.base import EnsembleRef
from rsparkhub.backends.kubernetes.api import Api, Refused
from rsparkhub.backends.kubernetes.names import COMPONENT, SELECTOR, ref_of
from rsparkhub.domain.errors import Unavailable

log = logging.getLogger(__name__)

Pod = dict[str, Any]

#: Executors are Spark's, and no session.
OUR_PODS = f"{SELECTOR},{COMPONENT} in (session,service)"
_WATCH_SECONDS = 60  # so long, and some, a connection that hangs without a word is believed
_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.2, 5.0
_GONE = 410


class Pods:
    """The pods of sessions and services, by generation."""

    def __init__(self, api: Api, namespace: str | None) -> None:
        self._api = api
        self._namespace = namespace
        self._pods: dict[EnsembleRef, Pod] = {}
        self._alive = False

    def known(self, ref: EnsembleRef) -> Pod | None:
        """Give a pod as it was last seen, however long ago."""
        return self._pods.get(ref)

    def all(self) -> list[tuple[EnsembleRef, Pod]]:
        return list(self._pods.items())

    def released(self, ref: EnsembleRef, finalizers: list[str]) -> None:
        """Take note of what a pod waits for from now on; the watch tells the same a moment later."""
        known = self._pods.get(ref)
        if known is not None:
            self._pods[ref] = {**known, "metadata": {**known["metadata"], "finalizers": finalizers}}

    @property
    def alive(self) -> bool:
        """Whether the watch tells what happens."""
        return self._alive

    async def watch(self) -> AsyncIterator[EnsembleRef]:
        """Keep all up to date, and give each generation of which something was heard."""
        pause = _SHORTEST_PAUSE
        while True:
            try:
                async for ref in self._follow():
                    pause = _SHORTEST_PAUSE
                    yield ref
                continue
            except (Unavailable, Refused) as error:
                log.warning("Pods can't be watched, trying again: %s", error)
            finally:
                self._alive = False
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    async def _follow(self) -> AsyncIterator[EnsembleRef]:
        listed = await self._api.list("Pod", self._namespace, labels=OUR_PODS)
        before = self._pods
        self._pods = {ref: pod for pod in listed.items if (ref := ref_of(pod)) is not None}
        self._alive = True
        for ref in before.keys() | self._pods.keys():
            yield ref
        version = listed.version
        while True:
            async with self._api.watch(
                "Pod", self._namespace, labels=OUR_PODS, version=version, seconds=_WATCH_SECONDS
            ) as events:
                async for event in events:
                    said = event["object"]
                    if event["type"] == "ERROR":
                        if said.get("code") == _GONE:  # we were away for too long: list anew
                            return
                        raise Refused(said.get("code", 500), said.get("reason", ""), said.get("message", ""))
                    version = said["metadata"]["resourceVersion"]
                    ref = ref_of(said)
                    if event["type"] == "BOOKMARK" or ref is None:
                        continue
                    if event["type"] == "DELETED":
                        self._pods.pop(ref, None)
                    else:
                        self._pods[ref] = said
                    yield ref
