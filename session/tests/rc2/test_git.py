"""Git in a session: real repositories in its home, and a real remote that asks for a name and a password."""

import asyncio
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from session.tests.rc2.git_remote import PASSWORD, USER, Remote, remote
from session.tests.running import Running, until

pytestmark = pytest.mark.asyncio(loop_scope="module")
Json = dict[str, Any]


def shell(folder: Path, *arguments: str) -> str:
    """Run git as a person does in a terminal."""
    who = ("-c", "user.name=Bob", "-c", "user.email=bob@example.org")
    return subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


class Asked:
    """The repository of a folder, asked as the page asks."""

    def __init__(self, running: Running, name: str) -> None:
        self.running, self.name, self.folder = running, name, running.home / name

    async def post(self, what: str, **fields: Any) -> Json:
        answer = await self.running.post(f"rc2/api/git/{what}", json={"repository": self.name, **fields})
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def refused(self, what: str, **fields: Any) -> str:
        answer = await self.running.post(f"rc2/api/git/{what}", json={"repository": self.name, **fields})
        assert answer.status_code in {404, 422}, answer.text
        return str(answer.json()["title"])

    async def transfer(self, action: str, **fields: Any) -> Json:
        """The last line of a transfer."""
        answer = await self.running.post("rc2/api/git/transfer", json={"repository": self.name, "action": action, **fields})
        return dict([json.loads(line) for line in answer.text.splitlines()][-1])

    async def files(self) -> dict[str, tuple[str | None, str | None]]:
        return {file["path"]: (file["staged"], file["unstaged"]) for file in (await self.post("status"))["files"]}

    def write(self, name: str, text: str) -> None:
        (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / name).write_text(text)

    async def commit(self, message: str, **files: str) -> Json:
        """Write files, and commit them all."""
        for name, text in files.items():
            self.write(name, text)
        await self.post("stage", all=True)
        return await self.post("commit", message=message)


@pytest_asyncio.fixture(loop_scope="module")
async def made(running: Running, request: pytest.FixtureRequest) -> Asked:
    """A new repository with one commit of `a` and `b`."""
    asked = Asked(running, request.node.name[:60])
    asked.folder.mkdir()
    await asked.post("init")
    await asked.post("identity", name="Ann Ó", email="ann@example.org")
    await asked.commit("First", a="one\ntwo\nthree\n", b="b\n")
    return asked


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Remote]:
    with remote(tmp_path_factory.mktemp("remote"), "course", "other", "cut") as served:
        yield served


async def test_who_is_not_known_is_asked_and_then_commits(running: Running) -> None:
    asked = Asked(running, "first")
    asked.folder.mkdir()
    status = await asked.post("init")
    assert (status["head"], status["branch"], status["name"]) == (None, "main", "")
    asked.write("a.R", "1\n")
    await asked.post("stage", paths=["a.R"])
    assert "name and e-mail" in await asked.refused("commit", message="x")
    assert "needs a name" in await asked.refused("identity", name="--global", email="x")
    await asked.post("identity", name="Ann Ó", email="ann@example.org")
    status = await asked.post("commit", message="First\n\n# 12 is kept")
    assert (status["name"], status["files"], status["undoable"]) == ("Ann Ó", [], True)
    assert shell(asked.folder, "log", "--format=%an|%ae|%B") == "Ann Ó|ann@example.org|First\n\n# 12 is kept"
    assert "Nothing is staged" in await asked.refused("commit", message="x")


async def test_files_are_staged_unstaged_and_discarded(made: Asked) -> None:
    awkward = "-x *[a]?\n\"ü'.R"
    made.write("a", "changed\n")
    made.write(awkward, "1\n")
    made.write("sub/c", "1\n")
    (made.folder / "b").unlink()
    assert await made.files() == {
        "a": (None, "modified"),
        "b": (None, "deleted"),
        awkward: (None, "untracked"),
        "sub/c": (None, "untracked"),
    }
    await made.post("stage", paths=[awkward, "b"])
    assert (await made.files())[awkward] == ("added", None)
    assert (await made.files())["b"] == ("deleted", None)
    assert (await made.files())["sub/c"] == (None, "untracked")
    await made.post("unstage", paths=[awkward])
    assert (await made.files())[awkward] == (None, "untracked")
    await made.post("unstage", all=True)
    await made.post("discard", paths=["a", "b"])
    assert await made.files() == {awkward: (None, "untracked"), "sub/c": (None, "untracked")}
    assert (made.folder / "a").read_text() == "one\ntwo\nthree\n"
    for path in ("../first/a.R", "/etc/passwd", "", "a\0b"):
        assert "no file of this repository" in await made.refused("stage", paths=[path])


async def test_a_rename_is_one_file(made: Asked) -> None:
    shell(made.folder, "mv", "a", "c")
    [file] = (await made.post("status"))["files"]
    assert (file["path"], file["original"], file["staged"]) == ("c", "a", "renamed")
    texts = await made.post("texts", path="c", original="a", side="staged")
    assert texts["before"]["text"] == texts["after"]["text"] == "one\ntwo\nthree\n"


async def test_a_file_is_staged_in_part(made: Asked) -> None:
    made.write("a", "ONE\ntwo\nTHREE\n")
    texts = await made.post("texts", path="a", side="unstaged")
    assert (texts["before"]["text"], texts["after"]["text"]) == ("one\ntwo\nthree\n", "ONE\ntwo\nTHREE\n")
    await made.post("stage-text", path="a", text="ONE\ntwo\nthree\n", index=texts["index"])
    assert await made.files() == {"a": ("modified", "modified")}
    assert "has changed meanwhile" in await made.refused("stage-text", path="a", text="x", index=texts["index"])
    await made.post("commit", message="One")
    assert shell(made.folder, "show", "HEAD:a") == "ONE\ntwo\nthree"
    assert (made.folder / "a").read_text() == "ONE\ntwo\nTHREE\n"


async def test_what_is_no_text_is_not_shown(made: Asked) -> None:
    (made.folder / "a").write_bytes(b"\0\1")
    made.write("b", "x" * 2**22)
    assert (await made.post("texts", path="a", side="unstaged"))["after"] == {"text": None, "reason": "binary"}
    assert (await made.post("texts", path="b", side="unstaged"))["after"]["reason"] == "large"
    assert (await made.post("texts", path="none", side="unstaged"))["after"]["reason"] == "absent"


async def test_a_switch_that_would_lose_work_is_refused(made: Asked) -> None:
    assert (await made.post("switch", name="try/it", make=True))["branch"] == "try/it"
    await made.commit("Second", a="two\n")
    made.write("a", "not committed\n")
    assert "overwrite what you changed in a." in await made.refused("switch", name="main")
    assert (made.folder / "a").read_text() == "not committed\n"
    await made.post("discard", paths=["a"])
    assert (await made.post("switch", name="main"))["branch"] == "main"
    assert "branch of this name" in await made.refused("switch", name="try/it", make=True)
    for name in ("-f", "a..b", "a b"):
        assert "can't be called" in await made.refused("switch", name=name, make=True)
    branches = (await made.post("branches"))["branches"]
    assert {one["name"]: one["current"] for one in branches} == {"main": True, "try/it": False}
    shell(made.folder, "switch", "-q", "--detach")
    await made.commit("Nobody's", a="three\n")
    assert "no branch has" in await made.refused("switch", name="main")


async def test_the_last_commit_is_undone_unless_a_remote_has_it(made: Asked, tmp_path: Path) -> None:
    status = await made.commit("Second\n\nMore.", a="two\n")
    undone = await made.post("undo", head=status["head"])
    assert undone["message"] == "Second\n\nMore."
    assert [file["staged"] for file in undone["status"]["files"]] == ["modified"]
    undone = await made.post("undo", head=undone["status"]["head"])  # the first one, too
    assert undone["status"]["head"] is None
    assert set(await made.files()) == {"a", "b"}
    head = (await made.post("commit", message="Anew"))["head"]
    shell(tmp_path, "init", "-q", "--bare", "there")
    await made.post("remote", address=str(tmp_path / "there"))
    assert (await made.transfer("push"))["type"] == "done"
    assert not (await made.post("status"))["undoable"]
    assert "on the remote" in await made.refused("undo", head=head)
    newer = (await made.commit("Newer", b="2\n"))["head"]
    assert "newer commit" in await made.refused("undo", head=head)
    await made.post("undo", head=newer)


async def test_history_comes_in_pages(made: Asked) -> None:
    for number in range(6):
        await made.commit(f"Number {number}", a=f"{number}\n")
    first = await made.post("history", count=4)
    assert [one["subject"] for one in first["commits"]] == [f"Number {number}" for number in (5, 4, 3, 2)]
    assert first["commits"][0]["names"] == ["main"]
    await made.commit("Later", a="later\n")  # moves no page
    rest = await made.post("history", head=first["head"], skip=4, count=4)
    assert ([one["subject"] for one in rest["commits"]], rest["more"]) == (["Number 1", "Number 0", "First"], False)
    shown = await made.post("show", oid=rest["commits"][-1]["oid"])
    assert {(file["path"], file["change"]) for file in shown["files"]} == {("a", "added"), ("b", "added")}
    texts = await made.post("texts", path="a", side="commit", oid=first["head"])
    assert (texts["before"]["text"], texts["after"]["text"]) == ("4\n", "5\n")
    assert "no such commit" in await made.refused("show", oid="0" * 40)


@pytest.mark.parametrize(
    ("take", "left"),
    [({"take": "ours"}, "mine\n"), ({"take": "theirs"}, "theirs\n"), ({"take": "text", "text": "both\n"}, "both\n")],
)
async def test_a_conflict_is_settled(running: Running, tmp_path: Path, take: Json, left: str) -> None:
    made = Asked(running, f"conflict-{take['take']}")
    made.folder.mkdir()
    await made.post("init")
    await made.post("identity", name="Ann", email="ann@example.org")
    await made.commit("First", a="one\n", b="b\n")
    shell(tmp_path, "clone", "-q", "--bare", str(made.folder), "there.git")
    await made.post("remote", address=str(tmp_path / "there.git"))
    assert (await made.transfer("push"))["text"] == "There was nothing to push."
    shell(tmp_path, "clone", "-q", "there.git", "theirs")
    (tmp_path / "theirs/a").write_text("theirs\n")
    shell(tmp_path / "theirs", "rm", "-q", "b")
    shell(tmp_path / "theirs", "commit", "-qam", "Theirs")
    shell(tmp_path / "theirs", "push", "-q")
    await made.commit("Mine", a="mine\n", b="changed\n")
    assert "Pull first" in (await made.transfer("push"))["text"]
    made.write("a", "not committed\n")
    assert "Commit or discard" in (await made.transfer("pull"))["text"]
    await made.post("discard", paths=["a"])
    assert "Resolve the conflicts" in (await made.transfer("pull"))["text"]
    status = await made.post("status")
    assert (status["under_way"], {file["path"] for file in status["files"] if file["conflict"]}) == ("merge", {"a", "b"})
    texts = await made.post("texts", path="a", side="conflict")
    assert (texts["before"]["text"], texts["after"]["text"]) == ("theirs\n", "mine\n")
    assert "<<<<<<<" in texts["now"]["text"]
    assert "conflicts left" in await made.refused("commit", message="x")
    assert "conflicts left" in await made.refused("continue")
    await made.post("resolve", path="a", **take)
    await made.post("resolve", path="b", take="theirs")  # which is to remove it
    status = await made.post("continue")
    assert (status["under_way"], status["files"]) == (None, [])
    assert (made.folder / "a").read_text() == left
    assert not (made.folder / "b").exists()
    assert (await made.transfer("push"))["text"] == "Pushed."


async def test_a_merge_is_aborted_whole(made: Asked) -> None:
    await made.post("switch", name="other", make=True)
    await made.commit("Other", a="other\n", c="c\n")
    await made.post("switch", name="main")
    await made.commit("Main", a="main\n")
    with pytest.raises(subprocess.CalledProcessError):
        shell(made.folder, "merge", "other")
    assert "Finish or abort" in await made.refused("unstage", all=True)
    status = await made.post("abort")
    assert status["under_way"] is None
    assert (made.folder / "a").read_text() == "main\n"


async def test_a_remote_asks_once_and_nothing_of_it_is_written_down(running: Running, made: Asked, served: Remote) -> None:
    for address in (f"http://ann:{PASSWORD[:8]}@127.0.0.1/x.git", "--upload-pack=touch x", "ext::sh -c touch% x"):
        assert await made.refused("remote", address=address)
    assert "no remote yet" in (await made.transfer("push"))["text"]
    await made.post("remote", address=served.address("course"))
    asked = await made.transfer("push")
    assert (asked["type"], asked["place"], asked["username"]) == ("credentials", served.place, None)
    wrong = await made.transfer("push", place=served.place, username=USER, password="wrong")
    assert (wrong["type"], wrong["text"]) == ("credentials", f"{served.place} does not take this name and password.")
    right = await made.transfer("push", place=served.place, username=USER, password=PASSWORD)
    assert right["text"] == "Pushed."
    status = await made.post("status")
    assert (status["upstream"], status["ahead"], status["remotes"]) == ("origin/main", 0, ["origin"])
    await made.commit("Second", a="2\n")
    assert (await made.post("status"))["ahead"] == 1
    assert (await made.transfer("push"))["text"] == "Pushed."  # asked no more
    assert (await made.transfer("fetch"))["text"] == "Fetched."
    written = b"".join(
        file.read_bytes() for place in (running.run, made.folder, running.keep) for file in place.rglob("*") if file.is_file()
    )
    assert PASSWORD.encode() not in written
    assert not any(PASSWORD[:8] in path for path in served.paths)


async def test_a_password_goes_to_the_place_that_it_is_for_alone(running: Running, made: Asked, served: Remote) -> None:
    """Another remote that asks is not answered with what another place was given."""
    await made.post("remote", address=served.address("other"))
    await made.transfer("push", place=served.place, username=USER, password=PASSWORD)
    with_name = served.address("other").replace("127.0.0.1", "ann@localhost")
    shell(made.folder, "remote", "set-url", "origin", with_name)
    asked = await made.transfer("fetch")
    assert (asked["type"], asked["place"], asked["username"]) == ("credentials", f"http://localhost:{served.port}", "ann")


async def test_a_push_that_is_given_up_ends_git(running: Running, made: Asked, served: Remote) -> None:
    hook = made.folder / ".git/hooks/pre-push"
    hook.write_text("#!/bin/sh\necho begun > begun\nexec sleep 1000\n")
    hook.chmod(0o755)
    await made.post("remote", address=served.address("cut"))
    request = {"repository": made.name, "action": "push", "place": served.place, "username": USER, "password": PASSWORD}
    pushing = asyncio.ensure_future(running.post("rc2/api/git/transfer", json=request))
    await until((made.folder / "begun").is_file, "the push has begun")
    pushing.cancel()
    hook.unlink()
    (made.folder / "begun").unlink()
    assert (await made.transfer("push"))["text"] == "Pushed."  # the lock is free


async def test_repositories_are_found_and_others_refused(running: Running, made: Asked) -> None:
    (running.home / "deep/er").mkdir(parents=True)
    await Asked(running, "deep/er").post("init")
    found = (await running.get("rc2/api/git/repositories")).json()["repositories"]
    assert {made.name, "deep/er"} <= set(found)
    assert "" not in found
    (running.home / "plain").mkdir(exist_ok=True)
    assert "no Git repository" in await Asked(running, "plain").refused("status")
    for path in ("../..", "nowhere", "a\0b"):
        assert "no such folder" in await Asked(running, path).refused("status")


async def test_a_repository_runs_no_program_when_it_is_looked_at(made: Asked) -> None:
    """One that was unpacked from an archive has a configuration of its own."""
    shell(made.folder, "config", "core.fsmonitor", "touch seen; false")
    shell(made.folder, "config", "diff.external", "touch seen; false")
    shell(made.folder, "config", "core.pager", "touch seen; cat")
    await made.post("status")
    await made.post("history")
    await made.post("show", oid=(await made.post("status"))["head"])
    assert not (made.folder / "seen").exists()
