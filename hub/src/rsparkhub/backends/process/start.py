"""A start: what the shim and the agent are given, and what may keep them from starting, in one sentence."""

import errno
import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from rspark_contract.ensemble import Places
from rsparkhub.backends.process import shim
from rsparkhub.backends.process.run_folder import RunFolder
from rsparkhub.domain.ensemble import EnsembleSpec
from rsparkhub.domain.errors import CannotStart

#: All that a session sees of the environment of the controller, which may hold passwords.
_HANDED_ON = re.compile(
    r"PATH|LANG|LC_[A-Z]+|TZ|TERM|JAVA_HOME|LD_LIBRARY_PATH|SSL_CERT_(FILE|DIR)|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE"
    r"|https?_proxy|no_proxy|HTTPS?_PROXY|NO_PROXY"
)
_SHIM_SECONDS = 30


class Start:
    """Starts generations on this machine."""

    def __init__(self, *, data: Path, notify_dir: Path, python: Path, r_libs: str) -> None:
        self._data = data
        self._notify_dir = notify_dir
        self._python = python
        self._r_libs = r_libs

    def prepare(self, folder: RunFolder, spec: EnsembleSpec) -> Path:
        """Write all that the agent reads; give the home.

        Raises
        ------
        CannotStart
            When the disk is full or a folder may not be written to.
        """
        home = self._data / "homes" / spec.user if spec.user else self._data / "services" / spec.id
        places = Places(
            run=folder.path, keep=folder.keep, home=home, data=self._data / "services" / spec.id, notify=self._notify_dir
        )
        try:
            folder.make()
            home.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.write("ensemble.json", json.dumps(spec.document(places).to_json()))
        except OSError as error:
            raise _cannot(error.errno, str(error)) from error
        return home

    def run(self, folder: RunFolder, home: Path) -> None:
        """Start the shim, which starts the agent; return when both run, or when they did before.

        Raises
        ------
        CannotStart
            When the session's Python is missing, or the shim could not do its work.
        """
        if not os.access(self._python, os.X_OK):
            raise CannotStart(
                "The Python for sessions is missing. Run `make up` again, or set RSPARKHUB_SESSION_PYTHON to where it is.",
                detail=f"{self._python} is not a program.",
            )
        agent = [str(self._python), "-m", "rspark_session.agent", str(folder.path / "ensemble.json")]
        watch = [
            sys.executable,
            "-I",
            "-S",
            shim.__file__,
            str(folder.path),
            folder.ensemble,
            f"{self._data}/",
            str(self._notify_dir),
        ]
        environ = self._environ(os.environ, home)
        try:
            subprocess.run(
                [*watch, *agent], env=environ, stdin=subprocess.DEVNULL, capture_output=True, check=True, timeout=_SHIM_SECONDS
            )
        except OSError as error:
            raise _cannot(error.errno, str(error)) from error
        except subprocess.TimeoutExpired as error:
            raise CannotStart("This machine is too busy to start a session. Try again later.", detail=str(error)) from error
        except subprocess.CalledProcessError as error:
            said = error.stderr.decode("utf-8", "replace").strip().splitlines()
            line = said[-1] if said else f"The shim ended with code {error.returncode}."
            number = re.search(r"\[Errno (\d+)\]", line)
            raise _cannot(int(number[1]) if number else None, line) from error

    def _environ(self, inherited: Mapping[str, str], home: Path) -> dict[str, str]:
        environ = {name: value for name, value in inherited.items() if _HANDED_ON.fullmatch(name)}
        environ |= {"HOME": str(home), "RSPARK_HOME": str(home)}
        if self._r_libs:
            environ["RSPARK_R_LIBS"] = self._r_libs
        return environ


def _cannot(number: int | None, detail: str) -> CannotStart:
    if number in (errno.ENOSPC, errno.EDQUOT):
        sentence = (
            "The disk of this machine is full. Your files are kept. Make room, or ask your administrator to; then start it again."
        )
    elif number in (errno.EACCES, errno.EPERM, errno.EROFS):
        sentence = (
            "RSparkHub may not write to its data folder. Ask your administrator to give it back the folder; then start it again."
        )
    elif number in (errno.ENOMEM, errno.EAGAIN, errno.EMFILE, errno.ENFILE):
        sentence = "This machine has no room for another process. End a session that you don't need; then start it again."
    else:
        sentence = "This machine could not start the session. Ask your administrator to look at its log."
    return CannotStart(sentence, detail=detail)
