"""Files of a Git repository, read into a store of its own that is no working copy: nothing is checked out, and no hook runs.

Git gets no settings but ours, no credentials, no protocol but https and http, and no submodules. What it prints goes nowhere but
into `_problem`, which knows the kinds of failure.
"""

import os
import re
import resource
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from rspark_contract.handout import Handout, is_inside
from rspark_session import home_space
from rspark_session.handout.files import Contents, Entry, HandoutProblem, Kind, Limits, Source, leads_outside
from rspark_session.processes import prctl

#: The ref of what was read last.
_REF = "refs/rspark/handout"
_SETTINGS = (
    "core.hooksPath=/dev/null",
    "protocol.allow=never",
    "protocol.https.allow=always",
    "protocol.http.allow=always",
    "credential.helper=",
    "fetch.recurseSubmodules=false",
    "submodule.recurse=false",
    "fetch.fsckObjects=false",
    "gc.auto=0",
    "maintenance.auto=false",
    "http.lowSpeedLimit=1",
    "http.lowSpeedTime=60",
)
#: What of the session's environment Git needs: proxies and certificates of the site, and where programs are.
_PASSED_ON = (
    "PATH", "HOME", "TMPDIR", "http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "all_proxy",
    "ALL_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_SSL_CAINFO", "CURL_CA_BUNDLE",
)  # fmt: skip
_MODES = {"100644": Kind.FILE, "100664": Kind.FILE, "100755": Kind.PROGRAM, "120000": Kind.LINK}
_SUBMODULE = "160000"
_ENTRY = re.compile(rb"([0-7]{6}) ([a-z]+) ([0-9a-f]{40}) +(-|[0-9]+)\t(.+)", re.DOTALL)
_LONGEST_LINK = 4096  # bytes
_FULL = "Your home is full. Delete files that you don't need, then open the link again."
#: What Git prints in lower case when something fails, and the sentence for the person; the first that fits counts.
_FAILURES = (
    (("no space left", "disk quota"), _FULL),
    (
        ("file too large", "sigxfsz", "signal 25", "file size limit"),
        "The repository is larger than {size}, which is too much. Ask for a smaller one.",
    ),
    (("couldn't find remote ref", "invalid refspec"), "The repository has {missing}. Ask who sent you the link."),
    (
        ("could not resolve", "could not connect", "couldn't connect", "failed to connect", "timed out", "too slow"),
        "{host} can't be reached from your session. Check the address, or try again later.",
    ),
    (
        ("authentication", "could not read username", "terminal prompts", "error: 401", "error: 403"),
        "{host} gives this repository to nobody without a password. Ask for one that is public.",
    ),
    (("redirect", "error: 30"), "The address leads to another one, which is not allowed here. Ask for a link to that one."),
    (("ssl", "certificate"), "The certificate of {host} is not trusted here. Tell your administrator."),
)


class Repository(Source):
    """A repository, of which `store` holds what was read."""

    def __init__(self, handout: Handout, store: Path, *, limits: Limits, environ: Mapping[str, str]) -> None:
        self._handout = handout
        self._store = store
        self._limits = limits
        self._environ = {
            **{name: environ[name] for name in _PASSED_ON if name in environ},
            "LC_ALL": "C",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ASKPASS": "false",
            "GIT_ALLOW_PROTOCOL": "https:http",
            "GIT_LFS_SKIP_SMUDGE": "1",
        }
        self._deadline = time.monotonic() + limits.seconds
        self._reader: subprocess.Popen[bytes] | None = None

    def contents(self) -> Contents:
        """Fetch the branch, and return what is in it.

        Raises
        ------
        HandoutProblem
            When it can't be had, or is more than it may be.
        """
        self._fetch()
        tree = _REF if self._handout.folder is None else f"{_REF}:{self._handout.folder}"
        listing = self._git("ls-tree", "-r", "-z", "-l", "--full-tree", tree)
        if listing.returncode != 0:
            raise HandoutProblem(f"The repository has no folder {self._handout.folder}. Ask who sent you the link.")
        version = self._git("rev-parse", "--short=7", _REF).stdout.decode("ascii", "replace").strip()
        return self._checked(listing.stdout, version)

    @contextmanager
    def open(self) -> Iterator["Repository"]:
        """Let one process of Git read all that follows."""
        with subprocess.Popen(
            self._command("cat-file", "--batch"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=self._environ
        ) as reader:
            self._reader = reader
            try:
                yield self
            finally:
                self._reader = None
                reader.kill()

    def read(self, path: str, entry: Entry) -> bytes:
        """Return the content of a file, as it is in the repository: no filter changes it.

        Raises
        ------
        HandoutProblem
            When the repository lacks it.
        """
        reader = self._reader
        if reader is None or reader.stdin is None or reader.stdout is None:
            raise ValueError("files are read inside `open`")
        reader.stdin.write(entry.hash.encode() + b"\n")
        reader.stdin.flush()
        head = reader.stdout.readline().split()
        if len(head) != 3 or head[1] != b"blob" or int(head[2]) != entry.size:
            raise HandoutProblem(f"The repository is damaged: it lacks {path}. Tell who sent you the link.")
        content = reader.stdout.read(entry.size)
        reader.stdout.read(1)
        return content

    def _fetch(self) -> None:
        if not (self._store / "HEAD").exists():
            self._store.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            made = self._run(["git", "init", "--quiet", "--bare", "--template=", str(self._store)])
            if made.returncode != 0:
                raise self._problem(made.stderr)
        ref = f"refs/heads/{self._handout.branch}" if self._handout.branch else "HEAD"
        asked = ["--", self._handout.source, f"+{ref}:{_REF}"]
        options = ["--quiet", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head", "--force"]
        fetched = self._git("fetch", "--depth=1", *options, *asked, bounded=True)
        if fetched.returncode != 0 and b"shallow" in fetched.stderr:  # a server that only serves files
            fetched = self._git("fetch", *options, *asked, bounded=True)
        if fetched.returncode != 0:
            raise self._problem(fetched.stderr)

    def _checked(self, listing: bytes, version: str) -> Contents:
        entries: dict[str, Entry] = {}
        left_out: list[str] = []
        links: dict[str, Entry] = {}
        for line in filter(None, listing.split(b"\0")):
            found = _ENTRY.fullmatch(line)
            path = os.fsdecode(found[5]) if found else ""
            if found is None or not is_inside(path) or not path.isprintable():
                left_out.append(f"{path.encode('ascii', 'backslashreplace').decode()[:100]} is left out: its name is refused.")
                continue
            mode = found[1].decode()
            if mode == _SUBMODULE:
                left_out.append(f"{path} is left out: it is another repository.")
            elif kind := _MODES.get(mode):
                entry = Entry(kind=kind, hash=found[3].decode(), size=int(found[4]))
                (links if kind is Kind.LINK else entries)[path] = entry
        if len(entries) + len(links) > self._limits.files:
            raise HandoutProblem(
                f"The repository has more than {self._limits.files:,} files. Ask for a link to one folder of it."
            )
        if sum(entry.size for entry in entries.values()) > self._limits.bytes:
            raise HandoutProblem(f"The repository has more than {_size(self._limits.bytes)}. Ask for a link to one folder of it.")
        with self.open():
            for path, entry in links.items():
                short = entry.size <= _LONGEST_LINK
                if not short or leads_outside(path, os.fsdecode(self.read(path, entry))):
                    left_out.append(f"{path} is left out: it is a link that leads out of its folder.")
                else:
                    entries[path] = entry
        return Contents(version=version, entries=dict(sorted(entries.items())), left_out=left_out)

    def _git(self, *arguments: str, bounded: bool = False) -> subprocess.CompletedProcess[bytes]:
        return self._run(self._command(*arguments), bounded=bounded)

    def _command(self, *arguments: str) -> list[str]:
        redirects = f"http.followRedirects={'initial' if self._handout.redirects else 'false'}"
        settings = [word for setting in (*_SETTINGS, redirects) for word in ("-c", setting)]
        return ["git", *settings, f"--git-dir={self._store}", *arguments]

    def _run(self, command: Sequence[str], *, bounded: bool = False) -> subprocess.CompletedProcess[bytes]:
        """Run Git; with `bounded` no file that it writes may be longer than a handout.

        Raises
        ------
        HandoutProblem
            When there is no Git, or it takes too long.
        """
        most = self._limits.bytes
        ends_with_us = prctl.ends_with_this_process(signal.SIGKILL)

        def prepare() -> None:
            ends_with_us()
            if bounded:
                resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))

        try:
            git = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=self._environ,
                process_group=0,
                preexec_fn=prepare,  # noqa: PLW1509  this process has one thread
            )
        except FileNotFoundError:
            raise HandoutProblem("This session has no Git, so the files can't be brought. Tell your administrator.") from None
        with git:
            try:
                stdout, stderr = git.communicate(timeout=max(self._deadline - time.monotonic(), 0))
            except subprocess.TimeoutExpired:
                os.killpg(git.pid, signal.SIGKILL)  # with what it started
                minutes = f"{self._limits.seconds / 60:.0f} minutes"
                raise HandoutProblem(
                    f"The repository was not here after {minutes}. Try again when the network is faster."
                ) from None
        return subprocess.CompletedProcess(command, git.returncode, stdout, stderr)

    def _problem(self, stderr: bytes) -> HandoutProblem:
        """Return a sentence for how Git failed; what it printed itself may hold anything, and is shown to nobody."""
        text = stderr.decode("utf-8", "replace").lower()
        words = {
            "host": self._handout.source.partition("://")[2].partition("/")[0],
            "missing": f"no branch {self._handout.branch}" if self._handout.branch else "nothing in it yet",
            "size": _size(self._limits.bytes),
        }
        if home_space.is_full(self._store.parent):
            return HandoutProblem(_FULL)
        for signs, sentence in _FAILURES:
            if any(sign in text for sign in signs):
                return HandoutProblem(sentence.format(**words))
        return HandoutProblem("There is no Git repository at this address. Check the link, or ask who sent it.")


def _size(size: int) -> str:
    return f"{size / 2**30:.0f} GiB" if size >= 2**30 else f"{size / 2**20:.0f} MiB" if size >= 2**20 else f"{size} bytes"
