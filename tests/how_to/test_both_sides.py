"""An interface is a module of the hub and one of the session, of the same name, and they say the same of it."""

import pytest

from rspark_session.interfaces.base import find
from rsparkhub.installed.extensions import interfaces


@pytest.mark.parametrize("name", list(interfaces()))
def test_both_sides_say_the_same_of_what_outlives_a_sleep(name: str) -> None:
    assert find(name).saves_workspace == interfaces()[name].saves
