"""What a session may write is read within bounds, or not at all."""

import json
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from contract.tests.mutation import UNHURRIED
from hypothesis import given
from hypothesis import strategies as st

from rspark_contract import reading
from rspark_contract.reading import Fields, Reader, Unreadable
from rspark_contract.status import AgentState

ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None)),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=9), inner, max_size=5),
    max_leaves=20,
)
READERS: list[Reader[object]] = [
    reading.text(20), reading.verbatim(20), reading.name, reading.member_of(AgentState), reading.integer(-5, 5),
    reading.number(-5, 5), reading.flag, reading.instant, reading.items(reading.flag, most=3),
    reading.readable_items(reading.text(5), most=3), reading.mapping(reading.text(5), most=3), reading.json_object(), Fields,
]  # fmt: skip


def test_a_text_is_cut_and_can_be_stored_and_printed() -> None:
    read = reading.text(5)
    assert read("12345") == "12345"
    assert read("123456") == "1234…"
    assert read("a\x00\ud800\x1b\x9b") == "a" + "\N{REPLACEMENT CHARACTER}" * 4
    assert reading.text()("two\nlines\tand é") == "two\nlines\tand é"


def test_a_text_that_means_something_is_never_altered() -> None:
    read = reading.verbatim(5)
    assert read("a\r\n") == "a\r\n"
    for value in ("123456", "\udfff", "a\x00", 5, None):
        with pytest.raises(Unreadable):
            read(value)


@pytest.mark.parametrize("value", [True, 1.0, "1", 6, -6, 10**401, None])
def test_a_whole_number_is_one_within_its_bounds(value: object) -> None:
    assert reading.integer(-5, 5)(5) == 5
    with pytest.raises(Unreadable):
        reading.integer(-5, 5)(value)


@pytest.mark.parametrize("value", [True, float("nan"), float("inf"), -float("inf"), 10**401, "1", None])
def test_a_number_is_finite(value: object) -> None:
    assert reading.number(0, 5)(5) == 5.0
    with pytest.raises(Unreadable):
        reading.number(-1e300, 1e300)(value)


@pytest.mark.parametrize(
    "value",
    [
        "yesterday", "2026-11-24T12:00:00", "1999-12-31T23:59:59+00:00", "2101-01-01T00:00:00Z", "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59-23:59", "2000-01-01T00:00:00+14:00", 1700000000, None, "2026-11-24T12:00:00Z" + " " * 99,
    ],
)  # fmt: skip
def test_an_instant_has_a_zone_and_lies_in_this_century(value: object) -> None:
    with pytest.raises(Unreadable):
        reading.instant(value)


def test_an_instant_is_in_utc() -> None:
    assert reading.instant("2026-11-24T13:00:00+01:00") == datetime(2026, 11, 24, 12, tzinfo=UTC)
    assert reading.instant("2026-11-24T13:00:00+01:00").tzinfo is UTC


def test_a_bad_item_takes_the_list_away_only_where_each_matters() -> None:
    assert reading.readable_items(reading.flag, most=2)([True, 7, False, None, True]) == (True, False)
    for value in ([True, 7], [True] * 3, {"0": True}, "ab"):
        with pytest.raises(Unreadable):
            reading.items(reading.flag, most=2)(value)


def test_an_object_is_bounded_in_depth_in_number_and_in_length() -> None:
    read = reading.json_object(depth=2, values=4, letters=3)
    assert read({"a": [1, 2.5], "b": None}) == {"a": [1, 2.5], "b": None}
    for value in ({"a": [[1]]}, {"a": [1, 2, 3, 4]}, {"a": "1234"}, {"a": float("nan")}, {"a": 2**64}, {"x" * 201: 1}, [], 7):
        with pytest.raises(Unreadable):
            read(value)


def test_what_is_wrong_is_said_with_its_place() -> None:
    with pytest.raises(Unreadable, match=r"^parts: 1: null is no text$"):
        Fields({"parts": ["a", None]}).required("parts", reading.items(reading.text(), most=5))
    with pytest.raises(Unreadable, match=r"^parts is missing$"):
        Fields({}).required("parts", reading.flag)


@pytest.mark.parametrize("text", ["{", "NaN", "[1e400, Infinity]", "[" * 100_000, "1" * 5000, b"\xff\xfe\xfd", "", "0" * 101])
def test_what_is_no_json_or_too_long_is_refused(text: str | bytes) -> None:
    with pytest.raises(Unreadable):
        reading.decode(text, most=100 if text == "0" * 101 else 10**6)


@UNHURRIED
@given(value=ANY)
def test_a_reader_gives_what_it_promises_or_says_that_it_can_not(value: object) -> None:
    for read in READERS:
        with suppress(Unreadable):
            assert read(value) is not None


@UNHURRIED
@given(value=ANY)
def test_an_object_that_is_read_can_be_stored(value: object) -> None:
    try:
        found = reading.json_object()(value)
    except Unreadable:
        return
    json.dumps(found, ensure_ascii=False, allow_nan=False).encode()


@UNHURRIED
@given(data=st.binary(max_size=200) | st.text(max_size=200))
def test_any_bytes_are_json_or_unreadable(data: bytes | str) -> None:
    try:
        reading.decode(data, most=150)
    except Unreadable:
        return
