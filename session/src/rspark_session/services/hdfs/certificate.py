"""The certificate by which clients know NameNode, DataNodes and steward: made once, signed by itself."""

import os
import secrets
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rspark_session.files import write_whole
from rspark_session.services import certificate
from rspark_session.services.hdfs import programs
from rspark_session.services.problem import ServiceProblem


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """A certificate and its key in the folder `folder`: as PEM, and as Java reads them.

    It is of `host`, of this machine, and of `others`: more names and addresses.
    """

    folder: Path
    host: str
    others: tuple[str, ...] = ()

    @property
    def pem(self) -> Path:
        """The certificate, which is also the authority that clients trust."""
        return self.folder / "certificate.pem"

    @property
    def key(self) -> Path:
        """Its private key."""
        return self.folder / "key.pem"

    @property
    def keystore(self) -> Path:
        """Both, for Java's servers."""
        return self.folder / "keystore.p12"

    @property
    def truststore(self) -> Path:
        """The certificate alone, for Java's clients."""
        return self.folder / "truststore.p12"

    @property
    def password(self) -> str:
        """The password of both stores."""
        return (self.folder / "password").read_text().strip()

    def prepare(self) -> None:
        """Make what isn't there in full.

        Raises
        ------
        ServiceProblem
            When a program is missing or fails.
        """
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        done, known = self.folder / "made", " ".join((self.host, *self.others))
        if done.exists() and done.read_text() == known:
            return
        for left in (self.pem, self.key, self.keystore, self.truststore):
            left.unlink(missing_ok=True)
        password = self.folder / "password"
        write_whole(password, secrets.token_urlsafe(24))
        names = (self.host, *self.others)
        certificate.make(self.pem, self.key, names=names, openssl=programs.program("openssl"), title="HDFS")
        _run(
            "openssl", "pkcs12", "-export", "-in", str(self.pem), "-inkey", str(self.key), "-name", "hdfs",
            "-out", str(self.keystore), "-passout", f"file:{password}",
        )  # fmt: skip
        _run(
            programs.keytool(), "-importcert", "-noprompt", "-alias", "hdfs", "-file", str(self.pem),
            "-keystore", str(self.truststore), "-storetype", "PKCS12", "-storepass:file", str(password),
        )  # fmt: skip
        for path in (self.pem, self.key, self.keystore, self.truststore):
            path.chmod(0o600)
        write_whole(done, known)

    def contents(self) -> dict[str, bytes]:
        """Return the files, by their names, for servers elsewhere."""
        files = (self.pem, self.key, self.keystore, self.truststore, self.folder / "password")
        return {file.name: file.read_bytes() for file in files}

    def join(self, contents: Mapping[str, bytes]) -> None:
        """Write the files as `contents` returned them."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name, content in contents.items():
            write_whole(self.folder / name, content)


def _run(name: str, *arguments: str) -> None:
    command = [name if os.path.isabs(name) else programs.program(name), *arguments]  # noqa: PTH117
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ServiceProblem(f"The certificate of HDFS could not be made: {(done.stderr or done.stdout).strip()}")
