"""Replacing in files, and undoing it: real ripgrep, real files, and a server that is killed half-way."""

import asyncio
import hashlib
import json
import os
import signal
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import pytest
from session.tests.rc2.test_search import search
from session.tests.running import CHECKOUT, until

from rspark_session.rc2 import protocol
from rspark_session.rc2.search import editing
from rspark_session.rc2.search.replacing import Replacements
from rspark_session.rc2.search.ripgrep import SearchFailed

pytestmark = pytest.mark.asyncio


class Files:
    """A home, and what is replaced in it."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self.home.mkdir()
        self.replacements = Replacements(self.home, folder / "replaced")

    def write(self, name: str, content: str | bytes) -> Path:
        path = self.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def read(self, name: str) -> str:
        return (self.home / name).read_bytes().decode()

    async def targets(self, pattern: str, **fields: Any) -> tuple[protocol.ReplaceTarget, ...]:
        """All that was found and can be replaced, as a page asks for it."""
        versions = {file.path: file.version for file in (await search(self.home, pattern, **fields)).files}
        return tuple(protocol.ReplaceTarget(path=path, version=version) for path, version in versions.items() if version)

    async def preview(self, pattern: str, replacement: str, **fields: Any) -> dict[str, list[str] | str]:
        """What stands in the place of each match, or why nothing does."""
        targets = await self.targets(pattern, **fields)
        request = protocol.SearchEditsRequest(pattern=pattern, replacement=replacement, targets=targets, **fields)
        found = (await editing.preview(self.home, request)).files
        return {file.path: file.why or [edit.new for edit in file.edits] for file in found}

    async def replace(
        self,
        pattern: str,
        replacement: str,
        targets: tuple[protocol.ReplaceTarget, ...] | None = None,
        **fields: Any,
    ) -> "Told":
        targets = await self.targets(pattern, **fields) if targets is None else targets
        request = asked(pattern, replacement, targets, **fields)
        return Told([told async for told in self.replacements.replace(request)])

    async def undo(self, identity: str | None) -> "Told":
        return Told([told async for told in self.replacements.undo(identity or "")])


def asked(pattern: str, replacement: str, targets: tuple[protocol.ReplaceTarget, ...], **fields: Any) -> protocol.ReplaceRequest:
    return protocol.ReplaceRequest(id=str(uuid.uuid4()), pattern=pattern, replacement=replacement, targets=targets, **fields)


class Told:
    """What a replacement, or its undo, has told."""

    def __init__(self, told: list[protocol.Replaced]) -> None:
        self.last = told[-1]
        self.counts = (self.last.type, self.last.files, self.last.matches)
        self.passed = {one.path: one.why for line in told for one in line.passed}


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


async def test_words_are_replaced_as_they_are_and_groups_as_ripgrep_does(files: Files) -> None:
    files.write("a.R", "f(x, y)\ng(x)\n")
    assert await files.preview("f(x", "$1 & \\1") == {"a.R": ["$1 & \\1"]}
    assert await files.preview(r"(\w)\((\w)", r"${2}_$1($$", regex=True) == {"a.R": ["x_f($", "x_g($"]}
    told = await files.replace(r"(\w)\((?P<arg>\w)", "$arg($1", regex=True)
    assert (told.counts, told.passed) == (("done", 1, 2), {})
    assert files.read("a.R") == "x(f, y)\nx(g)\n"


@pytest.mark.parametrize(
    ("before", "pattern", "replacement", "after"),
    [
        ("a\r\nb a\r\n", "a$", "A", "A\r\nb A\r\n"),
        ("a b\r\nlast", "(.*)", "<$1>", "<a b>\r\n<last>"),
        ("a  \r\nb\t\r\n", r"\s+$", "", "a\r\nb\r\n"),
        ("a\nb", "^", "# ", "# a\n# b"),
        ("x\r\ny\nz", "[xyz]", "$0$0", "xx\r\nyy\nzz"),
        ("\ufeffa é 😀 a", "a", "é", "\ufeffé é 😀 é"),
        ("one\ttab", r"\t", " ", "one tab"),
        ("aaa", "a", "", ""),
    ],
)
async def test_line_ends_stay_as_they_are(files: Files, before: str, pattern: str, replacement: str, after: str) -> None:
    files.write("a.txt", before)
    told = await files.replace(pattern, replacement, regex=True)
    assert (told.last.type, told.last.files, told.passed) == ("done", 1, {})
    assert files.read("a.txt") == after
    await files.undo(told.last.id)
    assert files.read("a.txt") == before


async def test_one_match_one_file_or_all(files: Files) -> None:
    for name in ("a", "b"):
        files.write(name, "😀 x x\nx\n")
    a, b = await files.targets("x")
    one = a.model_copy(update={"at": (protocol.SearchPosition(line=1, column=5), protocol.SearchPosition(line=2, column=0))})
    told = await files.replace("x", "y", (one,))
    assert (told.counts, files.read("a"), files.read("b")) == (("done", 1, 2), "😀 x y\ny\n", "😀 x x\nx\n")
    wrong = b.model_copy(update={"at": (protocol.SearchPosition(line=1, column=4),)})
    told = await files.replace("x", "y", (wrong,))
    assert (told.counts, told.passed) == (("done", 0, 0), {"b": "It has changed since it was searched. Search again."})
    assert told.last.id is None
    told = await files.replace("x", "y", (b,))
    assert (told.counts, files.read("b")) == (("done", 1, 3), "😀 y y\ny\n")


async def test_only_what_is_still_what_was_searched_is_changed(files: Files, tmp_path: Path) -> None:
    changed, gone, linked, twice, rights = (files.write(name, "x\n") for name in ("changed", "gone", "linked", "twice", "rights"))
    same_size = files.write("same", "x y\n")
    before = same_size.stat()
    targets = await files.targets("x")
    changed.write_text("x and more\n")
    same_size.write_text("y x\n")
    os.utime(same_size, ns=(before.st_atime_ns, before.st_mtime_ns))
    gone.unlink()
    (tmp_path / "outside").write_text("x\n")
    linked.unlink()
    linked.symlink_to(tmp_path / "outside")
    os.link(twice, files.home / "other name")
    rights.chmod(0o751)
    outside = protocol.ReplaceTarget(path="../outside", version=hashlib.sha256(b"x\n").hexdigest())
    told = await files.replace("x", "z", (*targets, outside))
    assert told.passed == {
        "changed": "It has changed since it was searched. Search again.",
        "same": "It has changed since it was searched. Search again.",
        "gone": "It is not there any more.",
        "linked": "It can't be written: Too many levels of symbolic links.",
        "twice": "It has another name as well (a hard link), and is left as it is.",
        "../outside": "It is not in your home.",
    }
    assert (tmp_path / "outside").read_text() == "x\n"
    assert (told.counts, rights.read_text(), rights.stat().st_mode & 0o777) == (("done", 1, 1), "z\n", 0o751)
    assert not [path for path in files.home.rglob("*") if path.name.startswith(".rspark-")]


async def test_what_is_no_text_is_left_alone(files: Files) -> None:
    files.write("latin.txt", "Größe x\n".encode("latin-1"))
    files.write("large.txt", b"x" + b"\n" * 2**23)
    files.write("good.txt", "x\n")
    assert [target.path for target in await files.targets("x")] == ["good.txt"]
    content = (files.home / "latin.txt").read_bytes()
    forced = protocol.ReplaceTarget(path="latin.txt", version=hashlib.sha256(content).hexdigest())
    told = await files.replace("x", "y", (forced,))
    assert told.passed == {"latin.txt": "It is not UTF-8 text, and is left as it is."}
    assert (files.home / "latin.txt").read_bytes() == content


async def test_a_replacement_is_undone_where_nobody_has_changed_it_since(files: Files) -> None:
    texts = {f"{number}.R": f"x {number} x\r\né x" for number in range(120)}
    for name, text in texts.items():
        files.write(name, text)
    told = await files.replace("x", "longer $1")
    assert told.counts == ("done", 120, 360)
    files.write("7.R", "changed\n")
    (files.home / "8.R").unlink()
    undone = await files.undo(told.last.id)
    assert undone.counts == ("done", 118, 354)
    assert undone.passed == {
        "7.R": "It has been changed since, and is left as it is.",
        "8.R": "It is not there any more.",
    }
    assert {name: files.read(name) for name in texts if name not in ("7.R", "8.R")} == {
        name: text for name, text in texts.items() if name not in ("7.R", "8.R")
    }
    again = await files.undo(told.last.id)
    assert again.last.text == "There is nothing to undo: it changed nothing, is undone already, or 20 others came after it."
    assert (await files.undo("../../etc/passwd")).last.type == "failed"


async def test_what_an_undo_could_not_write_is_brought_back_another_time(files: Files) -> None:
    for name in ("a", "b", "c"):
        files.write(name, "x\n")
    told = await files.replace("x", "y")
    os.link(files.home / "b", files.home / "other name")
    files.write("c", "changed\n")
    undone = await files.undo(told.last.id)
    assert (undone.counts, set(undone.passed), undone.last.id) == (("done", 1, 1), {"b", "c"}, told.last.id)
    (files.home / "other name").unlink()
    undone = await files.undo(undone.last.id)
    assert (undone.counts, set(undone.passed), undone.last.id) == (("done", 1, 1), {"c"}, None)
    assert [files.read(name) for name in ("a", "b", "c")] == ["x\n", "x\n", "changed\n"]


async def test_who_stops_before_anything_is_told_can_undo_it(files: Files) -> None:
    for number in range(30):
        files.write(f"{number:02}", "x\n")
    request = asked("x", "y", await files.targets("x"))
    told: list[protocol.Replaced] = []

    async def wait_for_all() -> None:
        async for one in files.replacements.replace(request):
            told.append(one)

    waiting = asyncio.ensure_future(wait_for_all())
    # The files are written in the order in which they are asked for.
    await until(lambda: files.read("00") == "y\n", "the first file is written")
    waiting.cancel()
    await asyncio.wait([waiting])
    changed = sum(files.read(f"{number:02}") == "y\n" for number in range(30))
    undone = await files.undo(request.id)
    assert undone.counts == ("done", changed, changed)
    assert {files.read(f"{number:02}") for number in range(30)} == {"x\n"}


async def test_what_changes_nothing_takes_no_place_among_what_can_be_undone(files: Files, tmp_path: Path) -> None:
    files.write("a", "x\n")
    targets = await files.targets("x")
    first = await files.replace("x", "y", targets)
    files.write("b", "x\n")
    for _ in range(25):
        failed = await files.replace("(x", "z", await files.targets("x"), regex=True)
        assert (failed.last.type, failed.last.id) == ("failed", None)
        assert (await files.replace("x", "z", targets)).counts == ("done", 0, 0)
        stopped = files.replacements.replace(asked("x", "z", (*targets, *targets)))
        await anext(stopped)
        await stopped.aclose()  # type: ignore[attr-defined]  # a generator
    assert [path.stem for path in (tmp_path / "replaced").iterdir()] == [first.last.id]
    assert (await files.undo(first.last.id)).counts == ("done", 1, 1)
    assert files.read("a") == "x\n"


async def test_one_long_line_refuses_its_file_alone(files: Files) -> None:
    files.write("long", "x" * 400_000)
    files.write("short", "x\n")
    version = {name: hashlib.sha256((files.home / name).read_bytes()).hexdigest() for name in ("long", "short")}
    targets = tuple(protocol.ReplaceTarget(path=name, version=version[name]) for name in version)
    told = await files.replace("x", "y", targets)
    assert (told.counts, told.passed) == (("done", 1, 1), {"long": "A line would become too long."})
    assert files.read("short") == "y\n"


async def test_what_is_not_understood_changes_nothing(files: Files) -> None:
    files.write("a", "x\n")
    targets = await files.targets("x")
    told = await files.replace("(x", "y", targets, regex=True)
    assert (told.last.type, told.last.text) == ("failed", "This expression is not understood: unclosed group.")
    told = await files.replace("x", "two\nlines", targets)
    assert told.last.text == "What stands there instead is one line: leave line ends out."
    assert files.read("a") == "x\n"


async def test_what_an_editor_has_is_changed_there(files: Files) -> None:
    request = protocol.SearchEditsRequest(
        pattern="x",
        replacement="yy",
        texts=(protocol.SearchText(path="a.R", text="😀x\nx"), protocol.SearchText(path="b.R", text="nothing")),
    )
    first, second = (await editing.preview(files.home, request)).files
    assert [(edit.line, edit.column, edit.length, edit.new) for edit in first.edits] == [(1, 2, 1, "yy"), (2, 0, 1, "yy")]
    assert second.edits == ()
    with pytest.raises(SearchFailed, match="unclosed group"):
        await editing.preview(files.home, request.model_copy(update={"pattern": "(", "regex": True}))


async def test_who_stops_waiting_ends_it_between_two_files(files: Files) -> None:
    for number in range(500):
        files.write(f"{number:03}.txt", "x\n" * 100)
    targets = await files.targets("x", case=True)
    assert len(targets) == 100  # of 10,000 matches that are shown
    request = asked("x", "y", targets)
    replacing = files.replacements.replace(request)
    first = await anext(replacing)
    await replacing.aclose()  # type: ignore[attr-defined]  # a generator
    assert first.files == editing.AT_ONCE
    done = [number for number in range(500) if files.read(f"{number:03}.txt") == "y\n" * 100]
    assert len(done) == editing.AT_ONCE
    undone = await files.undo(first.id)
    assert undone.counts == ("done", editing.AT_ONCE, editing.AT_ONCE * 100)
    assert {files.read(f"{number:03}.txt") for number in range(500)} == {"x\n" * 100}


KILLED = """
import asyncio, sys
from pathlib import Path
from rspark_session.rc2 import protocol
from rspark_session.rc2.search.replacing import Replacements

async def main():
    request = protocol.ReplaceRequest.model_validate_json(sys.stdin.read())
    async for told in Replacements(Path(sys.argv[1]), Path(sys.argv[2])).replace(request):
        print(told.model_dump_json(), flush=True)

asyncio.run(main())
"""


async def test_a_server_that_is_killed_half_way_has_lost_nothing(files: Files, tmp_path: Path) -> None:
    before, after = "x\r\n" * 2000 + "x", "y\r\n" * 2000 + "y"
    names = [f"{number:04}.txt" for number in range(600)]
    for name in names:
        files.write(name, before)
    version = hashlib.sha256(before.encode()).hexdigest()
    targets = tuple(protocol.ReplaceTarget(path=name, version=version) for name in names)
    request = asked("x", "y", targets)
    server = subprocess.Popen(
        [sys.executable, "-c", KILLED, files.home, tmp_path / "replaced"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=CHECKOUT,
    )
    assert server.stdin is not None
    assert server.stdout is not None
    server.stdin.write(request.model_dump_json().encode())
    server.stdin.close()
    first = json.loads(await asyncio.to_thread(server.stdout.readline))
    # It writes the next files meanwhile.
    await until(lambda: files.read(names[editing.AT_ONCE + 3]) == after, "more files are written")
    server.send_signal(signal.SIGKILL)
    await asyncio.to_thread(server.wait)
    found = {files.read(name) for name in names}
    assert found <= {before, after}
    undone = await files.undo(first["id"])
    assert undone.passed == {}
    assert {files.read(name) for name in names} == {before}
