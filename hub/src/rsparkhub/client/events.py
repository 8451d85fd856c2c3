"""Server-sent events, read as the HTML standard says.

https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class ServerEvent:
    event: str
    data: str
    id: str | None


async def read_events(lines: AsyncIterator[str]) -> AsyncIterator[ServerEvent]:
    """Give the events of a stream of lines; one that is cut off in the middle is not an event."""
    name, number = "message", None
    data: list[str] = []
    async for line in lines:
        if line == "":
            if data:
                yield ServerEvent(event=name, data="\n".join(data), id=number)
            name, data = "message", []
            continue
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        match field:
            case "event":
                name = value
            case "data":
                data.append(value)
            case "id" if "\0" not in value:
                number = value
