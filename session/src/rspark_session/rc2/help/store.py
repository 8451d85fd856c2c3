"""The index of help: an SQLite file with the text of each topic and vignette, by language, library and package."""

import difflib
import json
import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from rspark_session.rc2 import protocol
from rspark_session.rc2.help.reading import Package

_VERSION = 2
_SCHEMA = f"""
CREATE TABLE packages (
  id INTEGER PRIMARY KEY, language TEXT NOT NULL, library TEXT NOT NULL, name TEXT NOT NULL, stamp TEXT NOT NULL,
  UNIQUE (language, library, name)
);
CREATE TABLE topics (
  id INTEGER PRIMARY KEY, package INTEGER NOT NULL REFERENCES packages, topic TEXT NOT NULL, title TEXT NOT NULL,
  vignette INTEGER NOT NULL
);
CREATE INDEX topics_by_package ON topics (package);
CREATE TABLE names (name TEXT NOT NULL COLLATE NOCASE, topic INTEGER NOT NULL REFERENCES topics, PRIMARY KEY (name, topic))
  WITHOUT ROWID;
CREATE INDEX names_by_topic ON names (topic);
CREATE VIRTUAL TABLE texts USING fts5(names, title, body, tokenize = "porter unicode61 remove_diacritics 2");
CREATE TABLE made (number INTEGER NOT NULL);
PRAGMA user_version = {_VERSION};
"""
_PATIENCE = 10.0  # seconds that another session which writes is waited for
_MOST = 100
#: What a word counts in a topic's names, in its title and in its text.
_RANK = "bm25(texts, 20.0, 8.0, 1.0)"
_BEGIN, _END = "\x02", "\x03"
_LONG_EXCERPT = 24  # words
_SIGNS = re.compile(r"[^\w\s.'-]")
_MOST_BY_SIGNS = 30
_WORD = re.compile(r"[^\W_]+")
_SHOWN = "topics.package IN (SELECT value FROM json_each(:packages))"
#: How alike two words are of which one is taken for the other misspelt; 1 is the same.
_ALIKE = 0.75


@dataclass(frozen=True)
class Scope:
    """Whose help is meant: a language's, in these libraries, the first of which has a package where several have it."""

    language: str
    libraries: tuple[str, ...]


class Broken(sqlite3.DatabaseError):
    """The index was damaged. It is removed, and begun anew with the next question."""


class Store:
    """The index in a file. A file that is no index, or of another version, is begun anew; damage met later raises `Broken`."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def number(self) -> int:
        """Return a number that this index has, and one that is begun anew has not."""
        with self._opened() as database:
            (number,) = database.execute("SELECT number FROM made").fetchone()
        return int(number)

    def stamps(self, scope: Scope) -> dict[str, dict[str, str]]:
        """Return what is indexed: by library and package, the stamp that it had then."""
        found: dict[str, dict[str, str]] = {library: {} for library in scope.libraries}
        with self._opened() as database:
            for _, library, name, stamp in _packages(database, scope):
                found[library][name] = stamp
        return found

    def keep_only(self, scope: Scope, present: Mapping[str, Mapping[str, str]]) -> int:
        """Forget packages that are gone or have another stamp now, and return how many are left to be read."""
        known = 0
        with self._changed() as database:
            for identity, library, name, stamp in _packages(database, scope):
                if present.get(library, {}).get(name) == stamp:
                    known += 1
                else:
                    _forget(database, identity)
        return sum(map(len, present.values())) - known

    def put(self, language: str, package: Package) -> None:
        """Take in the help of a package, in the place of what was known of it."""
        with self._changed() as database:
            key = (language, package.library, package.package)
            asked = "SELECT id, stamp FROM packages WHERE (language, library, name) = (?, ?, ?)"
            for old, stamp in database.execute(asked, key).fetchall():
                if stamp == package.stamp:  # another session has read it meanwhile
                    return
                _forget(database, old)
            insert = "INSERT INTO packages (language, library, name, stamp) VALUES (?, ?, ?, ?)"
            identity = database.execute(insert, (*key, package.stamp)).lastrowid
            for topic in package.topics:
                insert = "INSERT INTO topics (package, topic, title, vignette) VALUES (?, ?, ?, ?)"
                row = database.execute(insert, (identity, topic.topic, topic.title, topic.vignette)).lastrowid
                names = {topic.topic, *topic.names}
                insert = "INSERT OR IGNORE INTO names (name, topic) VALUES (?, ?)"
                database.executemany(insert, [(name, row) for name in sorted(names)])
                insert = "INSERT INTO texts (rowid, names, title, body) VALUES (?, ?, ?, ?)"
                database.execute(insert, (row, " ".join(sorted(names)), topic.title, topic.body))

    def search(self, scope: Scope, text: str) -> tuple[protocol.HelpMatch, ...]:
        """Return topics and vignettes that have a text.

        Those of this very name come first, then those with all of its words, or else some of them, or words alike.
        """
        if not text.strip():
            return ()
        with self._opened() as database:
            database.execute("BEGIN")  # what is found stays until it is shown
            packages = _first_of_each(scope, _packages(database, scope))
            search = _Search(database, json.dumps(packages))
            words = [_WORD.findall(word) for word in text.split()]
            phrases = [" ".join(parts) for parts in words if parts]
            found = dict.fromkeys(search.named(text))
            if _SIGNS.search(text):  # no word has them, and some names have
                found |= dict.fromkeys(search.named_in_part(text)[:_MOST_BY_SIGNS])
            query = _query(phrases, " AND ")
            matching = search.matching(query)
            if not matching and len(phrases) > 1:
                matching = search.matching(query := _query(phrases, " OR "))
            if not matching and not found:
                matching = search.matching(query := _query(search.alike(phrases), " AND "))
            found |= dict.fromkeys(matching)
            found |= dict.fromkeys(search.named_in_part(text))
            return search.shown(list(found)[:_MOST], query)

    @contextmanager
    def _changed(self) -> Iterator[sqlite3.Connection]:
        with self._opened() as database, database:
            database.execute("BEGIN IMMEDIATE")  # what is looked up first, another session doesn't change meanwhile
            yield database

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(self._usable()) as database:
                yield database
        except sqlite3.OperationalError:  # it is locked, or the disk is full
            raise
        except sqlite3.DatabaseError as problem:
            self._remove()
            raise Broken(str(problem)) from problem

    def _usable(self) -> sqlite3.Connection:
        try:
            return self._open()
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError:  # it is no database, or a broken one
            self._remove()
            return self._open()

    def _remove(self) -> None:
        """Remove it, its journal first: SQLite would write an old one's pages into a new index."""
        for file in (self._file.with_name(f"{self._file.name}-journal"), self._file):
            file.unlink(missing_ok=True)

    def _open(self) -> sqlite3.Connection:
        self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        database = sqlite3.connect(self._file, timeout=_PATIENCE)
        try:
            (version,) = database.execute("PRAGMA user_version").fetchone()
            if version != _VERSION:
                _begin(database)
        except BaseException:
            database.close()
            raise
        return database


def _begin(database: sqlite3.Connection) -> None:
    """Make the tables, unless another session has made them meanwhile."""
    database.execute("BEGIN IMMEDIATE")
    (version,) = database.execute("PRAGMA user_version").fetchone()
    if version == 0:
        for statement in filter(str.strip, _SCHEMA.split(";")):
            database.execute(statement)
        database.execute("INSERT INTO made VALUES (random())")
    database.execute("COMMIT")
    if version not in (0, _VERSION):
        raise sqlite3.DatabaseError(f"the index is of version {version}")


def _packages(database: sqlite3.Connection, scope: Scope) -> list[tuple[int, str, str, str]]:
    asked = """SELECT id, library, name, stamp FROM packages
        WHERE language = ? AND library IN (SELECT value FROM json_each(?))"""
    return database.execute(asked, (scope.language, json.dumps(scope.libraries))).fetchall()


def _first_of_each(scope: Scope, packages: Iterable[tuple[int, str, str, str]]) -> list[int]:
    """Return the packages that a language finds: one of each name."""
    found: dict[str, int] = {}
    for identity, _, name, _ in sorted(packages, key=lambda package: scope.libraries.index(package[1])):
        found.setdefault(name, identity)
    return list(found.values())


def _forget(database: sqlite3.Connection, package: int) -> None:
    of_package = "(SELECT id FROM topics WHERE package = ?)"
    for statement in (
        f"DELETE FROM texts WHERE rowid IN {of_package}",  # noqa: S608  (of constants alone)
        f"DELETE FROM names WHERE topic IN {of_package}",  # noqa: S608
        "DELETE FROM topics WHERE package = ?",
        "DELETE FROM packages WHERE id = ?",
    ):
        database.execute(statement, (package,))


def _query(phrases: Sequence[str], joined: str) -> str:
    """Return what FTS5 is asked: the last word may go on."""
    return joined.join(f'"{phrase}"' for phrase in phrases) + ("*" if phrases and len(phrases[-1]) > 1 else "")


class _Search:
    """Questions about the packages that are shown, given as JSON."""

    def __init__(self, database: sqlite3.Connection, packages: str) -> None:
        self._database = database
        self._packages = packages

    def named(self, text: str) -> list[int]:
        """Return what has this very name."""
        return self._numbers(
            f"SELECT topics.id FROM names JOIN topics ON topics.id = names.topic WHERE name = :text AND {_SHOWN} "  # noqa: S608
            "ORDER BY name = :text COLLATE BINARY DESC, topics.topic = :text DESC, topics.id LIMIT :most",
            text=text.strip(),
        )

    def named_in_part(self, text: str) -> list[int]:
        """Return what has it within a name, the shortest names first."""
        return self._numbers(
            "SELECT topics.id FROM names JOIN topics ON topics.id = names.topic "  # noqa: S608
            f"WHERE instr(lower(name), lower(:text)) AND {_SHOWN} ORDER BY length(name), name LIMIT :most",
            text=text.strip(),
        )

    def matching(self, query: str) -> list[int]:
        """Return what answers a query, the best first."""
        if not query:
            return []
        return self._numbers(
            f"SELECT topics.id FROM texts JOIN topics ON topics.id = texts.rowid WHERE texts MATCH :text AND {_SHOWN} "  # noqa: S608
            f"ORDER BY {_RANK} LIMIT :most",
            text=query,
        )

    def alike(self, phrases: Sequence[str]) -> list[str]:
        """Return words of titles in the place of such as are nowhere; none where there are none alike."""
        titles = self._database.execute(f"SELECT title FROM topics WHERE {_SHOWN}", {"packages": self._packages})  # noqa: S608
        words = {word.lower() for (title,) in titles for word in _WORD.findall(title)}
        found: list[str] = []
        for phrase in phrases:
            alike = [phrase] if self.matching(f'"{phrase}"') else difflib.get_close_matches(phrase.lower(), words, 1, _ALIKE)
            if not alike:
                return []
            found.extend(alike)
        return found

    def shown(self, topics: Sequence[int], query: str) -> tuple[protocol.HelpMatch, ...]:
        """Return topics as a person sees them, with a part of the text that answers the query."""
        those = json.dumps(topics)
        excerpts: dict[int, str] = {}
        if query:
            asked = (
                f"SELECT rowid, snippet(texts, 2, '{_BEGIN}', '{_END}', '…', {_LONG_EXCERPT}) FROM texts "  # noqa: S608
                "WHERE texts MATCH ? AND rowid IN (SELECT value FROM json_each(?))"
            )
            excerpts = dict(self._database.execute(asked, (query, those)).fetchall())
        asked = (
            "SELECT topics.id, topic, packages.name, title, vignette FROM topics JOIN packages ON packages.id = topics.package "
            "WHERE topics.id IN (SELECT value FROM json_each(?))"
        )
        rows = {row[0]: row[1:] for row in self._database.execute(asked, (those,))}
        return tuple(
            protocol.HelpMatch(
                topic=topic, package=package, title=title, vignette=bool(vignette), excerpt=_excerpt(excerpts.get(number, ""))
            )
            for number in topics
            for topic, package, title, vignette in (rows[number],)
        )

    def _numbers(self, asked: str, *, text: str) -> list[int]:
        found = self._database.execute(asked, {"text": text, "packages": self._packages, "most": _MOST})
        return [number for (number,) in found]


def _excerpt(text: str) -> tuple[protocol.ExcerptPart, ...]:
    """Return the parts of an excerpt; none of one in which nothing was found."""
    if _BEGIN not in text:
        return ()
    parts = re.split(f"{_BEGIN}(.*?){_END}", text, flags=re.DOTALL)
    return tuple(protocol.ExcerptPart(text=part, found=at % 2 == 1) for at, part in enumerate(parts) if part)
