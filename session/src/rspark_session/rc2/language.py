"""Completion and inspection: by the language's own means where it has better ones than its kernel, else by the kernel."""

from rspark_session.rc2 import protocol
from rspark_session.rc2.console import Console
from rspark_session.rc2.refusal import Busy, Refusal
from rspark_session.rc2.room import Room

#: Seconds that a person who types waits for the kernel.
_PATIENCE = 0.5
_ANSWER = 5.0
_MOST = 500
_MOST_TEXT = 2**18


async def complete(room: Room, console: Console, request: protocol.CompletionRequest) -> protocol.Completions:
    """Return how code may go on at a position: nothing while the kernel computes."""
    position = min(request.position, len(request.code))
    nothing = protocol.Completions(start=position, end=position, completions=())
    try:
        if console.identity.language == "R":
            answer = await room.introspection.ask(
                console, {"ask": "complete", "code": request.code, "position": position}, turn=_PATIENCE
            )
            return protocol.Completions.model_validate(answer)
        async with console.turn(seconds=_PATIENCE):
            content = {"code": request.code, "cursor_pos": position}
            answer = await console.ask("complete_request", content, seconds=_ANSWER)
    except (Busy, Refusal):
        return nothing
    kinds = {
        (each.get("text"), each.get("start")): each.get("type")
        for each in answer.get("metadata", {}).get("_jupyter_types_experimental", ())
        if isinstance(each, dict)
    }
    start, end = answer.get("cursor_start", position), answer.get("cursor_end", position)
    found = tuple(
        protocol.Completion(text=text, type=kinds.get((text, start)) or None)
        for text in answer.get("matches", [])[:_MOST]
        if isinstance(text, str)
    )
    return protocol.Completions(start=start, end=end, completions=found)


async def inspect(room: Room, console: Console, request: protocol.InspectRequest) -> protocol.Inspection:
    """Return what the language says of what stands at a position: nothing while the kernel computes."""
    position = min(request.position, len(request.code))
    try:
        if console.identity.language == "R":
            answer = await room.introspection.ask(
                console, {"ask": "inspect", "code": request.code, "position": position}, turn=_PATIENCE
            )
            return protocol.Inspection.model_validate(answer)
        async with console.turn(seconds=_PATIENCE):
            content = {"code": request.code, "cursor_pos": position, "detail_level": request.detail}
            answer = await console.ask("inspect_request", content, seconds=_ANSWER)
    except (Busy, Refusal):
        return protocol.Inspection(found=False)
    data = {mime: text[:_MOST_TEXT] for mime, text in answer.get("data", {}).items() if isinstance(text, str)}
    return protocol.Inspection(found=bool(answer.get("found")) and bool(data), data=data)
