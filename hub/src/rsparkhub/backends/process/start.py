"""A start: what the shim and the agent are given, and what may keep them from starting, in one sentence."""

import errno
import json
import logging
import os
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rspark_contract.specs import Places
from rsparkhub.backends.process import cgroups, shim
from rsparkhub.backends.process.accounts import Account, Accounts, service_account
from rsparkhub.backends.process.loopback import Loopback
from rsparkhub.backends.process.ownership import give_tree
from rsparkhub.backends.process.run_folder import RunFolder
from rsparkhub.domain.ensemble import EnsembleSpec
from rsparkhub.domain.errors import CannotStart

log = logging.getLogger(__name__)

#: All that a session sees of the environment of the controller, which may hold passwords.
_HANDED_ON = re.compile(
    r"PATH|LANG|LC_[A-Z]+|TZ|TERM|JAVA_HOME|LD_LIBRARY_PATH|SSL_CERT_(FILE|DIR)|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE"
    r"|https?_proxy|no_proxy|HTTPS?_PROXY|NO_PROXY"
)
_SHIM_SECONDS = 30
#: What is left to do where a folder is closed to people's accounts, and can't be shown to their sessions.
MOVE = (
    "Put RSparkHub, its data folder and its Python where everybody may pass, such as /opt and /var/lib, then run `make up` there."
)


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """What a start goes by: the home, the account that it is for (None for that of this process), and its groups."""

    home: Path
    account: Account | None
    groups: list[str]


class Start:
    """Starts generations on this machine; with `accounts` each person's sessions run under the person's own."""

    def __init__(
        self,
        *,
        data: Path,
        notify_dir: Path,
        python: Path,
        r_libs: str,
        checkout: Path | None,
        accounts: Accounts | None,
        limits: cgroups.Tree | None,
        loopback: Loopback | None,
    ) -> None:
        self._data = data
        self._notify_dir = notify_dir
        self._python = python
        self._r_libs = r_libs
        self._accounts = accounts
        self._limits = limits
        self._loopback = loopback
        self._visible = needed(python, r_libs=r_libs, checkout=checkout)

    def prepare(self, folder: RunFolder, spec: EnsembleSpec) -> Prepared:
        """Write all that the agent reads.

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
            account = self._account(spec)
            home.mkdir(mode=0o700, parents=True, exist_ok=True)
            was_ours = folder.make(account)
            if account is not None:
                for passed in (self._data, home.parent, folder.session.parent):
                    _let_pass(passed)
                if was_ours or home.stat().st_uid != account.uid:
                    give_tree(home.resolve(), uid=account.uid, gid=account.gid)
            folder.write("ensemble.json", json.dumps(spec.document(places).to_json()), account=account)
            # A service has none: it is everybody's, and what is in a group is closed to others (`loopback`).
            groups = self._groups(folder, spec) if account is not None and not spec.is_service else []
        except OSError as error:
            raise _cannot(error.errno, str(error)) from error
        return Prepared(home=home, account=account, groups=groups)

    def _account(self, spec: EnsembleSpec) -> Account | None:
        """Return whom it runs as; None where that is who runs this process."""
        if self._accounts is None:
            return None
        if spec.unprivileged:
            return self._accounts.ensure(service_account(spec.id))
        return self._accounts.ensure(spec.user) if spec.user else None

    def _groups(self, folder: RunFolder, spec: EnsembleSpec) -> list[str]:
        """Make the groups that limit the session; none where the machine doesn't let us, which `doctor` says."""
        if self._limits is None:
            return []
        try:
            groups = self._limits.make(folder.ensemble, memory=int(spec.memory), cpu=spec.cpu)
        except OSError as error:
            log.warning("%s runs without limits: %s", folder.ensemble, error)
            return []
        try:
            folder.write("groups.json", json.dumps(groups))
        except OSError:
            cgroups.remove(groups)
            raise
        if self._loopback is not None:
            self._loopback.renew()
        return groups

    def run(self, folder: RunFolder, prepared: Prepared) -> None:
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
        agent = [str(self._python), "-I", "-m", "rspark_session.agent", str(folder.path / "ensemble.json")]
        watch = [
            sys.executable,
            "-I",
            "-S",
            shim.__file__,
            str(folder.path),
            folder.ensemble,
            f"{self._data}/",
            str(self._notify_dir),
            self._identity(folder, prepared),
        ]
        environ = self._environ(os.environ, prepared)
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
            if re.search(r"\] (unshare|mount): ", line):
                raise CannotStart(f"Sessions can't reach their programs on this machine. {MOVE}", detail=line) from error
            number = re.search(r"\[Errno (\d+)\]", line)
            raise _cannot(int(number[1]) if number else None, line) from error

    def _identity(self, folder: RunFolder, prepared: Prepared) -> str:
        """Return what the shim is told of the account: see there."""
        account = prepared.account
        if account is None:
            return ""
        visible = [*self._visible, folder.path, folder.keep, prepared.home, prepared.home.resolve(), self._notify_dir]
        return "\n".join([f"{account.uid}:{account.gid}", "groups", *prepared.groups, "visible", *map(str, visible)])

    def _environ(self, inherited: Mapping[str, str], prepared: Prepared) -> dict[str, str]:
        environ = {name: value for name, value in inherited.items() if _HANDED_ON.fullmatch(name)}
        environ |= {"HOME": str(prepared.home), "RSPARK_HOME": str(prepared.home)}
        if prepared.account is not None:
            environ |= {"USER": prepared.account.name, "LOGNAME": prepared.account.name}
        if self._r_libs:
            environ["RSPARK_R_LIBS"] = self._r_libs
        return environ


def _let_pass(folder: Path) -> None:
    """Let everybody pass a folder of ours, and not look into it."""
    mode = stat.S_IMODE(folder.stat().st_mode)
    if mode != 0o711:
        folder.chmod(0o711)


def needed(python: Path, *, r_libs: str, checkout: Path | None) -> list[Path]:
    """Return the folders and programs, beside its own, that a session must see: its Python, R and Java, and their packages."""
    programs = [python, *(Path(path) for name in ("R", "java") if (path := shutil.which(name)))]
    places = [place for program in programs for place in _places_of(program)]
    places += [Path(folder) for folder in r_libs.split(os.pathsep) if folder]
    places += [checkout] if checkout else []
    # A program that stands for the session's Python may be a script that calls ours.
    return list(dict.fromkeys([*places, Path(sys.base_prefix)]))


def _places_of(program: Path) -> list[Path]:
    """Return where a program and each link that leads to it are installed; a program that is in no `bin` stands for itself."""
    places = []
    for _ in range(40):  # as many links as the kernel follows
        places.append(program.parent.parent if program.parent.name == "bin" else program)
        try:
            program = program.parent / program.readlink()
        except OSError:  # it is no link
            break
    resolved = program.resolve()
    return [*places, resolved.parent.parent if resolved.parent.name == "bin" else resolved]


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
