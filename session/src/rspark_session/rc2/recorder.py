"""Events as they are recorded: numbered, dated, and with what is too large for them put beside."""

import base64
import binascii
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from pydantic import JsonValue

from rspark_session.rc2.blobs import BlobStore
from rspark_session.rc2.event_log import EventLog
from rspark_session.rc2.protocol import Blob, Recorded

#: Bytes of one form of a value that an event has itself.
_INLINE = 2**15
#: Forms of a value that are binary, and come in base64.
_BINARY = ("image/", "application/pdf", "audio/", "video/")
_TEXTUAL = "image/svg+xml"
_MOST_FORMS = 32


class Recorder:
    """Records events in the log, and large forms of values in the store of blobs."""

    def __init__(self, log: EventLog, blobs: BlobStore) -> None:
        self.log = log
        self.blobs = blobs

    def record(self, event: type[Recorded], **fields: Any) -> int:
        """Record an event, and return its number."""
        now = datetime.now(UTC)
        return self.log.append(lambda number: event(seq=number, time=now, **fields).model_dump_json().encode())

    def split(self, data: Mapping[str, Any]) -> tuple[dict[str, JsonValue], dict[str, Blob]]:
        """Return which forms of a value fit into an event, and the blobs that the others became."""
        small: dict[str, JsonValue] = {}
        large: dict[str, Blob] = {}
        for mime, value in list(data.items())[:_MOST_FORMS]:
            if isinstance(value, list) and all(isinstance(line, str) for line in value):  # as notebooks write text
                value = "".join(value)  # noqa: PLW2901
            text = clean(value) if isinstance(value, str) else json.dumps(value)
            name = clean(mime[:200])
            if len(text) <= _INLINE:
                small[name] = _clean_inside(value)
                continue
            try:
                large[name] = self.blobs.add(_content(mime, text))
            except OSError:
                small.setdefault("text/plain", "The disk is full, so what was shown here could not be kept.")
        return small, large


def _clean_inside(value: Any) -> Any:
    """Return a value of JSON all of whose texts UTF-8 can hold."""
    match value:
        case str():
            return clean(value)
        case dict():
            return {_clean_inside(key): _clean_inside(inner) for key, inner in value.items()}
        case list() | tuple():
            return [_clean_inside(inner) for inner in value]
    return value


def _content(mime: str, text: str) -> bytes:
    if mime.startswith(_BINARY) and mime != _TEXTUAL:
        try:
            return base64.b64decode(text)
        except binascii.Error:
            pass
    return text.encode()


def restored(mime: str, content: bytes) -> JsonValue:
    """Return a form of a value as it came, of the blob that it became."""
    if mime.startswith(_BINARY) and mime != _TEXTUAL:
        return base64.b64encode(content).decode()
    text = content.decode("utf-8", "replace")
    if mime != "application/json" and not mime.endswith("+json"):
        return text
    value: JsonValue = json.loads(text)
    return value


def clean(text: str) -> str:
    """Return text that UTF-8 can hold: half a character becomes a question mark."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")
