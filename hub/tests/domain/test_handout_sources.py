"""Addresses are compared by their parts: what only begins alike is another one."""

import pytest

from rsparkhub.domain.handout_sources import allows

SOURCES = ("https://github.com/our-course", "http://git.example:3000/")


@pytest.mark.parametrize(
    "address",
    [
        "https://github.com/our-course",
        "https://github.com/our-course/labs",
        "https://github.com:443/our-course/labs.git",
        "https://GitHub.com/our-course/labs",
        "http://git.example:3000/anything",
    ],
)
def test_what_is_below_a_source_is_allowed(address: str) -> None:
    assert allows(SOURCES, address)


@pytest.mark.parametrize(
    "address",
    [
        "https://github.com/our-course-too/labs",
        "http://github.com/our-course/labs",
        "https://github.com.evil.example/our-course/labs",
        "https://github.com:8443/our-course/labs",
        "http://git.example/anything",
        "https://github.com:99999/our-course/labs",
    ],
)
def test_what_is_not_below_one_is_refused(address: str) -> None:
    assert not allows(SOURCES, address)


def test_without_sources_each_address_is_allowed() -> None:
    assert allows((), "https://anywhere.example/labs")
