"""The watch over pods, told what an API server tells it by a stand-in that follows the documented protocol."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

import pytest

from rsparkhub.backends.base import EnsembleRef
from rsparkhub.backends.kubernetes.api import Listed, Refused
from rsparkhub.backends.kubernetes.objects.names import labels_of, ref_of
from rsparkhub.backends.kubernetes.watching.informer import Informer
from rsparkhub.domain.errors import Unavailable


def pod(name: str, version: int, **more: Any) -> dict[str, Any]:
    labels = labels_of(EnsembleRef(name, 1), user="ada", component="session")
    return {"metadata": {"name": name, "labels": labels, "resourceVersion": str(version)}, "status": {}, **more}


def event(kind: str, said: dict[str, Any]) -> dict[str, Any]:
    return {"type": kind, "object": said}


GONE = event("ERROR", {"code": 410, "reason": "Expired", "message": "too old resource version"})
BOOKMARK = event("BOOKMARK", {"metadata": {"resourceVersion": "90"}})


class StandInApi:
    """Answers each list, and each watch, with the next of what it was given; an exception is raised."""

    def __init__(self, lists: list[Any], watches: list[list[Any]]) -> None:
        self.lists, self.watches = lists, watches
        self.asked: list[str] = []

    async def list(self, _kind: str, _namespace: str | None, **_more: Any) -> Listed:
        answer = self.lists.pop(0)
        if isinstance(answer, Exception):
            raise answer
        self.asked.append("list")
        return Listed(answer, "10")

    @asynccontextmanager
    async def watch(self, _kind: str, _namespace: str | None, *, version: str, **_more: Any) -> AsyncIterator[Any]:
        self.asked.append(f"watch from {version}")
        events = self.watches.pop(0) if self.watches else None

        async def stream() -> AsyncIterator[Any]:
            for said in events or ():
                if isinstance(said, Exception):
                    raise said
                yield said
            if events is None:  # nothing happens any more
                await asyncio.Event().wait()

        yield stream()


def informer(api: StandInApi, *, believe: float = 5.0) -> Informer[EnsembleRef]:
    return Informer(api, "Pod", "sessions", labels="ours", key=ref_of, pause=0.01, believe=believe)  # type: ignore[arg-type]


async def heard(api: StandInApi, count: int) -> tuple[Informer[EnsembleRef], list[str]]:
    """Watch until so many changes were heard; name the sessions."""
    watched = informer(api)
    found = []
    async with asyncio.timeout(5), aclosing(watched.watch()) as changes:
        async for ref in changes:
            found.append(ref.id)
            if len(found) == count:
                break
    return watched, found


async def test_what_is_listed_and_what_happens_is_heard() -> None:
    api = StandInApi(
        [[pod("a", 1)]], [[event("ADDED", pod("b", 11)), event("MODIFIED", pod("a", 12)), event("DELETED", pod("b", 13))]]
    )
    watched, found = await heard(api, 4)
    assert found == ["a", "b", "a", "b"]
    assert [ref.id for ref, _ in watched.items()] == ["a"]


async def test_a_watch_goes_on_from_where_the_last_one_ended_bookmarks_included() -> None:
    api = StandInApi([[]], [[event("ADDED", pod("a", 11)), BOOKMARK], [event("ADDED", pod("b", 95))], []])
    await heard(api, 2)
    assert api.asked[:3] == ["list", "watch from 10", "watch from 90"]


async def test_who_was_away_for_too_long_lists_anew_and_hears_of_what_is_gone() -> None:
    api = StandInApi([[pod("a", 1)], [pod("b", 100)]], [[GONE]])
    watched, found = await heard(api, 3)
    assert found[0] == "a"
    assert set(found[1:]) == {"a", "b"}
    assert [ref.id for ref, _ in watched.items()] == ["b"]
    assert api.asked[:3] == ["list", "watch from 10", "list"]


@pytest.mark.parametrize("trouble", [Unavailable("It is away."), Refused(500, "InternalError", "etcd")])
async def test_an_api_server_that_is_away_is_asked_again(trouble: Exception) -> None:
    api = StandInApi([trouble, [pod("a", 1)], [pod("a", 2)]], [[trouble]])
    _, found = await heard(api, 2)
    assert found == ["a", "a"]


async def test_what_was_seen_counts_only_while_the_watch_lives() -> None:
    api = StandInApi([[pod("a", 1)], asyncio.CancelledError()], [[Unavailable("It is away.")]])
    watched = informer(api)
    assert not watched.alive
    async with aclosing(watched.watch()) as changes:
        await anext(changes)
        assert watched.alive
    assert not watched.alive


async def test_a_pod_whose_record_was_read_is_not_waited_for_any_more() -> None:
    api = StandInApi([[pod("a", 1)]], [])
    watched, _ = await heard(api, 1)
    released = pod("a", 12)
    released["metadata"]["finalizers"] = []
    watched.put(released)
    known = watched.get(EnsembleRef("a", 1))
    assert known is not None
    assert known["metadata"]["finalizers"] == []


async def test_what_we_have_written_is_known_at_once_and_nothing_older_takes_its_place() -> None:
    api = StandInApi([[]], [[event("MODIFIED", pod("a", 11)), event("MODIFIED", pod("a", 13)), event("ADDED", pod("b", 14))]])
    watched = informer(api)
    watched.put(pod("a", 12))
    async with asyncio.timeout(5), aclosing(watched.watch()) as changes:
        assert [(await anext(changes)).id for _ in range(3)] == ["a", "a", "b"], "the change that is older is no news"
    known = watched.get(EnsembleRef("a", 1))
    assert known is not None
    assert known["metadata"]["resourceVersion"] == "13"
    watched.put(pod("a", 12))
    assert watched.get(EnsembleRef("a", 1)) == known


async def test_what_was_deleted_by_us_is_gone_at_once() -> None:
    watched, _ = await heard(StandInApi([[pod("a", 1)]], []), 1)
    watched.drop(EnsembleRef("a", 1))
    assert watched.get(EnsembleRef("a", 1)) is None


async def test_that_something_is_missing_counts_only_while_the_watch_speaks() -> None:
    watched = informer(StandInApi([[]], [[event("ADDED", pod("a", 11))]]), believe=0.1)
    assert not watched.is_current
    async with asyncio.timeout(5), aclosing(watched.watch()) as changes:
        await anext(changes)
        assert watched.is_current
        await asyncio.sleep(0.15)
        assert watched.alive
        assert not watched.is_current, "a connection that hangs says nothing either"
    assert not watched.is_current
