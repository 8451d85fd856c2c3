"""What a page of VS Code sends is told apart: what somebody does, and what the page does by itself."""

import json

import pytest
from session.tests.proxy.test_frames import frame

from rspark_session.vscode.messages import Judge

CONTROL, REGULAR, ACK, KEEP_ALIVE = 2, 1, 3, 9


def message(kind: int, body: bytes = b"") -> bytes:
    """Make a message as VS Code's page does."""
    return bytes([kind]) + (7).to_bytes(4) + (5).to_bytes(4) + len(body).to_bytes(4) + body


def call(method: str, arguments: object = (), *, kind: int = 1) -> bytes:
    """Make a call to an extension."""
    told = json.dumps(arguments).encode()
    return bytes([kind]) + (3).to_bytes(4) + bytes([41, len(method)]) + method.encode() + len(told).to_bytes(4) + told


def channel(name: str, method: str) -> bytes:
    """Make a call to the server."""
    return (
        b"\x04\x04\x06\x64\x06\x11"
        + b"".join(b"\x01" + bytes([len(word)]) + word.encode() for word in (name, method))
        + b"\x04\x00"
    )


def judge(purpose: int) -> Judge:
    """Give the judge of a websocket that has said what it is for: 1 for the server, 2 for the extensions."""
    made = Judge()
    assert not made(frame(message(CONTROL, b'{"type":"auth","auth":"00000000000000000000"}')))
    told = {"type": "connectionType", "commit": "c", "signedData": "s", "desiredConnectionType": purpose}
    assert not made(frame(message(CONTROL, json.dumps(told, separators=(",", ":")).encode())))
    return made


SOMEBODYS = {
    "typing": (2, call("$acceptModelChanged", [{"path": "/a.R"}, {"changes": []}, True])),
    "a cursor that moves": (2, call("$acceptEditorPropertiesChanged", ["1", {"selections": {}}], kind=3)),
    "a hand on the mouse": (2, call("$onDidChangeWindowActive", [True])),
    "a key in a terminal": (1, channel("remoteterminal", "$input")),
}
THE_PAGES_OWN = {
    "nobody at the mouse": (2, call("$onDidChangeWindowActive", [False])),
    "a file that changed": (2, call("$onFileEvent", [{"session": "$acceptModelChanged"}])),
    "an answer": (2, call("$acceptModelChanged", kind=9)),
    "a receipt": (2, b"\x05" + (3).to_bytes(4)),
    "how long the way is": (1, channel("remoteextensionsenvironment", "ping")),
    "what a terminal showed": (1, channel("remoteterminal", "$acknowledgeDataEvent")),
    "a terminal's words on the wrong way": (2, channel("remoteterminal", "$input")),
}


@pytest.mark.parametrize(("purpose", "body"), SOMEBODYS.values(), ids=SOMEBODYS.keys())
def test_what_somebody_does_is_told(purpose: int, body: bytes) -> None:
    assert judge(purpose)(frame(message(REGULAR, body)))


@pytest.mark.parametrize(("purpose", "body"), THE_PAGES_OWN.values(), ids=THE_PAGES_OWN.keys())
def test_what_the_page_does_by_itself_is_not(purpose: int, body: bytes) -> None:
    assert not judge(purpose)(frame(message(REGULAR, body)))
    assert not judge(purpose)(frame(message(KEEP_ALIVE) + message(ACK)))


@pytest.mark.parametrize("piece", [1, 5, 13, 400])
def test_it_is_told_however_the_bytes_come(piece: int) -> None:
    """Several messages in one frame, one in several, and in pieces of any size."""
    typed = message(REGULAR, call("$acceptModelChanged", ["x" * 1000]))
    own = message(KEEP_ALIVE) + message(REGULAR, call("$onFileEvent", ["x" * 70_000])) + message(ACK)
    made = judge(2)
    for stream, somebodys in ((own, False), (own + typed + own, True), (typed, True), (own, False)):
        half = len(stream) // 2
        sent = frame(stream[:half]) + frame(stream[half:])
        told = [made(sent[at : at + piece]) for at in range(0, len(sent), piece)]
        assert (True in told) is somebodys


def test_what_can_not_be_read_is_taken_for_somebodys() -> None:
    made = judge(1)
    assert made(b"\x82\xff" + (2**40).to_bytes(8) + b"abcd")
    assert made(b"more of it")
