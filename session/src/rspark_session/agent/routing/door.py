"""An interface as requests see it: where it listens, and which requests are a person's doing."""

from collections.abc import Callable
from dataclasses import dataclass

from rspark_session.interfaces.base import Interface
from rspark_session.proxy import head
from rspark_session.proxy.server import Request
from rspark_session.proxy.upstream import Upstream


@dataclass(frozen=True, kw_only=True)
class Door:
    """The way to one interface that can be used now.

    `base` is its path without the last slash. Without `on_activity` the interface reports itself what people do.
    """

    upstream: Upstream
    base: str
    on_activity: Callable[[], None] | None
    is_activity: Callable[[str, str], bool]
    frames_are_activity: bool
    judge_of_frames: Callable[[str], Callable[[bytes], bool] | None]

    def note(self, request: Request) -> None:
        """Report a person's doing, where the request is one."""
        if self.on_activity and (head.get(request.headers, b"sec-fetch-mode") == b"navigate" or self._is_activity(request)):
            self.on_activity()

    def on_data(self, request: Request) -> Callable[[bytes], None] | None:
        """Return what is to be called with all that the browser sends over the websocket that it requests."""
        on_activity = self.on_activity
        if on_activity is None or not self.frames_are_activity:
            return None
        is_doing = self.judge_of_frames(self._inside(request)) or _has_data

        def note(data: bytes) -> None:
            if is_doing(data):
                on_activity()

        return note

    def _is_activity(self, request: Request) -> bool:
        return self.is_activity(request.method.decode("latin-1"), self._inside(request))

    def _inside(self, request: Request) -> str:
        return request.path.removeprefix(self.base)


def _has_data(data: bytes) -> bool:
    """Return whether a frame is text or binary; pings and pongs are the browser's own."""
    return data[0] & 0x0F in (0, 1, 2)


def door_of(interface: Interface, *, on_activity: Callable[[], None]) -> Door:
    """Return the way to an interface that is ready."""
    endpoint, base = interface.endpoint, interface.context.base_path.rstrip("/")
    stripped = base.encode() if endpoint.strips_base else b""
    return Door(
        upstream=Upstream(socket=endpoint.socket, port=endpoint.port, headers=endpoint.headers, base=stripped),
        base=base,
        on_activity=on_activity if interface.traffic_is_activity else None,
        is_activity=interface.is_activity,
        frames_are_activity=interface.frames_are_activity,
        judge_of_frames=interface.judge_of_frames,
    )
