"""Objects as the API server last told them, kept up to date by a watch: most of what would be asked is known here.

A watch may end, miss its place (410 Gone) or hang; then everything is listed anew. What is known is used only while the watch is
known to be alive. That something is *missing* counts only while the watch has said anything just now (`is_current`): a
connection that hangs is silent, and would hide what another controller has made meanwhile.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from typing import Generic, TypeVar

from rsparkhub.backends.kubernetes.api import Api, Refused
from rsparkhub.backends.kubernetes.objects.names import Object
from rsparkhub.domain.errors import Unavailable

log = logging.getLogger(__name__)

K = TypeVar("K")

_WATCH_SECONDS = 60  # so long, and some, a connection that hangs without a word is believed
_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.2, 5.0
_GONE = 410
#: The usual value of `Informer`'s `believe`.
BELIEVE = 2.0


class Informer(Generic[K]):
    """The objects of one kind with our labels, by key.

    Parameters
    ----------
    labels
        Which objects.
    key
        Returns the key of an object; None for one that is none of ours, whatever its labels say.
    names_only
        Whether to have their metadata alone.
    pause
        Seconds before a watch that failed is tried again; twice as long each time.
    believe
        Seconds after its last word for which the watch is believed that something is missing.
    """

    def __init__(
        self,
        api: Api,
        kind: str,
        namespace: str | None,
        *,
        labels: str,
        key: Callable[[Object], K | None],
        names_only: bool = False,
        pause: float = _SHORTEST_PAUSE,
        believe: float = BELIEVE,
    ) -> None:
        self._api = api
        self._kind = kind
        self._namespace = namespace
        self._labels = labels
        self._key = key
        self._names_only = names_only
        self._pause = pause
        self._believe = believe
        self._objects: dict[K, Object] = {}
        self._alive = False
        self._heard = 0.0
        self._changed = asyncio.Event()

    def get(self, key: K) -> Object | None:
        """Return an object as it was last seen, however long ago."""
        return self._objects.get(key)

    def items(self) -> list[tuple[K, Object]]:
        """Return all of them."""
        return list(self._objects.items())

    @property
    def alive(self) -> bool:
        """Whether the watch tells what happens."""
        return self._alive

    @property
    def is_current(self) -> bool:
        """Whether what isn't known here isn't there: the watch has said something just now.

        What was made longer ago is known then; what this process itself has made is known at once (`put`).
        """
        return self._alive and time.monotonic() - self._heard < self._believe

    def put(self, item: Object) -> None:
        """Take what the API server answered to a write of ours, unless the watch has told of something newer."""
        key = self._key(item)
        if key is not None and self._is_news(key, item):
            self._objects[key] = _trimmed(item)

    def drop(self, key: K) -> None:
        """Forget an object that we have deleted, and that nothing keeps."""
        self._objects.pop(key, None)

    async def wait_until(self, key: K, condition: Callable[[Object], bool], seconds: float) -> bool:
        """Wait until the watch tells of an object for which the condition holds; return whether it did within so many seconds."""
        try:
            async with asyncio.timeout(seconds):
                while (item := self._objects.get(key)) is None or not condition(item):
                    await self._changed.wait()
        except TimeoutError:
            return False
        return True

    async def watch(self) -> AsyncIterator[K]:
        """Follow what happens, for ever, and yield the key of each object of which something was heard."""
        pause = self._pause
        while True:
            try:
                async for key in self._follow():
                    pause = self._pause
                    yield key
                continue
            except (Unavailable, Refused) as error:
                log.warning("Objects of the kind %s can't be watched, trying again: %s", self._kind, error)
            finally:
                self._alive = False
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    async def _follow(self) -> AsyncIterator[K]:
        listed = await self._api.list(self._kind, self._namespace, labels=self._labels, names_only=self._names_only)
        before = self._objects
        self._objects = {key: _trimmed(item) for item in listed.items if (key := self._key(item)) is not None}
        for key, item in before.items():  # what we have made since the list was taken
            if _version_of(item) > int(listed.version):
                self._objects[key] = item
        self._alive, self._heard = True, time.monotonic()
        for key in before.keys() | self._objects.keys():
            yield key
        version = listed.version
        while True:
            async with self._api.watch(
                self._kind,
                self._namespace,
                labels=self._labels,
                version=version,
                seconds=_WATCH_SECONDS,
                names_only=self._names_only,
            ) as events:
                async for event in events:
                    item = event["object"]
                    if event["type"] == "ERROR":
                        if item.get("code") == _GONE:  # we were away for too long: list anew
                            return
                        raise Refused(item.get("code", 500), item.get("reason", ""), item.get("message", ""), kind=self._kind)
                    version = item["metadata"]["resourceVersion"]
                    self._heard = time.monotonic()
                    key = self._key(item) if event["type"] != "BOOKMARK" else None
                    if key is None or not self._is_news(key, item):
                        continue
                    if event["type"] == "DELETED":
                        self._objects.pop(key, None)
                    else:
                        self._objects[key] = _trimmed(item)
                    self._changed.set()
                    self._changed.clear()
                    yield key

    def _is_news(self, key: K, item: Object) -> bool:
        known = self._objects.get(key)
        return known is None or _version_of(item) >= _version_of(known)


def _version_of(item: Object) -> int:
    """Return the version of an object: a number that grows with each change, which Kubernetes promises since 1.35."""
    version = str(item["metadata"].get("resourceVersion", ""))
    return int(version) if version.isdigit() else 0


def _trimmed(item: Object) -> Object:
    """Leave out who set which field: a third of an object, and nobody's concern here."""
    item["metadata"].pop("managedFields", None)
    return item
