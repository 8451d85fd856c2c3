"""In which of the pieces of a file that were executed a breakpoint stands."""

import pytest

from rspark_session.rc2.debugger.pieces import Piece, places
from rspark_session.rc2.protocol import BreakpointAt

FIRST = "def one():\n    x = 1\n    return x"
SECOND = "def two():\n    x = 1\n    y = 2\n    return x"


def piece(first: int, code: str) -> Piece:
    return Piece("a.py", first, code)


@pytest.mark.parametrize("pieces", [[(1, FIRST), (5, SECOND)], [(5, SECOND), (1, FIRST)]])
@pytest.mark.parametrize(("line", "stands"), [(2, {1: 2}), (6, {5: 2})])
def test_a_breakpoint_is_in_its_own_line_and_in_no_other_that_reads_the_same(
    pieces: list[tuple[int, str]], line: int, stands: dict[int, int]
) -> None:
    found = places([piece(*each) for each in pieces], BreakpointAt(line=line, text="x = 1"))
    assert {each.first: at for each, at in found.items()} == stands


def test_a_file_that_was_edited_has_it_in_the_nearest_line() -> None:
    """Two lines were written above both functions, and one above the second alone."""
    pieces = [piece(1, FIRST), piece(5, SECOND)]
    assert places(pieces, BreakpointAt(line=3, text="x = 1")) == {pieces[0]: 2}
    assert places(pieces, BreakpointAt(line=9, text="x = 1")) == {pieces[1]: 2}
    assert places(pieces, BreakpointAt(line=9, text="y = 2")) == {pieces[1]: 3}
    assert places(pieces, BreakpointAt(line=9, text="z = 3")) == {}
    assert places(pieces, BreakpointAt(line=4, text="")) == {}


def test_what_was_run_anew_counts_and_not_where_it_was_before() -> None:
    """The function was moved by a line, run, and moved back."""
    for now in (FIRST, FIRST.replace("return x", "return -x")):
        pieces = [piece(1, FIRST), piece(2, now)]
        assert places(pieces, BreakpointAt(line=2, text="x = 1")) == {pieces[1]: 2}


def test_all_that_were_run_of_a_line_have_it() -> None:
    pieces = [piece(1, FIRST), piece(1, FIRST.replace("return x", "return -x"))]
    assert places(pieces, BreakpointAt(line=2, text="x = 1")) == {pieces[0]: 2, pieces[1]: 2}
