"""The index of help: what is found by words, in which order, and what is forgotten."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from rspark_session.rc2.help.reading import Package, Topic
from rspark_session.rc2.help.store import Broken, Scope, Store

TEXT = "The fraction of observations to be trimmed."
MEAN = Topic(topic="mean", names=("mean", "mean.default"), title="Arithmetic Mean", body=TEXT)
WEIGHTED = Topic(topic="weighted.mean", title="Weighted Arithmetic Mean", body="Compute a weighted mean.")
EXTRACT = Topic(topic="Extract", names=("[[", "[", "$"), title="Extract Parts of an Object", body="Operators acting on vectors.")
GUIDE = Topic(topic="guide", title="A Guide", body="How to trim trees, and observations of them.", vignette=True)
R = Scope("R", ("/own", "/site"))


def package(*topics: Topic, library: str = "/site", name: str = "base", stamp: str = "1") -> Package:
    return Package(library=library, package=name, stamp=stamp, topics=topics)


def found(store: Store, text: str, scope: Scope = R) -> list[str]:
    return [match.topic for match in store.search(scope, text)]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path / "cache" / "help.sqlite")
    store.put("R", package(MEAN, WEIGHTED, EXTRACT, GUIDE))
    return store


def test_a_name_comes_before_a_title_and_that_before_a_text(store: Store) -> None:
    other = (Topic(topic="other", title="The mean", body="x"), Topic(topic="text", title="x", body="a mean"))
    store.put("R", package(*other, name="other"))
    assert found(store, "mean") == ["mean", "weighted.mean", "other", "text"]
    assert found(store, "MEAN")[0] == "mean"


@pytest.mark.parametrize(
    ("text", "topics"),
    [
        ("observations trimmed", ["guide", "mean"]),  # words in any order, and of the same stem
        ("weigh", ["weighted.mean"]),  # the last word may go on
        ("[[", ["Extract"]),  # a name without a letter
        ("extract nothingness", ["Extract"]),  # some of the words, where nothing has all
        ("arithmetik meen", ["mean", "weighted.mean"]),  # words that are alike, where nothing has any
        ("mean.def", ["mean"]),
        ("[", ["Extract"]),
        ("nosuchword", []),
        ('"', []),
        ("  ", []),
        ("AND", ["guide"]),  # a word, and no operator
        ("title:mean NEAR(", []),
    ],
)
def test_what_words_find(store: Store, text: str, topics: list[str]) -> None:
    assert sorted(found(store, text)) == sorted(topics)


def test_an_excerpt_marks_what_was_found(store: Store) -> None:
    match = next(match for match in store.search(R, "observation trim") if match.topic == "mean")
    assert [part.text for part in match.excerpt if part.found] == ["observations", "trimmed"]
    assert "".join(part.text for part in match.excerpt) == TEXT
    (named,) = store.search(R, "[[")
    assert named.excerpt == ()
    assert next(match.vignette for match in store.search(R, "trees"))


def test_the_first_library_has_a_package_and_another_language_none(store: Store) -> None:
    store.put("R", package(Topic(topic="newer", title="Trimming", body=""), library="/own"))
    assert found(store, "trimming") == ["newer"]
    assert sorted(found(store, "trimmed", Scope("R", ("/site",)))) == ["guide", "mean"]
    assert found(store, "trimmed", Scope("python", ("/own", "/site"))) == []


def test_a_package_that_is_gone_or_another_one_is_forgotten(store: Store) -> None:
    store.put("R", package(Topic(topic="kept", title="Kept", body="trimmed"), name="kept"))
    assert store.stamps(R) == {"/own": {}, "/site": {"base": "1", "kept": "1"}}
    assert store.keep_only(R, {"/own": {}, "/site": {"base": "2", "kept": "1"}}) == 1
    assert found(store, "trimmed") == ["kept"]
    store.put("R", package(MEAN, stamp="2"))
    store.put("R", package(MEAN, stamp="2"))  # by another session, at the same time
    assert found(store, "trimmed fraction") == ["mean"]
    assert store.keep_only(R, {"/own": {}, "/site": {}}) == 0
    assert store.stamps(R) == {"/own": {}, "/site": {}}


def test_a_file_that_is_no_index_or_of_another_version_is_begun_anew(tmp_path: Path) -> None:
    file = tmp_path / "help.sqlite"
    file.write_bytes(b"no database, " * 100)
    store = Store(file)
    assert found(store, "mean") == []
    store.put("R", package(MEAN))
    assert found(store, "mean") == ["mean"]
    database = sqlite3.connect(file)
    database.execute("PRAGMA user_version = 999")
    database.close()
    assert found(store, "mean") == []


def test_damage_that_is_met_later_is_said_and_the_index_begun_anew(tmp_path: Path) -> None:
    file = tmp_path / "help.sqlite"
    store = Store(file)
    store.put("R", package(*(Topic(topic=f"t{at}", title="Damaged", body=TEXT * 50) for at in range(200))))
    number = store.number()
    assert store.number() == number
    content = file.read_bytes()
    file.write_bytes(content[:4096] + b"\xa5" * (len(content) - 4096))  # the head is whole
    (tmp_path / "help.sqlite-journal").write_bytes(b"of the old one")
    with pytest.raises(Broken):
        found(store, "damaged")
    assert [*tmp_path.iterdir()] == []
    assert found(store, "damaged") == []
    assert store.number() != number


def test_two_sessions_write_the_same_packages_at_once_while_a_third_searches(tmp_path: Path) -> None:
    def write(stamp: str) -> None:
        store = Store(tmp_path / "help.sqlite")
        for at in range(40):
            store.put("R", package(MEAN, name=f"p{at % 10}", stamp=f"{stamp}{at}"))

    with ThreadPoolExecutor() as pool:
        writing = [pool.submit(write, stamp) for stamp in "ab"]
        store = Store(tmp_path / "help.sqlite")
        while not all(each.done() for each in writing):
            assert len(found(store, "trimmed fraction")) <= 10
        assert [each.result() for each in writing] == [None, None]
    assert len(store.stamps(R)["/site"]) == len(found(store, "trimmed fraction")) == 10
