"""Outputs of cells: those of a file for the editor, and those of executions, from the log of events, for a file."""

import json
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from rspark_session.rc2 import protocol
from rspark_session.rc2.blobs import BlobStore
from rspark_session.rc2.notebooks.notebook import Ran
from rspark_session.rc2.recorder import Recorder, clean, restored

#: Characters of a text of which the end is shown; the editor says that there is more.
_MOST_TEXT = 400_001
_EXECUTION = re.compile(rb'"execution":"([A-Za-z0-9_-]{1,64})"')
_UPDATE = b'"type":"update_display"'
_HEAD = 400  # bytes of an event in which its execution is named
_SPLIT = ("text/", "application/javascript", "image/svg+xml")


def stored(outputs: Any, recorder: Recorder) -> tuple[protocol.StoredOutput, ...]:
    """Return the outputs of a cell of the file; what has no known form is left out."""
    found = (_stored(output, recorder) for output in outputs if isinstance(output, dict)) if isinstance(outputs, list) else ()
    return tuple(output for output in found if output is not None)


def ran(executions: Collection[str], events: Iterable[bytes], blobs: BlobStore) -> dict[str, Ran]:
    """Return what executions have put out, by their ids, as a file has it, from the events of the log.

    Missing are those that the log has no more, and those with a value of which the store has no form any more.
    """
    found: dict[str, _Transcript] = {}
    for line in events:
        named = _EXECUTION.search(line, 0, _HEAD)
        known = named is not None and named[1].decode() in executions
        if not known and not (found and _UPDATE in line):
            continue
        event = json.loads(line)
        if event["type"] == "update_display":
            for transcript in found.values():
                transcript.update(event, blobs)
        elif known:
            found.setdefault(event["execution"], _Transcript()).take(event, blobs)
    return {
        execution: Ran(transcript.outputs, transcript.count)
        for execution, transcript in found.items()
        if transcript.whole and not transcript.lacking
    }


class _Transcript:
    """The outputs of one execution, in the form of a notebook's file."""

    def __init__(self) -> None:
        self.whole = False
        self.count: int | None = None
        self._outputs: list[dict[str, Any]] = []
        self._displays: list[str | None] = []
        self._clearing = False
        self._dropped = 0

    @property
    def lacking(self) -> bool:
        """Whether something that it shows is gone."""
        return any(output.get("data") is None for output in self._outputs if "data" in output)

    @property
    def outputs(self) -> list[dict[str, Any]]:
        """The outputs; the number of the execution is known at its end alone, as what was more than may be recorded."""
        text = f"… {self._dropped:,} characters are left out …\n"
        cut = [{"name": "stderr", "output_type": "stream", "text": text}] if self._dropped else []
        return [_split(output, self.count) for output in [*self._outputs, *cut]]

    def take(self, event: Mapping[str, Any], blobs: BlobStore) -> None:
        """Take an event of the execution."""
        match event["type"]:
            case "execution_queued":
                self.whole = True
            case "execution_finished":
                self.count = event["count"]
                self._dropped = event["dropped"]
            case "stream":
                last = None if self._clearing or not self._outputs else self._outputs[-1]
                if last is not None and last["output_type"] == "stream" and last["name"] == event["name"]:
                    last["text"] += event["text"]
                else:
                    self._add({"name": event["name"], "output_type": "stream", "text": event["text"]})
            case "display" | "plot":
                if _object(event["metadata"].get("rspark")).get("page"):
                    return  # help, which is shown beside
                value = _value(event, blobs)
                if event.get("result"):
                    self._add({**value, "execution_count": None, "output_type": "execute_result"})
                else:
                    self._add({**value, "output_type": "display_data"}, event.get("display"))
            case "error":
                error = {"ename": event["name"], "evalue": event["message"], "traceback": event["traceback"]}
                self._add({**error, "output_type": "error"})
            case "clear_output":
                self._clearing = event["wait"]
                if not event["wait"]:
                    self._clear()

    def update(self, event: Mapping[str, Any], blobs: BlobStore) -> None:
        """Take what a display has become."""
        for output, display in zip(self._outputs, self._displays, strict=True):
            if display is not None and display == event["display"]:
                output.update(_value(event, blobs))

    def _add(self, output: dict[str, Any], display: str | None = None) -> None:
        if self._clearing:
            self._clear()
        self._clearing = False
        self._outputs.append(output)
        self._displays.append(display)

    def _clear(self) -> None:
        self._outputs.clear()
        self._displays.clear()


def _stored(output: Mapping[str, Any], recorder: Recorder) -> protocol.StoredOutput | None:
    match output.get("output_type"):
        case "stream":
            name = "stderr" if output.get("name") == "stderr" else "stdout"
            return protocol.StoredStream(name=name, text=_text(output.get("text"))[-_MOST_TEXT:])
        case "error":
            traceback = output.get("traceback")
            return protocol.StoredError(
                name=_text(output.get("ename")),
                message=_text(output.get("evalue")),
                traceback=tuple(map(_text, traceback)) if isinstance(traceback, list) else (),
            )
        case "display_data" | "execute_result" as kind:
            small, large = recorder.split(_object(output.get("data")))
            if isinstance(html := small.get("text/html"), str):
                try:
                    large["text/html"] = recorder.blobs.add(html.encode())
                except OSError:  # the disk is full, and without a place HTML can't be framed
                    del small["text/html"]
            metadata, _ = recorder.split(_object(output.get("metadata")))
            return protocol.StoredValue(data=small, blobs=large, metadata=metadata, result=kind == "execute_result")
    return None


def _value(event: Mapping[str, Any], blobs: BlobStore) -> dict[str, Any]:
    """Return a value; its data are None where a blob of it was evicted from the store."""
    data: dict[str, Any] | None = dict(event["data"])
    for mime, blob in event["blobs"].items():
        path = blobs.path(blob["sha256"])
        try:
            content = path.read_bytes() if path is not None else None
        except FileNotFoundError:  # it was evicted just now
            content = None
        data = None if data is None or content is None else {**data, mime: restored(mime, content)}
    return {"data": data, "metadata": event["metadata"]}


def _split(output: Mapping[str, Any], count: int | None) -> dict[str, Any]:
    """Return an output with the members that the file's format asks for, in the order in which Jupyter writes them."""
    made = dict(output)
    if "execution_count" in made:
        made["execution_count"] = count
    if "text" in made:
        made["text"] = made["text"].splitlines(keepends=True)
    if "data" in made:
        made["data"] = {mime: _lines(mime, value) for mime, value in sorted(made["data"].items())}
    return dict(sorted(made.items()))


def _lines(mime: str, value: Any) -> Any:
    return value.splitlines(keepends=True) if isinstance(value, str) and mime.startswith(_SPLIT) else value


def _text(value: Any) -> str:
    """Return text, which notebooks have as a string or as lines."""
    lines: Iterable[Any] = value if isinstance(value, list) else (value,)
    return clean("".join(line for line in lines if isinstance(line, str)))


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
