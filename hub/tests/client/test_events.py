"""Server-sent events as the standard reads them."""

from collections.abc import AsyncIterator

import pytest

from rsparkhub.client.events import ServerEvent, read_events


async def lines(text: str) -> AsyncIterator[str]:
    for line in text.split("\n"):
        yield line


@pytest.mark.parametrize(
    ("text", "events"),
    [
        ("event: a\ndata: 1\nid: 7\n\n", [("a", "1", "7")]),
        ("data: one\ndata: two\n\n", [("message", "one\ntwo", None)]),
        ("data:no space\n\n", [("message", "no space", None)]),
        ("data:  two spaces\n\n", [("message", " two spaces", None)]),
        (": comment\n\nretry: 10\n\n", []),
        ("id: 1\ndata: a\n\ndata: b\n\n", [("message", "a", "1"), ("message", "b", "1")]),
        ("event: a\n\ndata: b\n\n", [("message", "b", None)]),
        ("data: cut off in the mid", []),
        ("data\n\n", [("message", "", None)]),
        ("id: a\0b\ndata: x\n\n", [("message", "x", None)]),
        ("data: a: b\n\n", [("message", "a: b", None)]),
    ],
)
async def test_a_stream_is_read_as_the_standard_says(text: str, events: list[tuple[str, str, str | None]]) -> None:
    read = [event async for event in read_events(lines(text))]
    assert read == [ServerEvent(event=event, data=data, id=number) for event, data, number in events]
