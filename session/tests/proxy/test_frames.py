"""The frames of a websocket are read beside their way through, however the bytes come in pieces."""

import os

import pytest

from rspark_session.proxy.frames import FrameReader, TooLong

MASK = bytes.fromhex("37fa213d")


def frame(data: bytes, *, kind: int = 2, mask: bytes = MASK) -> bytes:
    """Make a frame as a browser sends it; one without a mask is as a server would."""
    length = len(data)
    told = bytes([length]) if length < 126 else b"\x7e" + length.to_bytes(2) if length < 2**16 else b"\x7f" + length.to_bytes(8)
    told = bytes([told[0] | (0x80 if mask else 0)]) + told[1:]
    repeated = (mask or b"\0") * (length + 1)
    return bytes([0x80 | kind]) + told + mask + bytes(a ^ b for a, b in zip(data, repeated, strict=False))


def test_the_rfcs_own_example_is_read() -> None:
    """RFC 6455, 5.7: "Hello" with a mask, and without one."""
    assert list(FrameReader().feed(bytes.fromhex("818537fa213d7f9f4d5158"))) == [b"Hello"]
    assert list(FrameReader().feed(bytes.fromhex("810548656c6c6f"))) == [b"Hello"]


@pytest.mark.parametrize("size", [0, 1, 3, 4, 125, 126, 127, 2**16 - 1, 2**16, 2**16 + 5])
@pytest.mark.parametrize("mask", [MASK, b""], ids=["masked", "bare"])
def test_a_frame_of_any_length_is_whole(size: int, mask: bytes) -> None:
    data = os.urandom(size)
    assert list(FrameReader().feed(frame(data, mask=mask))) == [data]


@pytest.mark.parametrize("piece", [1, 2, 7, 130])
def test_pieces_make_no_difference(piece: int) -> None:
    sent = [b"one", b"", b"x" * 300, b"four"]
    stream = b"".join(map(frame, sent))
    reader = FrameReader()
    found = [data for at in range(0, len(stream), piece) for data in reader.feed(stream[at : at + piece])]
    assert found == sent


def test_pings_pongs_and_closes_are_left_out() -> None:
    stream = frame(b"a", kind=1) + b"".join(frame(b"by itself", kind=kind) for kind in (8, 9, 10)) + frame(b"b", kind=0)
    assert list(FrameReader().feed(stream)) == [b"a", b"b"]


def test_a_frame_that_is_too_long_is_not_kept() -> None:
    reader = FrameReader(most=1000)
    assert list(reader.feed(frame(b"x" * 1000))) == [b"x" * 1000]
    with pytest.raises(TooLong):
        list(reader.feed(frame(b"x" * 1001)[:20]))
