"""Which commands a session takes, and in which words others are refused."""

import os

import pytest

from rspark_contract.commands import why_not


@pytest.mark.parametrize(
    "command",
    [[], ["true"], ["é", "", "a b"], ["a"] * 2**14, ["a" * 2**17], ["é" * 2**17] * 3],
    ids=lambda words: str(len(words)),
)
def test_what_fits_is_taken(command: list[str]) -> None:
    assert why_not(command) is None


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["a"] * (2**14 + 1), "has 16,385 words, and may have 16,384"),
        (["cat", os.fsdecode(b"\xff")], "word 2 is not UTF-8"),
        (["a" * (2**17 + 1)], "word 1 has 131,073 letters, and may have 131,072"),
        (["a" * 2**17] * 8, "more than 1 MB together"),
        (["é" * 2**17] * 4, "more than 1 MB together"),
    ],
)
def test_what_does_not_fit_is_refused_by_the_bound(command: list[str], said: str) -> None:
    problem = why_not(command)
    assert problem is not None
    assert said in problem
    assert problem.endswith(".")
