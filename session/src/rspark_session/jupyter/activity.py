"""Which messages are a person's doing. An open tab talks to the server all the time, and that isn't."""

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


def is_by_person(channel: str, kind: str, content: Mapping[str, Any]) -> bool:
    """Tell whether a message to a kernel is a person's doing; programs that look behind the scenes run their code silently."""
    if kind not in _BY_PERSON.get(channel, ()):
        return False
    return not (kind == "execute_request" and content.get("silent"))


def is_typed(text: str) -> bool:
    """Tell whether what a terminal sends was typed or pasted."""
    return bool(text) and _BY_TERMINAL.fullmatch(text) is None


def read_message(message: str | bytes) -> tuple[str, str, Mapping[str, Any]]:
    """Give channel, kind and content of a message of a kernel's websocket, in either of its two forms.

    The content is read only for what runs code; other messages may carry megabytes.
    """
    if isinstance(message, str):
        data = json.loads(message)
        return data.get("channel") or "shell", data["header"]["msg_type"], data.get("content", {})
    # v1.kernel.websocket.jupyter.org: count of offsets, offsets, channel, header, parent, metadata, content, buffers
    count = int.from_bytes(message[:8], "little")
    offsets = [int.from_bytes(message[8 * place : 8 * place + 8], "little") for place in range(1, count + 1)]
    channel = message[offsets[0] : offsets[1]].decode()
    kind = json.loads(message[offsets[1] : offsets[2]])["msg_type"]
    content = json.loads(message[offsets[4] : offsets[5]]) if kind == "execute_request" else {}
    return channel, kind, content
