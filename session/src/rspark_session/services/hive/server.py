"""The shared metastore: its process, who may use it, and its backup.

data/db             the metastore's database
data/accounts.json  whose databases are which, and which sessions may use them
data/ports.json     where it listened the last time
data/secret         the hub's
data/names          what the certificate says beyond `localhost`
"""

import io
import json
import queue
import secrets
import shutil
import tarfile
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from rspark_session.files import write_whole
from rspark_session.services.certificate import make
from rspark_session.services.hive.accounts import Accounts
from rspark_session.services.hive.metastore import Metastore
from rspark_session.services.hive.steward import BackupInvalid
from rspark_session.services.host import LOOPBACK
from rspark_session.services.ports import keep_ports
from rspark_session.services.problem import ServiceProblem

#: With an address of its own it has these, which the hub knows. On this machine's they have the same names.
OWN_PORTS = {"metastore": 9083, "steward": 9084}
#: In a backup: the database's files below it, and beside it whose databases are which.
_DATABASE, _NAMES = "db", "names.json"


class Server:
    """The folder `data` of one metastore, and what runs on it, on the address `host`.

    Clients find it on this machine, or at `names`: the names and addresses of its host.
    """

    def __init__(self, data: Path, *, host: str = LOOPBACK, names: Sequence[str] = ()) -> None:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.data = data
        self.host = host
        self._names = tuple(names)
        own = host != LOOPBACK
        self.ports = OWN_PORTS if own else keep_ports(data / "ports.json", tuple(OWN_PORTS), host=host, title="Hive")
        self.metastore = Metastore(data, host=host, port=self.ports["metastore"])
        self.certificate, self.key = data / "certificate.pem", data / "key.pem"
        self._accounts: Accounts | None = None
        self._lock = threading.Lock()  # of a backup or a restore, of which one is made at a time
        self._unpacked: queue.SimpleQueue[tuple[Path, dict[str, Any], Future[None]]] = queue.SimpleQueue()

    @property
    def secret(self) -> str:
        """What the hub shows."""
        return (self.data / "secret").read_text()

    def accounts(self) -> Accounts:
        """Return the accounts; raise `ServiceProblem` while the metastore is being restored."""
        if self._accounts is None:
            raise ServiceProblem("Hive is starting, or being restored from a backup. Try again in a moment.")
        return self._accounts

    def start(self) -> None:
        """Make what isn't there, and start the metastore.

        Raises
        ------
        ServiceProblem
            When it does not become ready.
        """
        if not (self.data / "secret").exists():
            write_whole(self.data / "secret", secrets.token_urlsafe(48))
        names = self.data / "names"
        if not self.certificate.exists() or (names.read_text().split() if names.exists() else []) != list(self._names):
            openssl = shutil.which("openssl")
            if openssl is None:
                raise ServiceProblem("There is no openssl on this machine. Install what Hive needs: make hive.")
            make(self.data / "new.pem", self.key, names=("localhost", *self._names), openssl=openssl, title="Hive")
            (self.data / "new.pem").replace(self.certificate)
            write_whole(names, " ".join(self._names))
        if not self.metastore.database.exists() and (self.data / "old-db").exists():  # killed in the middle of a restore
            (self.data / "old-db").rename(self.metastore.database)
        self._begin()

    def tend(self, seconds: float) -> None:
        """Wait so long; put a backup in place that was unpacked meanwhile.

        The metastore ends with the thread that started it, so it is the one that calls this that starts it again.

        Raises
        ------
        ServiceProblem
            When the metastore has ended by itself, or does not start again.
        """
        self.metastore.check_alive()
        with suppress(queue.Empty):
            made, names, done = self._unpacked.get(timeout=seconds)
            try:
                self._replace(made, names)
            except BaseException as problem:
                done.set_exception(problem)
                raise
            done.set_result(None)

    def back_up(self, to: IO[bytes]) -> None:
        """Write the metastore as a tar file, as of one moment.

        Raises
        ------
        ServiceProblem
            When it can't be read.
        """
        with self._lock:
            made = self.data / "backup"
            shutil.rmtree(made, ignore_errors=True)
            made.mkdir(mode=0o700)
            try:
                names = self.accounts().names()
                self.metastore.ask(do="backup", folder=str(made))
                with tarfile.open(fileobj=to, mode="w|") as archive:
                    archive.add(made / self.metastore.database.name, _DATABASE)
                    entry, content = tarfile.TarInfo(_NAMES), json.dumps(names).encode()
                    entry.size = len(content)
                    archive.addfile(entry, io.BytesIO(content))
            finally:
                shutil.rmtree(made, ignore_errors=True)

    def restore(self, source: IO[bytes]) -> None:
        """Make the metastore what a tar file has; who is let in is told anew.

        Raises
        ------
        BackupInvalid
            When the file is no backup; the metastore is as it was before.
        ServiceProblem
            When it does not start again.
        """
        with self._lock:
            made = self.data / "restored"
            shutil.rmtree(made, ignore_errors=True)
            made.mkdir(mode=0o700)
            try:
                with tarfile.open(fileobj=source, mode="r|") as archive:
                    archive.extractall(made, filter="data")
                names = json.loads((made / _NAMES).read_text())
                if not (made / _DATABASE / "service.properties").is_file():
                    raise BackupInvalid("The backup of Hive can't be read: it has no database.")
            except (tarfile.TarError, OSError, ValueError) as problem:
                shutil.rmtree(made, ignore_errors=True)
                if isinstance(problem, BackupInvalid):
                    raise
                raise BackupInvalid(f"The backup of Hive can't be read: {problem}") from problem
            done: Future[None] = Future()
            self._unpacked.put((made, names, done))
            done.result()

    def _replace(self, made: Path, names: dict[str, Any]) -> None:
        database, old = self.metastore.database, self.data / "old-db"
        accounts, self._accounts = self.accounts(), None
        self.metastore.end()
        shutil.rmtree(old, ignore_errors=True)
        database.rename(old)
        (made / _DATABASE).rename(database)
        accounts.restore_names(names)
        self._begin()
        shutil.rmtree(old, ignore_errors=True)
        shutil.rmtree(made, ignore_errors=True)

    def _begin(self) -> None:
        self.metastore.start()
        accounts = Accounts(self.metastore, self.data / "accounts.json")
        accounts.replay()
        self._accounts = accounts
