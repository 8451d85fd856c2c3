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

    def note(self, request: Request) -> None:
        """Report a person's doing, where the request is one."""
        if self.on_activity and (head.get(request.headers, b"sec-fetch-mode") == b"navigate" or self._is_activity(request)):
            self.on_activity()

    @property
    def on_data(self) -> Callable[[bytes], None] | None:
        """What is to be called with each frame of a websocket."""
        return self._note_frame if self.on_activity and self.frames_are_activity else None

    def _is_activity(self, request: Request) -> bool:
        return self.is_activity(request.method.decode("latin-1"), request.path.removeprefix(self.base))

    def _note_frame(self, data: bytes) -> None:
        """Count text and binary frames as a person's activity; pings and pongs are the browser's own."""
        if data[0] & 0x0F in (0, 1, 2) and self.on_activity:
            self.on_activity()


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
    )
