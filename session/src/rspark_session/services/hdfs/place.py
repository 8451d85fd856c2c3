"""Where a session's HDFS is, and the files by which its clients find it."""

import json
import ssl
from dataclasses import dataclass
from pathlib import Path

from rspark_contract import reading
from rspark_contract.reading import Fields
from rspark_session.files import write_whole
from rspark_session.services import hadoop
from rspark_session.services.hdfs import JVM_REALM
from rspark_session.services.hdfs.configuration import OWN_JAR, Address, write_client_configuration
from rspark_session.services.hdfs.tokens import token_file

_WORD = reading.verbatim(4096)
_PORT = reading.integer(1, 65535)

_PROGRAM = """#!/bin/sh
# {name} dfs …: files in HDFS. Java starts anew for each call; hdfs_put() and its like in R are faster.
command=${{1:-}}
[ $# -gt 0 ] && shift
case $command in
  dfs|fs) main=org.apache.hadoop.fs.FsShell ;;
  getconf) main=org.apache.hadoop.hdfs.tools.GetConf ;;
  version) main=org.apache.hadoop.util.VersionInfo ;;
  classpath) echo "{classpath}"; exit 0 ;;
  *)
    # What another service brings, such as `hadoop jar`.
    if command -v "{name}-$command" >/dev/null; then exec "{name}-$command" "$@"; fi
    echo "{name} knows dfs, getconf, version and classpath here, and not '$command'." >&2; exit 1 ;;
esac
exec {java} {options} -cp "{classpath}" "$main" "$@"
"""
_JVM = ("--add-opens=java.base/java.lang=ALL-UNNAMED", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", *JVM_REALM)


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where the file system is, and who the session's person is on it; nothing of it is secret."""

    address: Address
    datanodes: tuple[str, ...]
    steward: int
    principal: str
    certificate: str
    user: str
    replication: int = 1

    @classmethod
    def parse(cls, value: object) -> "Place":
        """Read it; raise `Unreadable` when it isn't as expected."""
        fields = Fields(value)
        return cls(
            address=Address(
                host=fields.required("host", _WORD),
                rpc=fields.required("rpc", _PORT),
                https=fields.required("https", _PORT),
            ),
            datanodes=fields.required("datanodes", reading.items(_WORD, most=1000)),
            steward=fields.required("steward", _PORT),
            principal=fields.required("principal", _WORD),
            certificate=fields.required("certificate", _WORD),
            user=fields.required("user", reading.name),
            replication=fields.get("replication", reading.integer(1, 512), 1),
        )

    @property
    def home(self) -> str:
        """The person's home."""
        return f"/user/{self.user}"

    def tls(self) -> ssl.SSLContext:
        """Return what trusts the file system's certificate, and no other."""
        return ssl.create_default_context(cadata=self.certificate)


def write(place: Place, folder: Path) -> None:
    """Write configuration, token file and programs into `folder`, where the token itself is in the file `token`.

    Raises
    ------
    TokenInvalid
        When the token is none.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    address = place.address
    write_client_configuration(
        folder / "conf", address=address, principal=place.principal, home=place.home, replication=place.replication
    )
    token = (folder / "token").read_text().strip()
    content = token_file(token, rpc=f"{address.host}:{address.rpc}", web=f"{address.host}:{address.https}")
    write_whole(folder / "token.hdts", content)
    write_whole(folder / "certificate.pem", place.certificate)
    access = {
        "url": f"https://{address.host}:{address.https}/webhdfs/v1",
        "token": str(folder / "token"),
        "certificate": str(folder / "certificate.pem"),
        "home": place.home,
    }
    write_whole(folder / "access.json", json.dumps(access))
    binaries = folder / "bin"
    binaries.mkdir(mode=0o700, exist_ok=True)
    for name in ("hdfs", "hadoop"):
        script = _PROGRAM.format(
            name=name, java='"${JAVA_HOME:+$JAVA_HOME/bin/}java"', options=" ".join(_JVM), classpath=class_path(folder / "conf")
        )
        write_whole(binaries / name, script, mode=0o700)


def class_path(configuration: Path) -> str:
    """Return the class path of Hadoop's client programs."""
    return f"{hadoop.class_path(configuration)}:{hadoop.HADOOP.parent}/jars/{OWN_JAR}"
