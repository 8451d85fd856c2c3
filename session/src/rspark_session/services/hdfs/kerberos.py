"""The Kerberos domain of HDFS: its servers and the steward have principals, and nobody else.

Who is a person is not its affair: the steward asks the NameNode for a delegation token in a person's name, and that is all that
a session ever has. So the domain is small: a database of some kilobytes, and a server of 6 MB that only HDFS itself asks.
"""

import os
import secrets
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

from rspark_session.files import write_whole
from rspark_session.processes import prctl
from rspark_session.services.hdfs import programs
from rspark_session.services.problem import ServiceProblem

REALM = "RSPARK"
#: Upper case: no person's id has such letters, so nobody can be called as one who may do everything.
SUPERUSER, STEWARD = "HDFS", "HUB"
_WEB = "HTTP"


@dataclass(frozen=True, kw_only=True)
class Domain:
    """A domain in the folder `folder`; the principals have the instance `host`, but that of HTTP, which has `localhost`.

    A client of Hadoop's binds to the address of its principal's host where the machine has it, so one that is elsewhere than the
    NameNode must not have `localhost`.
    Its server listens on `port` of the address `bind`, and who is elsewhere finds it at `server`.
    """

    folder: Path
    host: str
    port: int
    bind: str = "127.0.0.1"
    server: str = "127.0.0.1"

    @property
    def configuration(self) -> Path:
        """The file krb5.conf."""
        return self.folder / "krb5.conf"

    @property
    def environ(self) -> dict[str, str]:
        """What MIT's programs need to know."""
        return {"KRB5_CONFIG": str(self.configuration), "KRB5_KDC_PROFILE": str(self.folder / "kdc.conf")}

    def principal(self, name: str) -> str:
        """Return the full name of a principal."""
        return f"{name}/{self.host}@{REALM}"

    @property
    def web(self) -> str:
        """The principal of everything that answers over HTTP."""
        return f"{_WEB}/localhost@{REALM}"

    def keytab(self, name: str) -> Path:
        """Return the file with the keys of a principal."""
        return self.folder / f"{name}.keytab"

    @property
    def servers_keytab(self) -> Path:
        """The file with the keys of NameNode and DataNode."""
        return self.keytab(SUPERUSER)

    def prepare(self) -> None:
        """Write the configuration, and make database and keys where they aren't there in full.

        Raises
        ------
        ServiceProblem
            When a program is missing or fails.
        """
        self._write_configuration()
        write_whole(self.folder / "kdc.conf", _kdc(self.folder, self.bind, self.port))
        done = self.folder / "made"
        if done.exists() and done.read_text() == self.host:
            return
        for left in [*self.folder.glob("principal*"), *self.folder.glob("*.keytab"), self.folder / "stash"]:
            left.unlink(missing_ok=True)  # half a domain, of a start that was killed
        self._run("kdb5_util", "create", "-s", "-r", REALM, "-P", secrets.token_urlsafe(32))
        names = (self.principal(SUPERUSER), self.principal(STEWARD), self.web)
        commands = [f"addprinc -randkey +requires_preauth {name}" for name in names]
        commands += [f"ktadd -k {self.servers_keytab} {self.principal(SUPERUSER)} {self.web}"]
        commands += [f"ktadd -k {self.keytab(STEWARD)} {self.principal(STEWARD)}"]
        # -p: an account without a line in /etc/passwd has no name by which it could be found.
        self._run("kadmin.local", "-p", f"root/admin@{REALM}", "-r", REALM, text="".join(f"{line}\n" for line in commands))
        absent = [path.name for path in (self.servers_keytab, self.keytab(STEWARD)) if not path.exists()]
        if absent:
            raise ServiceProblem(f"The keys of HDFS could not be made: {', '.join(absent)} is missing. Its log above says why.")
        write_whole(done, self.host)

    def join(self, keytab: bytes) -> None:
        """Write what a server of HDFS needs that is elsewhere than the domain: the configuration, and the servers' keys."""
        self._write_configuration()
        write_whole(self.servers_keytab, keytab)

    def _write_configuration(self) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_whole(self.configuration, _krb5(self.server, self.port))

    def start(self) -> "subprocess.Popen[bytes]":
        """Start the server of the domain; it ends when this process does."""
        return subprocess.Popen(
            [programs.program("krb5kdc"), "-n", "-r", REALM],
            env={**os.environ, **self.environ},
            stdin=subprocess.DEVNULL,
            preexec_fn=prctl.ends_with_this_process(signal.SIGTERM),  # noqa: PLW1509  we have no threads yet
        )

    def _run(self, name: str, *arguments: str, text: str = "") -> None:
        done = subprocess.run(
            [programs.program(name), *arguments],
            env={**os.environ, **self.environ},
            input=text,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise ServiceProblem(f"{name} failed: {(done.stderr or done.stdout).strip()}")


def _krb5(server: str, port: int) -> str:
    return f"""[libdefaults]
 default_realm = {REALM}
 dns_lookup_realm = false
 dns_lookup_kdc = false
 dns_canonicalize_hostname = false
 qualify_shortname = ""
 rdns = false
 udp_preference_limit = 1
 permitted_enctypes = aes256-cts-hmac-sha1-96 aes128-cts-hmac-sha1-96
[realms]
 {REALM} = {{
  kdc = {server}:{port}
 }}
"""


def _kdc(folder: Path, bind: str, port: int) -> str:
    return f"""[kdcdefaults]
 kdc_listen = {bind}:{port}
 kdc_tcp_listen = {bind}:{port}
[realms]
 {REALM} = {{
  database_name = {folder}/principal
  key_stash_file = {folder}/stash
  acl_file = {folder}/kadm5.acl
  max_life = 1d
  supported_enctypes = aes256-cts-hmac-sha1-96:normal
 }}
[logging]
 kdc = FILE:/dev/null
 default = STDERR
"""
