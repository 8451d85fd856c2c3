"""The parts of `up`, one by one, as a deployment starts them."""

import contextlib
from typing import Self

import pytest

from rsparkhub import factory
from rsparkhub.cli.processes import opened
from rsparkhub.domain.errors import Unavailable
from rsparkhub.settings import Settings


class StandInFactory:
    """A factory whose database answers at the third time that it is asked."""

    asked = 0

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    async def __aenter__(self) -> Self:
        type(self).asked += 1
        if self.asked < 3:
            raise Unavailable("The database does not answer.")
        return self

    async def __aexit__(self, *_: object) -> None:
        type(self).asked = 0


@pytest.fixture(autouse=True)
def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    StandInFactory.asked = 0
    monkeypatch.setattr(factory, "Factory", StandInFactory)


async def test_a_database_that_starts_with_them_is_waited_for() -> None:
    async with contextlib.AsyncExitStack() as stack:
        await opened(stack, Settings(), pause=0.01)
        assert StandInFactory.asked == 3


async def test_but_not_for_ever() -> None:
    async with contextlib.AsyncExitStack() as stack:
        with pytest.raises(Unavailable):
            await opened(stack, Settings(), seconds=0, pause=0.01)
