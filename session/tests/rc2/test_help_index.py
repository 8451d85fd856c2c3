"""The index of help while it is read: by two sessions at once, removed, damaged, and where it can't be read or written."""

import asyncio
from pathlib import Path

import psutil
import pytest
from session.tests.running import WAIT, command_of, until

from rspark_session.rc2 import protocol
from rspark_session.rc2.help import index
from rspark_session.rc2.help.index import HelpIndex
from rspark_session.rc2.refusal import Refusal

pytestmark = pytest.mark.asyncio

MODULES = 12
FUNCTION = 'def f{at}():\n    """Fold paper {at} times."""\n'


@pytest.fixture(autouse=True)
def _usual_priority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have no `nice` found, so that a busy machine reads as well."""
    monkeypatch.setenv("PATH", str(tmp_path))


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """A library that takes a second or so to be read."""
    library = tmp_path / "library"
    library.mkdir()
    for at in range(MODULES):
        text = "".join(FUNCTION.format(at=number) for number in range(400))
        (library / f"origami{at}.py").write_text(f'"""Cranes, number {at}."""\n{text}')
    return library


async def searched(one: HelpIndex, library: Path, text: str) -> protocol.Help:
    """Return what is found once all has been read."""
    async with asyncio.timeout(WAIT):
        while (found := await one.search("python", (str(library),), text)).indexing is not None:
            await asyncio.sleep(0.05)
    return found


def readers() -> list[psutil.Process]:
    """Return the programs that read, of this test."""
    return [process for process in psutil.Process().children() if "read_help.py" in " ".join(command_of(process))]


async def test_two_sessions_of_a_home_read_at_once(tmp_path: Path, library: Path) -> None:
    both = [HelpIndex(tmp_path / "help.sqlite") for _ in range(2)]
    found = await asyncio.gather(*(searched(each, library, "cranes") for each in both))
    assert [(each.note, len(each.matches)) for each in found] == [(None, MODULES)] * 2


async def test_an_index_that_is_removed_or_damaged_is_read_again(tmp_path: Path, library: Path) -> None:
    file = tmp_path / "help.sqlite"
    one = HelpIndex(file)
    assert len((await searched(one, library, "cranes")).matches) == MODULES
    file.unlink()
    assert len((await searched(one, library, "cranes")).matches) == MODULES
    content = file.read_bytes()
    file.write_bytes(content[:4096] + b"\xa5" * (len(content) - 4096))
    found = await searched(one, library, "cranes")
    assert (found.note, len(found.matches)) == (None, MODULES)
    assert not readers()


async def test_where_nothing_can_be_written_the_search_says_so(tmp_path: Path, library: Path) -> None:
    cache = tmp_path / "cache"
    cache.write_text("no folder")
    one = HelpIndex(cache / "help.sqlite")
    with pytest.raises(Refusal, match="could be indexed"):
        await searched(one, library, "cranes")
    cache.unlink()
    assert len((await searched(one, library, "cranes")).matches) == MODULES


async def test_reading_that_has_failed_is_said_and_tried_again_later(
    tmp_path: Path, library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = HelpIndex(tmp_path / "help.sqlite")
    await one.search("python", (str(library),), "cranes")
    (reader,) = await until(readers, "the program reads")
    reader.kill()
    found = await searched(one, library, "cranes")
    assert "ended with -9" in (found.note or "")
    again = await one.search("python", (str(library),), "cranes")
    assert (again.indexing, again.note) == (None, found.note)
    monkeypatch.setattr(index, "_RETRY", 0.0)
    assert (await one.search("python", (str(library),), "cranes")).indexing is not None
    found = await searched(one, library, "cranes")
    assert (found.note, len(found.matches)) == (None, MODULES)


async def test_nothing_is_read_once_it_is_closed(tmp_path: Path, library: Path) -> None:
    one = HelpIndex(tmp_path / "help.sqlite")
    await one.search("python", (str(library),), "cranes")
    await until(readers, "the program reads")
    one.close()
    await until(lambda: not readers(), "nothing reads")
    found = await searched(one, library, "cranes")
    assert (found.note, len(found.matches) < MODULES) == (None, True)
