"""Work by key: never twice at once, again when put meanwhile, at most so many, and a pause after a failure."""

import asyncio
from collections import Counter
from datetime import timedelta

from rsparkhub.controller.work_queue import WorkQueue
from rsparkhub.domain.errors import Unavailable


class Doing:
    """Does each key when told to, and counts."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.at_once: Counter[str] = Counter()
        self.most_at_once = 0
        self.go = asyncio.Event()
        self.go.set()
        self.fails = 0

    async def __call__(self, key: str) -> None:
        self.begun.append(key)
        self.at_once[key] += 1
        assert self.at_once[key] == 1, "twice at once"
        self.most_at_once = max(self.most_at_once, self.at_once.total())
        try:
            await self.go.wait()
            await asyncio.sleep(0)
            if self.fails:
                self.fails -= 1
                raise Unavailable("The database can't be reached.")
        finally:
            self.at_once[key] -= 1


async def quiet(doing: Doing, count: int) -> None:
    async with asyncio.timeout(10):
        while len(doing.begun) < count or doing.at_once.total():
            await asyncio.sleep(0.001)


async def test_a_key_put_many_times_while_it_waits_is_done_once() -> None:
    doing = Doing()
    queue = WorkQueue(doing, most=1)
    for _ in range(5):
        queue.enqueue("a")
        queue.enqueue("b")
    await quiet(doing, 3)
    assert doing.begun == ["a", "b", "a"], "a was at work when it was put again"


async def test_a_key_put_while_it_is_at_work_is_done_once_more() -> None:
    doing = Doing()
    doing.go.clear()
    queue = WorkQueue(doing, most=4)
    queue.enqueue("a")
    await asyncio.sleep(0.01)
    for _ in range(9):
        queue.enqueue("a")
    doing.go.set()
    await quiet(doing, 2)
    await asyncio.sleep(0.01)
    assert doing.begun == ["a", "a"]


async def test_no_more_than_so_many_are_at_work() -> None:
    doing = Doing()
    queue = WorkQueue(doing, most=3)
    for number in range(50):
        queue.enqueue(str(number))
    assert queue.free_slots == 0
    await quiet(doing, 50)
    assert doing.most_at_once == 3
    assert queue.free_slots == 3
    assert doing.begun == [str(number) for number in range(50)]


async def test_a_key_that_fails_is_tried_again_after_a_pause_and_not_before() -> None:
    doing = Doing()
    doing.fails = 2
    queue = WorkQueue(doing, most=3, longest_pause=timedelta(seconds=0.05))
    assert queue.enqueue("a")
    await quiet(doing, 1)
    assert not queue.enqueue("a"), "it pauses"
    assert queue.enqueue("b"), "others go on"
    await quiet(doing, 4)
    assert doing.begun.count("a") + doing.begun.count("b") == 4
    assert doing.fails == 0


async def test_what_is_at_work_may_end_when_all_is_closed_and_nothing_new_begins() -> None:
    doing = Doing()
    doing.go.clear()
    queue = WorkQueue(doing, most=1)
    queue.enqueue("a")
    queue.enqueue("b")
    await asyncio.sleep(0.01)
    closing = asyncio.create_task(queue.close(within=10))
    await asyncio.sleep(0.01)
    assert not queue.enqueue("c")
    doing.go.set()
    await closing
    assert doing.begun == ["a"]


async def test_what_does_not_end_in_time_is_cancelled() -> None:
    doing = Doing()
    doing.go.clear()
    queue = WorkQueue(doing, most=1)
    queue.enqueue("a")
    await asyncio.sleep(0.01)
    await queue.close(within=0.01)
    assert doing.at_once.total() == 0


async def test_room_that_comes_free_is_said_once() -> None:
    said: list[int] = []
    go_on = asyncio.Event()

    async def do(key: str) -> None:
        await go_on.wait()

    queue = WorkQueue(do, most=2, on_free_slot=lambda: said.append(queue.free_slots))
    for key in ("a", "b", "c"):
        queue.enqueue(key)
    assert queue.free_slots == 0
    go_on.set()
    await queue.idle()
    assert said == [1]


async def test_what_is_under_way_waits_for_one_of_the_others_at_most() -> None:
    doing = Doing()
    queue = WorkQueue(doing, most=1)
    for number in range(6):
        queue.enqueue(f"new {number}")
    for key in "abc":
        queue.enqueue(key, under_way=True)
    queue.enqueue("new 5", under_way=True)  # it waits already
    await quiet(doing, 9)
    assert doing.begun == ["new 0", "a", "new 1", "b", "new 2", "c", "new 3", "new 4", "new 5"]
