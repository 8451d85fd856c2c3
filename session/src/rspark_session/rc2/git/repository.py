"""What a person does with the repository of a folder: look, stage, commit, branch, undo, and settle conflicts."""

import asyncio
import os
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Literal

from rspark_session.files import write_whole
from rspark_session.rc2 import protocol
from rspark_session.rc2.git import command
from rspark_session.rc2.git.command import Answer, GitFailed
from rspark_session.rc2.git.sentences import sentence
from rspark_session.rc2.git.status import MOST_FILES, changes, parse

_MOST_TEXT = 2**21
_MOST_BRANCHES = 500
_LOOKED_AT = 8000  # bytes in which a binary file has a zero, as git itself looks
_COMMIT = "%H%x1f%P%x1f%an%x1f%ae%x1f%aI%x1f%D%x1f%s"
_CONFIGURED = r"^(user\.(name|email)|remote\..*\.url)$"
_UnderWay = Literal["merge", "rebase", "cherry-pick", "revert"]
_UNDER_WAY: tuple[tuple[str, _UnderWay], ...] = (
    ("rebase-merge", "rebase"),
    ("rebase-apply", "rebase"),
    ("MERGE_HEAD", "merge"),
    ("CHERRY_PICK_HEAD", "cherry-pick"),
    ("REVERT_HEAD", "revert"),
)
_SEARCHED_DEPTH, _SEARCHED_FOLDERS = 4, 5000


def repositories(home: Path) -> list[str]:
    """Return the folders of the home that have a repository, the home itself as `""`; hidden folders are not searched."""
    return sorted(_repositories(home))


def _repositories(home: Path) -> Iterator[str]:
    waiting, seen = [(home, 0)], 0
    while waiting and seen < _SEARCHED_FOLDERS:
        folder, depth = waiting.pop(0)
        seen += 1
        if (folder / ".git").exists():
            yield str(folder.relative_to(home)) if folder != home else ""
        if depth == _SEARCHED_DEPTH:
            continue
        try:
            with os.scandir(folder) as entries:
                inside = [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
        except OSError:
            continue
        waiting += [(folder / name, depth + 1) for name in inside if not name.startswith(".") and name != "node_modules"]


class Repository:
    """A repository in a folder of the home. What changes it runs one at a time.

    Every method raises `GitFailed` when git refuses, with a sentence.
    """

    def __init__(self, home: Path, path: str) -> None:
        self.path = path
        self.changing = asyncio.Lock()
        self.environ = command.environ(home)
        self._home = home

    @property
    def folder(self) -> Path:
        """The folder; raise `GitFailed` when it isn't one of the home."""
        folder = self._home / self.path
        if "\0" in self.path or not folder.resolve().is_relative_to(self._home.resolve()) or not folder.is_dir():
            raise GitFailed("There is no such folder in your home.")
        return folder

    async def git(self, *arguments: str, stdin: bytes = b"", seconds: float = command.QUICK) -> Answer:
        """Run git here, and return its answer; raise `GitFailed` when it refuses."""
        return await command.checked(self.folder, *arguments, environ=self.environ, stdin=stdin, seconds=seconds)

    async def ask(self, *arguments: str) -> Answer:
        """Run git here, and return its answer whatever it is."""
        return await command.run(self.folder, *arguments, environ=self.environ)

    async def status(self) -> protocol.GitStatus:
        """Return how it is."""
        if not (self.folder / ".git").exists():
            raise GitFailed("This folder has no Git repository.")
        arguments = ("status", "--porcelain=v2", "-z", "--branch", "--untracked-files=all", "--renames")
        out, configured, kind = await asyncio.gather(
            self.git(*arguments), self.ask("config", "-z", "--get-regexp", _CONFIGURED), self._under_way()
        )
        parsed, config = parse(out.out), dict(_settings(configured.text))
        return protocol.GitStatus(
            repository=self.path,
            head=parsed.head,
            branch=parsed.branch,
            upstream=parsed.upstream,
            ahead=parsed.ahead,
            behind=parsed.behind,
            files=tuple(parsed.files),
            more=parsed.more,
            under_way=kind,
            remotes=tuple(key.removeprefix("remote.").removesuffix(".url") for key in config if key.startswith("remote.")),
            name=config.get("user.name", ""),
            email=config.get("user.email", ""),
            undoable=parsed.head is not None and kind is None and await self._is_here_alone(parsed.head),
        )

    async def _under_way(self) -> _UnderWay | None:
        folder = self.folder / ".git"
        if not folder.is_dir():  # of a submodule or another worktree
            folder = Path((await self.git("rev-parse", "--absolute-git-dir")).text)
        return next((kind for name, kind in _UNDER_WAY if (folder / name).exists()), None)

    async def _is_here_alone(self, oid: str) -> bool:
        found = await self.ask("for-each-ref", "--count=1", f"--contains={oid}", "refs/remotes")
        return found.code == 0 and not found.out

    async def initialize(self) -> None:
        """Make a repository of the folder; its first branch is `main` where git is not configured otherwise."""
        configured = await command.run(self.folder, "config", "init.defaultBranch", environ=self.environ)
        await self.git("init", "--quiet", *([] if configured.out else ["--initial-branch=main"]))

    # The index

    async def stage(self, request: protocol.GitPathsRequest) -> None:
        """Stage files as they are on the disk."""
        await self._with_paths(request, "add", "--all")

    async def unstage(self, request: protocol.GitPathsRequest) -> None:
        """Take files out of the index again."""
        if await self._under_way():  # git would forget what of the files is of which side
            raise GitFailed("What a merge has staged is committed with it. Finish or abort the merge.")
        await self._with_paths(request, "reset", "--quiet")

    async def discard(self, request: protocol.GitPathsRequest) -> None:
        """Bring files back to what is staged of them, else to the last commit."""
        if request.all or not request.paths:
            raise GitFailed("Say which files shall go back to what they were.")
        await self._with_paths(request, "restore", "--worktree")

    async def _with_paths(self, request: protocol.GitPathsRequest, *arguments: str) -> None:
        if request.all:
            await self.git(*arguments, seconds=command.LONG)
            return
        names = "\0".join(map(_checked, request.paths)).encode()
        if not names:
            raise GitFailed("Choose at least one file.")
        await self.git(*arguments, "--pathspec-from-file=-", "--pathspec-file-nul", stdin=names, seconds=command.LONG)

    async def stage_text(self, request: protocol.GitStageText) -> None:
        """Stage a text as a file's; raise `GitFailed` when something else is staged of it meanwhile."""
        path = _checked(request.path)
        index = await self._index_of(path)
        if index != request.index:
            raise GitFailed("What is staged of this file has changed meanwhile. Look at it again.")
        mode = "100644"
        if index is not None:
            mode = (await self.git("ls-files", "--stage", "-z", "--", path)).text.split(" ", 1)[0]
        elif os.access(self.folder / path, os.X_OK):
            mode = "100755"
        # No filter: the text is made of what is in the index, where line ends are git's.
        oid = (await self.git("hash-object", "-w", "--stdin", "--no-filters", stdin=request.text.encode())).text
        await self.git("update-index", "--add", "-z", "--index-info", stdin=f"{mode} {oid} 0\t{path}\0".encode())

    async def _index_of(self, path: str) -> str | None:
        found = (await self.git("ls-files", "--stage", "-z", "--", path)).text.split("\0")[0]
        fields = found.split("\t", 1)[0].split(" ")
        return fields[1] if len(fields) == 3 and fields[2] == "0" else None

    # Texts

    async def texts(self, request: protocol.GitTextsRequest) -> protocol.GitTexts:
        """Return a file before and after."""
        path = _checked(request.path)
        original = _checked(request.original) if request.original else path
        match request.side:
            case "staged":
                before, after = await asyncio.gather(self._blob(f"HEAD:{original}"), self._blob(f":0:{path}"))
            case "unstaged":
                before, after = await self._blob(f":0:{path}"), self._file(path)
            case "commit":
                oid = request.oid or "HEAD"
                before, after = await asyncio.gather(self._blob(f"{oid}^1:{original}"), self._blob(f"{oid}:{path}"))
            case "conflict":
                before, after = await asyncio.gather(self._blob(f":3:{path}"), self._blob(f":2:{path}"))
        now = self._file(path) if request.side == "conflict" else None
        return protocol.GitTexts(before=before, after=after, now=now, index=await self._index_of(path))

    async def _blob(self, name: str) -> protocol.GitText:
        size = await self.ask("cat-file", "-s", name)
        if size.code:
            return protocol.GitText(reason="absent")
        if int(size.text) > _MOST_TEXT:
            return protocol.GitText(reason="large")
        return _text((await self.git("cat-file", "blob", name)).out)

    def _file(self, path: str) -> protocol.GitText:
        file = self.folder / path
        try:
            if file.is_symlink():
                return _text(os.fsencode(file.readlink()))
            if not file.is_file():
                return protocol.GitText(reason="absent")
            if file.stat().st_size > _MOST_TEXT:
                return protocol.GitText(reason="large")
            return _text(file.read_bytes())
        except OSError as problem:
            raise GitFailed(f"{path} can't be read: {problem.strerror}.") from problem

    # Commits

    async def commit(self, message: str) -> None:
        """Commit what is staged."""
        await self.git("commit", "--quiet", "--file=-", "--cleanup=whitespace", stdin=message.encode(), seconds=command.LONG)

    async def undo(self, head: str) -> str:
        """Undo the last commit, keep what it changed staged, and return its message."""
        if (await self.ask("rev-parse", "HEAD")).text != head:
            raise GitFailed("There is a newer commit meanwhile. Look at the history again.")
        if await self._under_way():
            raise GitFailed("A merge is not finished yet. Resolve its conflicts and commit, or abort it.")
        if not await self._is_here_alone(head):
            raise GitFailed("This commit is on the remote, where others may have it already. Make a new commit that corrects it.")
        parents = (await self.git("show", "--no-patch", "--format=%P", head, "--")).text.split()
        if len(parents) > 1:
            raise GitFailed("The last commit joins two branches. It can't be undone here.")
        message = (await self.git("show", "--no-patch", "--format=%B", head, "--")).text
        if parents:
            await self.git("reset", "--quiet", "--soft", parents[0], "--")
        else:
            await self.git("update-ref", "-d", "HEAD", head)
        return message.strip()

    async def set_identity(self, name: str, email: str) -> None:
        """Set the name and e-mail of all commits of this home."""
        for key, value in (("user.name", name.strip()), ("user.email", email.strip())):
            if not value or value.startswith("-"):
                raise GitFailed("Git needs a name and an e-mail address.")
            await self.git("config", "--global", "--replace-all", key, value)

    async def history(self, request: protocol.GitHistoryRequest) -> protocol.GitHistory:
        """Return commits, newest first."""
        head = request.head
        if head is None:
            found = await self.ask("rev-parse", "--verify", "--quiet", "HEAD")
            if found.code:
                return protocol.GitHistory(head=None, commits=(), more=False)
            head = found.text
        count = (f"--max-count={request.count + 1}", f"--skip={request.skip}")
        out = await self.git("log", "-z", f"--format={_COMMIT}", "--decorate=short", *count, head, "--")
        commits = [_commit(one) for one in out.text.split("\0") if one]
        return protocol.GitHistory(head=head, commits=tuple(commits[: request.count]), more=len(commits) > request.count)

    async def show(self, oid: str) -> protocol.GitShown:
        """Return what a commit did."""
        arguments = (
            "diff-tree",
            "-r",
            "-z",
            "--root",
            "--no-commit-id",
            "--name-status",
            "--find-renames",
            "-m",
            "--first-parent",
        )
        message, out = await asyncio.gather(
            self.git("show", "--no-patch", "--format=%B", oid, "--"), self.git(*arguments, oid, "--")
        )
        files = tuple(changes(out.out))
        return protocol.GitShown(
            message=message.text.strip()[:100_000], files=files[:MOST_FILES], more=max(0, len(files) - MOST_FILES)
        )

    # Branches

    async def branches(self) -> protocol.GitBranches:
        """Return the branches that are here, and those that only a remote has."""
        shape = "%00".join(
            ("%(refname)", "%(objectname)", "%(HEAD)", "%(upstream:short)", "%(committerdate:iso-strict)", "%(symref)")
        )
        listed = (
            "for-each-ref",
            "--sort=-committerdate",
            f"--format={shape}%00%(contents:subject)",
            "refs/heads",
            "refs/remotes",
        )
        found = [line.split("\0") for line in (await self.git(*listed)).text.split("\n") if line]
        here = {fields[0].removeprefix("refs/heads/") for fields in found if fields[0].startswith("refs/heads/")}
        branches = []
        for reference, oid, current, upstream, time, symbolic, subject in found:
            remote, name = None, reference.removeprefix("refs/heads/")
            if reference.startswith("refs/remotes/"):
                remote, _, name = reference.removeprefix("refs/remotes/").partition("/")
            if symbolic or (remote and name in here):
                continue
            branches.append(
                protocol.GitBranch(
                    name=name,
                    remote=remote,
                    current=current == "*",
                    upstream=upstream or None,
                    oid=oid,
                    subject=subject[:1000],
                    time=datetime.fromisoformat(time),
                )
            )
        return protocol.GitBranches(branches=tuple(branches[:_MOST_BRANCHES]), more=max(0, len(branches) - _MOST_BRANCHES))

    async def switch(self, request: protocol.GitBranchRequest) -> None:
        """Check out a branch, or a new one; raise `GitFailed` where that would lose work."""
        name = request.name
        if (await self.ask("check-ref-format", "--branch", name)).code or name.startswith("-"):
            raise GitFailed(f"A branch can't be called {name}. Use letters, digits, - and /.")
        if request.make:
            await self.git("switch", "--quiet", "--no-track", "--create", name)
            return
        await self._keep_commits()
        reference = f"{request.remote}/{name}" if request.remote else name
        track = ["--track"] if request.remote else ["--no-guess"]
        await self.git("switch", "--quiet", *track, reference, seconds=command.LONG)

    async def _keep_commits(self) -> None:
        """Raise `GitFailed` when commits were made that no branch has."""
        detached = (await self.ask("symbolic-ref", "--quiet", "HEAD")).code == 1
        if detached and not (await self.git("for-each-ref", "--count=1", "--contains=HEAD")).out:
            raise GitFailed("You have made commits that no branch has, and would lose them. Make a branch here first.")

    # Remotes, and what is under way

    async def set_remote(self, request: protocol.GitRemote) -> None:
        """Set the address of a remote."""
        address = request.address.strip()
        if address.startswith("-") or "::" in address:
            raise GitFailed("This is no address of a repository.")
        if re.search(r"://[^/]*:[^/]*@", address):
            raise GitFailed("Leave name and password out of the address: you are asked for them.")
        there = (await self.git("remote")).text.split()
        await self.git("remote", *(("set-url",) if request.name in there else ("add",)), request.name, address)

    async def resolve(self, request: protocol.GitResolve) -> None:
        """Settle a conflict."""
        path = _checked(request.path)
        stages = {line.split(" ")[2].split("\t")[0] for line in await self._stages(path)}
        if not stages & {"1", "2", "3"}:
            raise GitFailed("There is no conflict in this file any more.")
        if request.take == "text":
            if request.text is None:
                raise GitFailed("There is no text to settle the conflict with.")
            self._write(path, request.text)
        elif {"ours": "2", "theirs": "3"}[request.take] not in stages:
            await self.git("rm", "--quiet", "--force", "--", path)  # this side has removed it
            return
        else:
            await self.git("checkout", "--quiet", f"--{request.take}", "--", path)
        await self.git("add", "--", path)

    async def _stages(self, path: str) -> list[str]:
        return [line for line in (await self.git("ls-files", "--stage", "-z", "--", path)).text.split("\0") if line]

    def _write(self, path: str, text: str) -> None:
        file = self.folder / path
        if file.is_symlink() or not file.resolve().is_relative_to(self.folder.resolve()):
            raise GitFailed(f"{path} is a link. Settle it in a terminal.")
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            write_whole(file, text, mode=file.stat().st_mode & 0o777 if file.exists() else 0o644)
        except OSError as problem:
            raise GitFailed(f"{path} can't be written: {problem.strerror}.") from problem

    async def abort(self) -> None:
        """Abort what is under way, and go back to where it began."""
        kind = await self._under_way()
        if kind is None:
            raise GitFailed("Nothing is under way any more.")
        await self.git(kind, "--abort")

    async def go_on(self) -> None:
        """Go on with a rebase, cherry-pick or revert whose conflicts are settled."""
        kind = await self._under_way()
        if kind is None:
            raise GitFailed("Nothing is under way any more.")
        if kind == "merge":
            await self.git("commit", "--quiet", "--no-edit", seconds=command.LONG)
            return
        answer = await command.run(self.folder, kind, "--continue", environ=self.environ, seconds=command.LONG)
        if answer.code and "CONFLICT" not in answer.text + answer.err:  # the next commit's conflicts are shown
            raise GitFailed(sentence(answer.err or answer.text))


def _settings(listed: str) -> Iterator[tuple[str, str]]:
    """Yield what `git config -z` lists; the last of a name is git's own choice."""
    for line in listed.split("\0"):
        name, _, value = line.partition("\n")
        if name:
            yield name, value


def _checked(path: str) -> str:
    """Return a path below the repository; raise `GitFailed` for any other."""
    pure = PurePosixPath(path)
    if not path or "\0" in path or pure.is_absolute() or ".." in pure.parts:
        raise GitFailed(f"{path!r} is no file of this repository.")
    return path


def _text(content: bytes) -> protocol.GitText:
    if b"\0" in content[:_LOOKED_AT]:
        return protocol.GitText(reason="binary")
    try:
        return protocol.GitText(text=content.decode())
    except UnicodeDecodeError:
        return protocol.GitText(reason="binary")


def _commit(line: str) -> protocol.GitCommit:
    oid, parents, author, email, time, names, subject = line.split("\x1f", 6)
    return protocol.GitCommit(
        oid=oid,
        parents=tuple(parents.split()),
        author=author[:1000],
        email=email[:1000],
        time=datetime.fromisoformat(time),
        subject=subject[:1000],
        names=tuple(name.removeprefix("HEAD -> ") for name in names.split(", ") if name),
    )
