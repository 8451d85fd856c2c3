"""What an execution shows, as events: text that comes fast is put together, and more than a bound is counted and dropped."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from rspark_session.rc2 import protocol
from rspark_session.rc2.recorder import Recorder, clean

#: Characters of text, and events, that one execution may record.
_MOST_TEXT, _MOST_EVENTS = 4 * 2**20, 20_000
#: Seconds that text which follows other text at once may wait for more.
_TOGETHER = 0.02
#: Characters of text that are one event.
_LARGEST = 2**16
_WORD = 1000


class Output:
    """The output of one execution."""

    def __init__(self, recorder: Recorder, *, console: str, execution: str, language: str) -> None:
        self.execution = execution
        self.dropped = 0
        self.failed = False
        self._recorder = recorder
        self._of = {"console": console, "execution": execution}
        self._language = language
        self._text = 0
        self._events = 0
        self._name = "stdout"
        self._waiting: list[str] = []
        self._timer: asyncio.TimerHandle | None = None

    def take(self, kind: str, content: Mapping[str, Any]) -> None:
        """Record a message of the kernel; one of another kind is nothing to show."""
        handler = self._HANDLERS.get(kind)
        if handler is not None:
            handler(self, content)

    def flush(self) -> None:
        """Record the text that waits for more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        text, self._waiting = "".join(self._waiting), []
        for begin in range(0, len(text), _LARGEST):
            self._record(protocol.Stream, name=self._name, text=text[begin : begin + _LARGEST])

    def error(self, name: str, message: str, traceback: list[str]) -> None:
        """Record an error, also beyond the bound."""
        self.flush()
        self.failed = True
        self._recorder.record(
            protocol.Error,
            **self._of,
            name=clean(name[:_WORD]),
            message=clean(message[:_LARGEST]),
            traceback=tuple(clean(str(line)[:_LARGEST]) for line in traceback[:_WORD]),
        )

    def ask(self, prompt: str, *, password: bool) -> None:
        """Record a question, also beyond the bound."""
        self.flush()
        self._recorder.record(protocol.InputRequest, **self._of, prompt=clean(prompt[:_LARGEST]), password=password)

    def page(self, data: Mapping[str, Any]) -> None:
        """Record what a language opens in a pager, such as its help."""
        self.flush()
        self._rich(protocol.Display, data, {"rspark": {"page": True}})

    def _stream(self, content: Mapping[str, Any]) -> None:
        name = "stderr" if content.get("name") == "stderr" else "stdout"
        text = clean(str(content.get("text", "")))
        room = _MOST_TEXT - self._text
        if len(text) > room:
            self.dropped += len(text) - room
            text = text[:room]
        if not text:
            return
        self._text += len(text)
        if name != self._name and self._waiting:
            self.flush()
        self._name = name
        self._waiting.append(text)
        if self._timer is None:
            self.flush()
            self._timer = asyncio.get_running_loop().call_later(_TOGETHER, self._together)

    def _together(self) -> None:
        self._timer = None
        if self._waiting:
            self.flush()
            self._timer = asyncio.get_running_loop().call_later(_TOGETHER, self._together)

    def _display(self, content: Mapping[str, Any]) -> None:
        self.flush()
        data, display = _object(content.get("data")), _object(content.get("transient")).get("display_id")
        if any(mime.startswith("image/") for mime in data):
            plot = self._plot(data)
            if plot is not None:
                self._rich(protocol.Plot, data, content.get("metadata"), plot=plot or None)
                return
        self._rich(protocol.Display, data, content.get("metadata"), display=str(display)[:_WORD] if display else None)

    def _plot(self, data: Mapping[str, Any]) -> str | None:
        """Return the id of a plot that can be drawn anew, "" for another plot, and None for an image that is none."""
        text = str(data.get("text/plain", ""))
        if self._language == "R" and text.startswith("Plot ") and text[5:].isdecimal():
            return text[5:20]
        return "" if text.startswith(("<Figure size", "plot without title", "Plot with title")) else None

    def _result(self, content: Mapping[str, Any]) -> None:
        self.flush()
        self._rich(protocol.Display, _object(content.get("data")), content.get("metadata"), result=True)

    def _update(self, content: Mapping[str, Any]) -> None:
        self.flush()
        display = _object(content.get("transient")).get("display_id")
        if display:
            self._rich(
                protocol.UpdateDisplay, _object(content.get("data")), content.get("metadata"), display=str(display)[:_WORD]
            )

    def _clear(self, content: Mapping[str, Any]) -> None:
        self.flush()
        self._record(protocol.ClearOutput, wait=bool(content.get("wait")))

    def _error(self, content: Mapping[str, Any]) -> None:
        traceback = content.get("traceback")
        self.error(
            str(content.get("ename", "")), str(content.get("evalue", "")), traceback if isinstance(traceback, list) else []
        )

    def _rich(self, event: type[protocol.Rich], data: Mapping[str, Any], metadata: Any, **more: Any) -> None:
        small, large = self._recorder.split(data)
        kept, _ = self._recorder.split(_object(metadata))
        self._record(event, data=small, blobs=large, metadata=kept, **more)

    def _record(self, event: type[protocol.Event], **fields: Any) -> None:
        if self._events >= _MOST_EVENTS:
            self.dropped += len(fields.get("text", "")) or 1
            return
        self._events += 1
        self._recorder.record(event, **self._of, **fields)

    _HANDLERS: Mapping[str, Callable[["Output", Mapping[str, Any]], None]] = {
        "stream": _stream,
        "display_data": _display,
        "execute_result": _result,
        "update_display_data": _update,
        "clear_output": _clear,
        "error": _error,
    }


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
