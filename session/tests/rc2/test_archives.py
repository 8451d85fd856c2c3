"""ZIP archives: files and folders of the home go out as one, and one that came in becomes a folder, whole or not at all."""

import io
import json
import os
import re
import resource
import struct
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from playwright.async_api import expect
from session.tests.browsing import Edge, browser
from session.tests.running import Json, Running

from rspark_session.rc2.archives.packing import pack
from rspark_session.rc2.archives.steps import in_threads
from rspark_session.rc2.archives.unpacking import unpack

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def folder(running: Running, request: pytest.FixtureRequest) -> Path:
    """A folder of the home, for one test."""
    folder = running.home / request.node.name.replace("[", "-").rstrip("]")
    folder.mkdir()
    return folder


def relative(running: Running, path: Path) -> str:
    return path.relative_to(running.home).as_posix()


async def downloaded(running: Running, *paths: str) -> zipfile.ZipFile:
    answer = await running.get("rc2/api/archive", params=[("path", path) for path in paths])
    assert answer.status_code == 200, answer.text
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    assert archive.testzip() is None
    return archive


async def unpacked(running: Running, archive: Path) -> Json:
    """Unpack an archive, and return the last that is told; all before is progress."""
    answer = await running.post("rc2/api/archive/unpack", json={"path": relative(running, archive)})
    *before, last = [json.loads(line) for line in answer.text.splitlines()]
    assert all(told["type"] == "progress" for told in before)
    return dict(last)


def zipped(path: Path, content: dict[str, bytes | str]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    return path


async def test_a_folder_goes_out_with_all_that_is_in_it_but_links(running: Running, folder: Path) -> None:
    (folder / "empty").mkdir()
    (folder / "Übung 1.R").write_text("x <- 1\n")
    (folder / "data").mkdir()
    (folder / "data/große.csv").write_bytes(os.urandom(3 * 2**20))
    (folder / "out").symlink_to("/etc")
    (folder / "passwd").symlink_to("/etc/passwd")
    os.mkfifo(folder / "pipe")
    plan = (await running.post("rc2/api/archive", json={"paths": [folder.name]})).json()
    assert plan == {"name": f"{folder.name}.zip", "files": 2, "bytes": 7 + 3 * 2**20, "left_out": 3}
    archive = await downloaded(running, folder.name)
    names = {f"{folder.name}/{name}" for name in ("", "empty/", "Übung 1.R", "data/", "data/große.csv")}
    assert set(archive.namelist()) == names
    assert archive.read(f"{folder.name}/data/große.csv") == (folder / "data/große.csv").read_bytes()
    info = archive.getinfo(f"{folder.name}/Übung 1.R")
    assert info.flag_bits & 0x800, "its name is told to be UTF-8"


async def test_several_go_out_as_one_also_when_they_have_one_name(running: Running, folder: Path) -> None:
    for name in ("a", "b"):
        (folder / name).mkdir()
        (folder / name / "x.R").write_text(name)
    one, other = f"{folder.name}/a/x.R", f"{folder.name}/b/x.R"
    archive = await downloaded(running, one, other)
    assert {name: archive.read(name) for name in archive.namelist()} == {"a/x.R": b"a", "b/x.R": b"b"}


@pytest.mark.parametrize(
    "chosen",
    [
        pytest.param(("x/a.txt", "y", "y/a.txt"), id="in-a-folder-that-is-chosen"),
        pytest.param(("y/a.txt", "x/a.txt", "x/y"), id="a-folder-as-another-is-called"),
        pytest.param(("x/a.txt", "x/a.txt", "./x//a.txt"), id="one-often"),
    ],
)
async def test_what_went_out_has_no_file_twice_and_comes_in(running: Running, tmp_path: Path, chosen: tuple[str, ...]) -> None:
    folder = running.home / f"chosen-{tmp_path.name}"
    for name in ("x/a.txt", "x/y/a.txt", "y/a.txt"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    paths = [f"{folder.name}/{path}" for path in chosen]
    plan = (await running.post("rc2/api/archive", json={"paths": paths})).json()
    archive = await downloaded(running, *paths)
    names = archive.namelist()
    assert len(names) == len(set(names))
    wanted = {file.relative_to(folder).as_posix() for path in chosen for file in (folder / path, *(folder / path).rglob("*"))}
    wanted = {name for name in wanted if (folder / name).is_file()}
    assert sorted(archive.read(name).decode() for name in names if not name.endswith("/")) == sorted(wanted)
    assert plan["files"] == len(wanted)
    (folder / "back.zip").write_bytes((await running.get("rc2/api/archive", params=[("path", path) for path in paths])).content)
    told = await unpacked(running, folder / "back.zip")
    assert (told["type"], told["files"], told["text"]) == ("done", len(wanted), "")


@pytest.mark.parametrize(("year", "told"), [(1960, 1980), (2150, 2107), (2400, 2107)])
async def test_a_date_that_no_archive_can_say_is_the_nearest_that_it_can(tmp_path: Path, year: int, told: int) -> None:
    path = tmp_path / "a.txt"
    path.write_text("1")
    seconds = round((year - 1970) * 365.2425 + 100) * 86400
    os.utime(path, (seconds, seconds))
    archive = zipfile.ZipFile(io.BytesIO(b"".join(pack(tmp_path, ["a.txt"]))))
    assert (archive.read("a.txt"), archive.getinfo("a.txt").date_time[0]) == (b"1", told)


async def test_a_download_that_lacks_what_was_chosen_is_seen_to_be_broken(running: Running, folder: Path) -> None:
    # More than what waits on the way from the session to here, in both of which it stops when nobody reads.
    (folder / "first.bin").write_bytes(os.urandom(2**26))
    (folder / "second.txt").write_text("1")
    paths = [("path", f"{folder.name}/{name}") for name in ("first.bin", "second.txt")]
    async with running.http.stream("GET", running.url("rc2/api/archive"), params=paths) as answer:
        assert answer.status_code == 200
        pieces = answer.aiter_raw()
        await anext(pieces)
        (folder / "second.txt").unlink()
        with pytest.raises(httpx.RemoteProtocolError):
            async for _ in pieces:
                pass


async def test_a_file_that_can_not_be_opened_now_is_not_left_out_silently(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("1")
    few, many = resource.getrlimit(resource.RLIMIT_NOFILE)
    work = pack(tmp_path, ["a.txt"])
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, many))
    try:
        with pytest.raises(OSError, match="Too many open files"):
            next(work)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (few, many))


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("../../etc/passwd", "is not in your home."),
        ("nothing", "nothing is not there any more."),
        ("", "is not in your home."),
        ("led-out/passwd", "is not in your home."),
        ("led-out", "There is no file in it that can be packed."),
    ],
)
async def test_what_is_not_in_the_home_does_not_go_out(running: Running, path: str, why: str) -> None:
    link = running.home / "led-out"
    if not link.is_symlink():
        link.symlink_to("/etc")
    for answer in (
        await running.post("rc2/api/archive", json={"paths": [path]}),
        await running.get("rc2/api/archive", params={"path": path}),
    ):
        assert answer.status_code == 404
        assert answer.json()["title"].endswith(why)


async def test_an_archive_becomes_a_folder_beside_it_and_never_another_twice(running: Running, folder: Path) -> None:
    content = {"a.R": "x", "data/ü.csv": "1,2\n", "empty/": ""}
    archive = zipped(folder / "course.zip", content)
    names = []
    for _ in range(3):
        told = await unpacked(running, archive)
        assert (told["type"], told["files"], told["text"]) == ("done", 2, "")
        names.append(told["folder"])
        made = running.home / told["folder"]
        assert {path.relative_to(made).as_posix() for path in made.rglob("*")} == {"a.R", "data", "data/ü.csv", "empty"}
        (made / "a.R").write_text("mine")
    assert names == [f"{folder.name}/{name}" for name in ("course", "course-2", "course-3")]
    assert (folder / "course/a.R").read_text() == "mine"
    assert sorted(path.name for path in folder.iterdir()) == ["course", "course-2", "course-3", "course.zip"]


async def test_what_went_out_comes_in_as_it_was(running: Running, folder: Path) -> None:
    (folder / "run.sh").write_text("#!/bin/sh\n")
    (folder / "run.sh").chmod(0o755)
    (folder / "in").mkdir()
    (folder / "in/größe.txt").write_text("1")
    answer = await running.get("rc2/api/archive", params={"path": folder.name})
    archive = running.home / f"{folder.name}.zip"
    archive.write_bytes(answer.content)
    told = await unpacked(running, archive)
    assert told["folder"] == f"{folder.name}-2", "not a folder in a folder of one name"
    made = running.home / told["folder"]
    assert (made / "in/größe.txt").read_text() == "1"
    assert (made / "run.sh").stat().st_mode & 0o100


def of_two(name: str) -> Callable[[Path], None]:
    return lambda path: void(zipped(path, {"good.R": "x", name: "bad"}))


def void(_: object) -> None:
    """Return nothing."""


def linked(path: Path) -> None:
    info = zipfile.ZipInfo("link")
    info.external_attr = 0o120777 << 16
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(info, "/etc/passwd")


def twice(path: Path) -> None:
    zipped(path, {"a": "1", "b": "2"})
    path.write_bytes(path.read_bytes().replace(b"b", b"a"))


def bomb(path: Path) -> None:
    """Many entries whose data are the same: little that grows to much."""
    zipped(path, {"a": b"\0" * 2**24})
    data = path.read_bytes()
    at = data.index(b"PK\x01\x02")
    end = data.index(b"PK\x05\x06")
    entry, count = data[at:end], 2000
    entries = b"".join(
        entry[:28] + struct.pack("<H", 5) + entry[30:46] + b"%05d" % number + entry[47:] for number in range(count)
    )
    tail = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, count, count, len(entries), at, 0)
    path.write_bytes(data[:at] + entries + tail)


def damaged(path: Path) -> None:
    zipped(path, {"good.R": "x", "late.bin": os.urandom(2**20)})
    data = bytearray(path.read_bytes())
    data[2**19] ^= 0xFF
    path.write_bytes(data)


def locked(path: Path) -> None:
    zipped(path, {"a": "1"})
    data = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark) + offset] |= 1
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("make", "why"),
    [
        pytest.param(of_two("../out.R"), "leads out of its folder", id="slip"),
        pytest.param(of_two("in/../../out.R"), "leads out of its folder", id="deep-slip"),
        pytest.param(of_two("..\\out.R"), "leads out of its folder", id="windows-slip"),
        pytest.param(of_two("/tmp/out.R"), "leads out of its folder", id="absolute"),
        pytest.param(of_two("C:\\out.R"), "leads out of its folder", id="drive"),
        pytest.param(of_two("good.R/in"), "lies in a file", id="in-a-file"),
        pytest.param(of_two("n" * 300), "a name in it is too long", id="long-name"),
        pytest.param(of_two("a/" * 2**14), "a name in it is too long", id="long-path"),
        pytest.param(of_two("a/" * 300 + "a"), "a file in it lies in more than 255 folders", id="deep"),
        pytest.param(linked, "is a link, or no file", id="link"),
        pytest.param(twice, "it has 'a' twice", id="twice"),
        pytest.param(bomb, "as harmful archives do", id="bomb"),
        pytest.param(damaged, "is no ZIP archive, or is damaged", id="damaged"),
        pytest.param(locked, "is locked with a password", id="locked"),
        pytest.param(lambda path: void(path.write_text("no archive")), "is no ZIP archive", id="no-archive"),
        pytest.param(lambda path: void(zipped(path, {})), "is empty", id="empty"),
    ],
)
async def test_an_archive_that_is_not_right_is_refused_in_a_sentence_and_leaves_nothing(
    running: Running, tmp_path: Path, make: Callable[[Path], None], why: str
) -> None:
    folder = running.home / f"refused-{tmp_path.name}"
    folder.mkdir()
    make(folder / "x.zip")
    told = await unpacked(running, folder / "x.zip")
    assert told["type"] == "failed"
    assert why in told["text"]
    assert told["text"].startswith("x.zip")
    assert told["text"].endswith(".")
    assert told["text"].count("\n") == 0
    assert [path.name for path in folder.iterdir()] == ["x.zip"]
    assert list(running.home.glob(".local/share/rspark/rc2/*/unpacking/*")) == []


async def test_who_goes_away_stops_it_and_nothing_is_left(tmp_path: Path) -> None:
    zipped(tmp_path / "large.zip", {"a.bin": os.urandom(2**20), "b.bin": os.urandom(2**20)})
    work = in_threads(unpack(tmp_path, "large.zip", aside=tmp_path / "aside"))
    async for told in work:
        assert (told.type, told.bytes, told.all_bytes) == ("progress", 0, 2**21)
        assert len(list((tmp_path / "aside").iterdir())) == 1
        break
    await cast("Any", work).aclose()
    assert list((tmp_path / "aside").iterdir()) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["aside", "large.zip"]


async def test_an_archive_on_another_file_system_than_the_home_is_unpacked_beside_it(tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory(dir="/dev/shm") as elsewhere:
        aside = Path(elsewhere) / "aside"
        if Path(elsewhere).stat().st_dev == tmp_path.stat().st_dev:
            pytest.skip("here is one file system only")
        zipped(tmp_path / "x.zip", {"a.txt": "1", "b.bin": os.urandom(2**20)})
        work = unpack(tmp_path, "x.zip", aside=aside)
        assert next(work).type == "progress"
        assert sorted(path.name[:11] for path in tmp_path.iterdir()) == [".unpacking-", "x.zip"]
        *_, last = work
        assert (last.type, last.folder, last.text) == ("done", "x", "")
        assert (tmp_path / "x/a.txt").read_text() == "1"
        assert sorted(path.name for path in tmp_path.iterdir()) == ["x", "x.zip"]
        work = unpack(tmp_path, "x.zip", aside=aside)
        next(work)
        work.close()
        assert sorted(path.name for path in tmp_path.iterdir()) == ["x", "x.zip"]
        assert list(aside.iterdir()) == []


async def test_an_archive_whose_folder_can_not_get_its_name_leaves_none(tmp_path: Path) -> None:
    zipped(tmp_path / "x.zip", {"a.txt": "1"})
    work = unpack(tmp_path, "x.zip", aside=tmp_path / "aside")
    next(work)
    # A link is no folder, and can't take a folder's place.
    (unfinished,) = (tmp_path / "aside").iterdir()
    unfinished.rename(tmp_path / "away")
    unfinished.symlink_to(tmp_path / "away")
    *_, last = work
    assert last.type == "failed"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["aside", "away", "x.zip"]


@pytest.mark.long
async def test_the_pane_downloads_and_unpacks(running: Running, folder: Path, tmp_path: Path) -> None:
    edge = Edge(tmp_path)
    edge.lead_to(running.status()["address"])
    await edge.start()
    (running.home / "one.R").write_text("1")
    (running.home / "two.R").write_text("2")
    zipped(running.home / "work.zip", {"a.R": "x"})
    try:
        async with browser(accept_downloads=True) as page:
            await page.set_viewport_size({"width": 1440, "height": 900})
            await page.goto(f"http://localhost:{edge.port}{running.asked['base_path']}rc2/")
            tree = page.get_by_role("tree", name="Files of your home")
            one, two = (tree.get_by_role("treeitem", name=name, exact=True) for name in ("one.R", "two.R"))
            await one.click(modifiers=["Control"])
            await two.click(modifiers=["Control"])
            await expect(tree.locator("[aria-selected=true]")).to_have_count(2)
            async with page.expect_download() as download:
                await page.get_by_role("button", name="Download as ZIP").click()
            archive = zipfile.ZipFile(await (await download.value).path())
            assert (archive.namelist(), (await download.value).suggested_filename) == (["one.R", "two.R"], "files.zip")
            await page.get_by_role("button", name="Select none").click()
            await expect(page.get_by_role("button", name="Download as ZIP")).to_have_count(0)

            item = tree.get_by_role("treeitem", name="work.zip", exact=True)
            await item.hover()
            await item.get_by_role("button", name="Actions of work.zip").click()
            await page.get_by_role("menuitem", name="Unpack").click()
            await expect(page.get_by_text("work.zip is unpacked: 1 file in work")).to_be_visible()
            await expect(tree.get_by_role("treeitem", name="work", exact=True)).to_be_visible()
            assert (running.home / "work/a.R").read_text() == "x"
            await page.get_by_role("button", name="Undo").click()
            await expect(tree.get_by_role("treeitem", name="work", exact=True)).to_have_count(0)
            assert not (running.home / "work").exists()
    finally:
        edge.stop()


@pytest.mark.long
async def test_the_keyboard_selects_and_what_is_folded_is_not_selected(running: Running, tmp_path: Path) -> None:
    edge = Edge(tmp_path)
    edge.lead_to(running.status()["address"])
    await edge.start()
    (running.home / "drawer").mkdir()
    for name in ("first", "second", "third"):
        (running.home / "drawer" / f"{name}.drawn").write_text(name)
    try:
        async with browser(accept_downloads=True) as page:
            await page.set_viewport_size({"width": 1440, "height": 900})
            await page.goto(f"http://localhost:{edge.port}{running.asked['base_path']}rc2/")
            tree = page.get_by_role("tree", name="Files of your home")
            selected = tree.locator("[aria-selected=true]")
            await tree.get_by_role("treeitem", name="drawer", exact=True).click()
            await expect(tree.get_by_role("treeitem", name="third.drawn")).to_be_visible()
            for key in ("ArrowDown", " ", "ArrowDown", "ArrowDown", " "):
                await page.keyboard.press(key)
            await expect(page.get_by_text("2 selected")).to_be_visible()
            await expect(selected).to_have_text(["first.drawn", "third.drawn"])
            async with page.expect_download() as download:
                await page.get_by_role("button", name="Download as ZIP").click()
            archive = zipfile.ZipFile(await (await download.value).path())
            assert archive.namelist() == ["first.drawn", "third.drawn"]
            await tree.focus()
            for key in ("Escape", "Shift+ArrowUp", "Shift+ArrowUp"):
                await page.keyboard.press(key)
            await expect(page.get_by_text("3 selected")).to_be_visible()
            # The next look at the folders, which unselects what is gone, comes to no end.
            await page.route(re.compile(r"/api/contents"), lambda _: None)
            for key in ("ArrowLeft", "ArrowLeft"):
                await page.keyboard.press(key)
            await expect(tree.get_by_role("treeitem", name="drawer", exact=True)).to_have_attribute("aria-expanded", "false")
            await expect(page.get_by_text("3 selected")).to_have_count(0)
            await expect(selected).to_have_text(["drawer"])
    finally:
        edge.stop()
