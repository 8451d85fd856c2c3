"""What the hub says, in the language of the person who reads it.

All that the hub says is one English sentence from where it is found out: logs, the command line, the store and programs have it
so. Where a person reads it on a page it is looked up whole in the catalog of their language (`languages/*.po`), with what stands
in it taken along: `There is no session {id}.` finds its translation for each id. Several sentences are looked up one by one.
What a catalog doesn't have stays English, and so does all that is said with it, and what is very long.

What is put together where it is read, as the audit's sentences are, is looked up before values are put in (`phrase`): those
entries have the context `phrase` in a catalog.
"""

import re
from collections.abc import Mapping
from functools import cache, lru_cache
from pathlib import Path

import polib
from fastapi import Request

from rsparkhub.api.language import ENGLISH, language_of

CATALOGS = Path(__file__).parent / "languages"
#: The context of entries that are looked up before what stands in them is put in.
PHRASE = "phrase"
_HOLE = re.compile(r"\{(\w+)\}")
_BETWEEN_SENTENCES = re.compile(r"(?<=\.) (?=[A-Z])")
_VALUE = r"(?:(?!\. [A-Z]).)+?"  # what stands in a sentence is none itself
_KEPT = 4096  # translations; the same sentence is read again and again
#: Characters of a text that is looked up: with several values in it, the time that takes grows with a power of them, and some of
#: what is said comes from sessions.
_LONGEST = 600
#: What people and programs have named, which stays as it is, though it may be called as one of the entries.
_NAMES = frozenset(("name", "now_name", "names", "title", "group", "id", "person", "people", "file", "folder", "path"))


class Sentences:
    """A catalog: English sentences, and what they are in another language.

    Parameters
    ----------
    entries
        By the English. What changes stands in both as `{name}`, and what is itself one of the entries as `{said_…}`; of two that
        fit, the one with more words of its own counts.
    phrases
        By the English, what is filled in by who says it.
    """

    def __init__(self, entries: Mapping[str, str], phrases: Mapping[str, str] | None = None) -> None:
        self._phrases = phrases or {}
        self._whole = {english: said for english, said in entries.items() if not _HOLE.search(english)}
        with_holes = sorted(entries.keys() - self._whole.keys(), key=lambda english: -len(_HOLE.sub("", english)))
        said = "|".join(map(re.escape, self._whole))
        self._patterns = [(_pattern(english, said), entries[english]) for english in with_holes]
        self.say = lru_cache(_KEPT)(self._say)

    def phrase(self, english: str, **values: str) -> str:
        """Return a phrase with these values in it, each as it is."""
        return self._phrases.get(english, english).format_map(values)

    def _say(self, english: str) -> str:
        if len(english) > _LONGEST:
            return english
        found = self._find(english)
        if found is not None:
            return found
        parts = [self._find(part) for part in _BETWEEN_SENTENCES.split(english)]
        return english if None in parts else " ".join(filter(None, parts))

    def _find(self, english: str) -> str | None:
        whole = self._whole.get(english)
        if whole is not None:
            return whole
        for pattern, said in self._patterns:
            found = pattern.fullmatch(english)
            if found is not None:
                return said.format_map({name: self._value(name, value) for name, value in found.groupdict().items()})
        return None

    def _value(self, name: str, value: str) -> str:
        return value if name in _NAMES else self._find(value) or value


def _pattern(english: str, said: str) -> re.Pattern[str]:
    parts = _HOLE.split(english)  # text, name, text, name, …, text
    seen: set[str] = set()
    pattern = re.escape(parts[0])
    for name, text in zip(parts[1::2], parts[2::2], strict=True):
        what = said if name.startswith("said_") else _VALUE
        pattern += (f"(?P={name})" if name in seen else f"(?P<{name}>{what})") + re.escape(text)
        seen.add(name)
    return re.compile(pattern, re.DOTALL)


@cache
def languages() -> frozenset[str]:
    """Return the languages in which the hub says something."""
    return frozenset({ENGLISH, *(path.stem for path in CATALOGS.glob("*.po"))})


@cache
def sentences_in(language: str) -> Sentences:
    """Return the catalog of a language."""
    if language == ENGLISH:
        return Sentences({})
    catalog = polib.pofile(str(CATALOGS / f"{language}.po"))
    entries = catalog.translated_entries()
    return Sentences(
        {entry.msgid: entry.msgstr for entry in entries if entry.msgctxt != PHRASE},
        {entry.msgid: entry.msgstr for entry in entries if entry.msgctxt == PHRASE},
    )


def said_to(request: Request, english: str) -> str:
    """Return a sentence in the language of the person who asks."""
    return sentences_in(language_of(request, languages())).say(english)
