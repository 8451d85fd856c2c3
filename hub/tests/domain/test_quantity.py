"""Sizes and durations, as files have them and as sentences do."""

import pytest

from rsparkhub.domain.quantity import duration_in_words, parse_duration


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("2h", "2 hours"),
        ("90m", "1 hour 30 minutes"),
        ("1d", "1 day"),
        ("1s", "1 second"),
        ("60s", "1 minute"),
        ("0s", "0 seconds"),
    ],
)
def test_a_sentence_has_a_duration_in_words(written: str, said: str) -> None:
    assert duration_in_words(parse_duration(written)) == said
