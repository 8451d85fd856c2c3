"""What is worth observing: a pod that is gone, that ended, or can't run; and an agent with news while it starts."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

from rsparkhub.backends.base import EnsembleRef
from rsparkhub.backends.kubernetes.judging.observe import NOTHING_REMARKABLE, Remark, remark
from rsparkhub.backends.kubernetes.watching.informer import Informer
from rsparkhub.backends.kubernetes.watching.readiness import ReadinessFollower


async def changes(
    pods: Informer[EnsembleRef], readiness: ReadinessFollower, *, also: tuple[Informer[Any], ...]
) -> AsyncGenerator[EnsembleRef, None]:
    """Follow pods and starting agents, for ever, and yield what is worth observing; `also` follow these, which say nothing."""
    heard: asyncio.Queue[EnsembleRef] = asyncio.Queue()
    remarks: dict[EnsembleRef, Remark] = {}

    async def follow_pods() -> None:
        async for ref in pods.watch():
            readiness.update(ref)
            pod = pods.get(ref)
            before = remarks.pop(ref, NOTHING_REMARKABLE)
            if pod is not None:
                remarks[ref] = remark(pod)
            if pod is None or remarks[ref] != before:
                heard.put_nowait(ref)

    async def follow_agents() -> None:
        async for ref in readiness.changes():
            heard.put_nowait(ref)

    async def follow(informer: Informer[Any]) -> None:
        async for _ in informer.watch():
            pass

    sources = [asyncio.create_task(source) for source in (follow_pods(), follow_agents(), *map(follow, also))]
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
