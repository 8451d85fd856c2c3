"""What a page of VS Code sends over its websockets, read as far as it takes to tell a person's doing from the page's own.

Each websocket carries messages with a head of 13 bytes: what kind it is, two numbers, and how long its body is (VS Code's
`ipc.net.ts`). One of the first says what the websocket is for. On that of the extensions a body is a call with its method's name
(`rpcProtocol.ts`), on that of the server one with the names of a channel and a method (`ipc.ts`). The page sends some of both by
itself, as long as it is open.
"""

import struct
from collections.abc import Iterator

from rspark_session.proxy.frames import FrameReader, TooLong

_HEAD = struct.Struct(">BIII")  # kind, number, number of what was received last, length of the body
_REGULAR, _CONTROL = 1, 2
_FOR_EXTENSIONS = b'"desiredConnectionType":2'
#: The kinds of bodies that are calls, on the websocket of the extensions.
_CALLS = (1, 2, 3, 4)
_METHOD = 7  # where the name of a method begins in a call; its length stands before it
#: As much of a body is looked at, by the kind of its message: the names stand at its beginning.
_SEEN = {_REGULAR: 256, _CONTROL: 2**16}
#: Calls to extensions with what somebody does in an editor: types, selects, moves about.
_IN_EDITORS = frozenset({b"$acceptModelChanged", b"$acceptEditorPropertiesChanged"})
#: The call that tells whether somebody has touched the keyboard or the mouse in the last minute; it comes when that changes.
_AT_WORK, _YES = b"$onDidChangeWindowActive", b"[true]"
#: What is typed in a terminal goes to the server.
_TERMINALS, _TYPED = b"remoteterminal", b"$input"


class Judge:
    """Takes in what a page sends over one websocket, and says whether it is a person's doing."""

    def __init__(self) -> None:
        self._frames = FrameReader()
        self._waiting = bytearray()
        self._left = 0  # of a body that was looked at already
        self._for_extensions = False
        self._lost = False

    def __call__(self, data: bytes) -> bool:
        """Take in what was read; what can't be read any more is taken for a person's doing."""
        if self._lost:
            return True
        try:
            doings = [self._is_doing(kind, body) for piece in self._frames.feed(data) for kind, body in self._messages(piece)]
        except TooLong:
            self._lost = True
            return True
        return any(doings)

    def _messages(self, piece: bytes) -> Iterator[tuple[int, bytes]]:
        """Yield the kind and the beginning of the body of each message of which enough has arrived."""
        self._waiting += piece
        while self._waiting:
            if self._left:
                gone = min(self._left, len(self._waiting))
                del self._waiting[:gone]
                self._left -= gone
                continue
            if len(self._waiting) < _HEAD.size:
                return
            kind, _, _, length = _HEAD.unpack_from(self._waiting)
            seen = _HEAD.size + min(length, _SEEN.get(kind, 0))
            if len(self._waiting) < seen:
                return
            yield kind, bytes(self._waiting[_HEAD.size : seen])
            self._left = _HEAD.size + length

    def _is_doing(self, kind: int, body: bytes) -> bool:
        if kind == _CONTROL:
            self._for_extensions = self._for_extensions or _FOR_EXTENSIONS in body
        if kind != _REGULAR:
            return False
        return _tells_of_somebody(body) if self._for_extensions else _TERMINALS in body and _TYPED in body


def _tells_of_somebody(call: bytes) -> bool:
    """Return whether a body on the websocket of the extensions is a call with a person's doing."""
    if len(call) <= _METHOD or call[0] not in _CALLS:
        return False
    method, arguments = call[_METHOD:][: call[_METHOD - 1]], call[_METHOD + call[_METHOD - 1] :]
    return method in _IN_EDITORS or (method == _AT_WORK and _YES in arguments)
