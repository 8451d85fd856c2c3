"""Which messages count as a person's activity. An open tab talks to the server all the time, and that isn't activity."""

import json
import re
from collections.abc import Mapping
from typing import Any

#: What a person sets off on a kernel: running, completing, asking for help, moving a widget, answering a prompt.
_BY_PERSON = {
    "shell": frozenset({"execute_request", "complete_request", "inspect_request", "comm_open", "comm_msg", "comm_close"}),
    "stdin": frozenset({"input_reply"}),
    "control": frozenset({"interrupt_request"}),
}

# What a terminal sends by itself: answers about its kind, its cursor, its colours and its size, and that it got or lost focus.
_BY_TERMINAL = re.compile(r"(?:\x1b\[[?>=]?[\d;]*[cnRt]|\x1b\[[IO]|\x1b\[\?[\d;]*\$y|\x1b[\]P_][^\x07\x1b]*(?:\x07|\x1b\\))*")


def is_by_person(channel: str, message_type: str, content: Mapping[str, Any]) -> bool:
    """Return whether a person set off a message to a kernel. Code that a program runs behind the scenes is silent."""
    if message_type not in _BY_PERSON.get(channel, ()):
        return False
    return not (message_type == "execute_request" and content.get("silent"))


def is_typed(text: str) -> bool:
    """Return whether text from a terminal was typed or pasted, and isn't the terminal's own answer."""
    return bool(text) and _BY_TERMINAL.fullmatch(text) is None


def read_message(message: str | bytes) -> tuple[str, str, Mapping[str, Any]]:
    """Return channel, type and content of a message of a kernel's websocket, in either of its two forms.

    The content is read only for what runs code; other messages may carry megabytes.

    Raises
    ------
    LookupError, ValueError
        When it is no message of a kernel.
    """
    if isinstance(message, str):
        data = json.loads(message)
        return data.get("channel") or "shell", data["header"]["msg_type"], data.get("content", {})
    # v1.kernel.websocket.jupyter.org: count of offsets, offsets, channel, header, parent, metadata, content, buffers
    count = int.from_bytes(message[:8], "little")
    offsets = [int.from_bytes(message[8 * place : 8 * place + 8], "little") for place in range(1, count + 1)]
    channel = message[offsets[0] : offsets[1]].decode()
    message_type = json.loads(message[offsets[1] : offsets[2]])["msg_type"]
    content = json.loads(message[offsets[4] : offsets[5]]) if message_type == "execute_request" else {}
    return channel, message_type, content
