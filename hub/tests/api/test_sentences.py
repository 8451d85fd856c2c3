"""The catalogs of what the hub says: whole sentences, found with what stands in them, and none that the hub says no more."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import polib
import pytest

import rsparkhub
from rsparkhub.api.sentences import CATALOGS, PHRASE, Sentences, languages, sentences_in

_HOLE = re.compile(r"\{\w*\}")
#: Where what people are told on pages is found out, and all of it is translated.
_ALL_OF = ("api/identity.py", "api/rate.py", "api/resources/login.py", "api/resources/shares.py", "auth/fair_turns.py",
           "auth/passwords.py", "auth/sign_in/password.py", "auth/sign_in/link.py", "auth/sign_in/pam.py", "domain/sleep_time.py",
           "store/login_attempts.py", "store/shares.py", "store/courses.py")  # fmt: skip
_SOURCE = Path(rsparkhub.__file__).parent
#: Where what a session's agent reports is found out, which the hub tells people.
_SESSION = Path(__file__).parents[3] / "session" / "src"


def _said(node: ast.expr) -> str | None:
    """Return a text of the source with `{}` for what changes."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return _HOLE.sub("{}", node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(each.value if isinstance(each, ast.Constant) else "{}" for each in node.values)  # type: ignore[misc]  # texts
    return None


def _texts_of_the_source() -> Iterator[str]:
    for path in (*_SOURCE.rglob("*.py"), *_SESSION.rglob("*.py")):
        yield from _texts_of(path)


def _texts_of(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.expr) and (text := _said(node)) is not None:
            yield text


@pytest.fixture(scope="module")
def source() -> str:
    return "\n".join(_texts_of_the_source())


@pytest.mark.parametrize("language", sorted(languages() - {"en"}))
def test_a_catalog_has_nothing_that_the_hub_says_no_more(language: str, source: str) -> None:
    stale = [
        entry.msgid
        for entry in polib.pofile(str(CATALOGS / f"{language}.po"))
        if entry.comment != "made of pieces" and _HOLE.sub("{}", entry.msgid) not in source
    ]
    assert stale == []


@pytest.mark.parametrize("language", sorted(languages() - {"en"}))
def test_a_translation_says_all_that_changes(language: str) -> None:
    for entry in polib.pofile(str(CATALOGS / f"{language}.po")):
        assert entry.msgstr, entry.msgid
        assert sorted(_HOLE.findall(entry.msgstr)) == sorted(_HOLE.findall(entry.msgid)), entry.msgid


@pytest.mark.parametrize("language", sorted(languages() - {"en"}))
@pytest.mark.parametrize("file", _ALL_OF)
def test_what_is_said_there_is_translated(language: str, file: str) -> None:
    known = {_HOLE.sub("{}", entry.msgid) for entry in polib.pofile(str(CATALOGS / f"{language}.po"))}
    raised = [
        text
        for node in ast.walk(ast.parse((_SOURCE / file).read_text(encoding="utf-8")))
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and node.exc.args
        if (text := _said(node.exc.args[0])) is not None
    ]
    assert [text for text in raised if text not in known] == []


@pytest.mark.parametrize("language", sorted(languages() - {"en"}))
def test_why_the_first_start_of_a_service_takes_long_is_translated(language: str) -> None:
    files = (_SOURCE / "services").rglob("*.py")
    said = [text for path in files for text in _texts_of(path) if "at its first start" in text.casefold() and text.endswith(".")]
    assert len(said) >= 5
    assert [text for text in said if sentences_in(language).say(text) == text] == []


@pytest.mark.parametrize("language", sorted(languages() - {"en"}))
def test_all_that_an_event_says_is_translated(language: str) -> None:
    catalog = polib.pofile(str(CATALOGS / f"{language}.po"))
    known = {entry.msgid for entry in catalog if entry.msgctxt == PHRASE}
    text = (_SOURCE / "api/serializers/event_text.py").read_text(encoding="utf-8")
    # Whole phrases: what has a hole or is a sentence, and what stands for somebody or something that is not known.
    said = {node.value for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    phrases = {each for each in said if "{" in each or re.fullmatch(r"[A-Z][^\n]* are [a-z]+\.", each)}
    assert len(phrases) > 70
    assert phrases - known == set()


def test_a_phrase_has_its_values_as_they_are() -> None:
    phrases = Sentences({"Sessions": "Sitzungen"}, {"{by} adds {what}.": "{what} kommt von {by}."})
    assert phrases.phrase("{by} adds {what}.", by="{what}", what="Sessions") == "Sessions kommt von {what}."
    assert phrases.phrase("{by} goes.", by="Sessions") == "Sessions goes."
    assert phrases.say("ada adds bob.") == "ada adds bob."


SENTENCES = Sentences(
    {
        "There is no session {id}.": "Eine Sitzung {id} gibt es nicht.",
        "There is no session {id}: it has been deleted.": "Eine Sitzung {id} gibt es nicht mehr.",
        "{name} {said_state}.": "{name} {said_state}.",
        "Wait {time}.": "Bitte {time} warten.",
        "{n} minutes": "{n} Minuten",
        "is asleep": "schläft",
        "Your files are kept.": "Die Dateien bleiben erhalten.",
        "From {one} to {one}.": "Von {one} bis {one}.",
    }
)


@pytest.mark.parametrize(
    ("english", "german"),
    [
        ("There is no session a1.", "Eine Sitzung a1 gibt es nicht."),
        ("There is no session a1: it has been deleted.", "Eine Sitzung a1 gibt es nicht mehr."),
        ("Lab 1 is asleep.", "Lab 1 schläft."),
        ("Lab 1 is of no state.", "Lab 1 is of no state."),
        ("Wait 3 minutes.", "Bitte 3 Minuten warten."),
        ("There is no session a1. Your files are kept.", "Eine Sitzung a1 gibt es nicht. Die Dateien bleiben erhalten."),
        ("There is no session a1. Nobody knows why!", "There is no session a1. Nobody knows why!"),
        ("There is no session {id}.", "Eine Sitzung {id} gibt es nicht."),
        ("From 1 to 1.", "Von 1 bis 1."),
        ("Something else", "Something else"),
        ("", ""),
        ("There is no session Your files are kept..", "Eine Sitzung Your files are kept. gibt es nicht."),
        ("is asleep is asleep.", "is asleep schläft."),
        (f"Wait {'long ' * 200}.", f"Wait {'long ' * 200}."),
    ],
)
def test_a_sentence_is_found_with_what_stands_in_it(english: str, german: str) -> None:
    assert SENTENCES.say(english) == german
