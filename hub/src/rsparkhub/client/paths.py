"""Paths of calls that have a word of the caller's in them: a name, an id."""

from urllib.parse import quote

from rsparkhub.domain.errors import NotFound


def element(kind: str, word: str) -> str:
    """Return a word as one element of a path.

    Raises
    ------
    NotFound
        When the word would be none, or more than one: with it, another thing than one of that kind would be asked for.
    """
    if not word or word in {".", ".."} or "/" in word:
        raise NotFound(f"There is no {kind} called {word!r}.")
    return quote(word, safe="")
