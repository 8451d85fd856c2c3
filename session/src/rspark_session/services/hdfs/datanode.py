"""`python -m rspark_session.services.hdfs.datanode …` runs one DataNode at an address of its own until SIGTERM.

It gets its keys of the steward, whose secret is in the file that says where the NameNode is, and keeps its blocks in its own
folder. A NameNode that is away is waited for.
"""

import argparse
import base64
import http.client
import ssl
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from rspark_contract import reading
from rspark_contract.reading import Fields, Unreadable
from rspark_session.files import write_whole
from rspark_session.services.hdfs.certificate import Certificate
from rspark_session.services.hdfs.cluster import DATANODE, check_alive, end, start
from rspark_session.services.hdfs.configuration import Address, DataNodePorts, write_server_configuration
from rspark_session.services.hdfs.kerberos import Domain
from rspark_session.services.hdfs.network import OWN_PORTS
from rspark_session.services.host import find_host
from rspark_session.services.problem import ServiceProblem
from rspark_session.services.run_server import run_server

_READY = 230.0  # seconds
_LOOK_SECONDS = 0.5
_MOST_BYTES = 2**20
_WORD = reading.verbatim(2**16)


class StewardAway(Exception):
    """The steward doesn't answer, or not as expected."""


@dataclass(frozen=True, kw_only=True)
class NameNodeAddress:
    """Where the NameNode is, and its steward, whose `secret` this is; `instance` is in the principals of all servers."""

    host: str
    instance: str
    certificate: str
    secret: str
    replication: int

    @classmethod
    def read(cls, file: Path) -> "NameNodeAddress":
        """Read what the NameNode's own component says of itself; raise `ServiceProblem` when it can't be read."""
        try:
            fields = Fields(reading.decode(file.read_bytes(), most=_MOST_BYTES))
            return cls(
                host=fields.required("host", _WORD),
                instance=fields.required("principal", _WORD).partition("/")[2].partition("@")[0],
                certificate=fields.required("certificate", _WORD),
                secret=fields.required("secret", _WORD),
                replication=fields.required("replication", reading.integer(1, 512)),
            )
        except (OSError, Unreadable) as problem:
            raise ServiceProblem(f"{file} does not say where the NameNode is: {problem}.") from problem

    def ask(self, path: str) -> Fields:
        """Ask the steward; raise `StewardAway` when it doesn't answer."""
        context = ssl.create_default_context(cadata=self.certificate)
        connection = http.client.HTTPSConnection(self.host, OWN_PORTS["steward"], context=context, timeout=10)
        try:
            connection.request("GET", path, headers={"Authorization": f"Bearer {self.secret}"})
            answer = connection.getresponse()
            body = answer.read(_MOST_BYTES)
            if answer.status != http.client.OK:
                raise StewardAway(f"it answered {answer.status}")
            return Fields(reading.decode(body, most=_MOST_BYTES))
        except (OSError, http.client.HTTPException, Unreadable) as problem:
            raise StewardAway(str(problem) or type(problem).__name__) from problem
        finally:
            connection.close()


def serve(data: Path, ready: Path, namenode: NameNodeAddress, *, bind: str, name: str) -> None:
    """Run the DataNode; `ready` is there once the NameNode knows it, and for as long as it runs.

    Raises
    ------
    ServiceProblem
        When it does not become ready, or ends by itself.
    """
    ready.unlink(missing_ok=True)
    deadline = time.monotonic() + _READY
    _, full = find_host(name, title="HDFS")
    process = _started(data, namenode, bind=bind, hostname=full, deadline=deadline)
    try:
        _until_registered(process, namenode, full, deadline=deadline)
        write_whole(ready, "{}")
        while True:
            check_alive([process])
            time.sleep(_LOOK_SECONDS)
    finally:
        ready.unlink(missing_ok=True)
        end(process)


def _started(data: Path, namenode: NameNodeAddress, *, bind: str, hostname: str, deadline: float) -> "subprocess.Popen[bytes]":
    for folder in ("tmp", "bin"):
        (data / folder).mkdir(mode=0o700, parents=True, exist_ok=True)
    domain = Domain(folder=data / "kerberos", host=namenode.instance, port=OWN_PORTS["kdc"], server=namenode.host)
    certificate = Certificate(folder=data / "certificate", host="localhost")
    signature, configuration = data / "signature", data / "conf"
    keys = _keys(namenode, deadline=deadline)
    domain.join(keys["keytab"])
    write_whole(signature, keys["signature"])
    certificate.join({file.removeprefix("certificate/"): keys[file] for file in keys if file.startswith("certificate/")})
    write_server_configuration(
        configuration,
        address=Address(host=namenode.host, rpc=OWN_PORTS["rpc"], https=OWN_PORTS["https"]),
        datanode=DataNodePorts(data=OWN_PORTS["data"], ipc=OWN_PORTS["ipc"], https=OWN_PORTS["data_https"]),
        domain=domain,
        certificate=certificate,
        data=data,
        bind=bind,
        hostname=hostname,
        replication=namenode.replication,  # it writes what comes over WebHDFS
        signature=signature,
    )
    return start(DATANODE, data=data, configuration=configuration, domain=domain)


def _keys(namenode: NameNodeAddress, *, deadline: float) -> dict[str, bytes]:
    """Return the files that every server has, by their names."""
    while True:
        try:
            files = namenode.ask("/keys").required("files", reading.mapping(_WORD, most=16))
            return {name: base64.b64decode(content) for name, content in files.items()}
        except (StewardAway, Unreadable, ValueError) as problem:
            if time.monotonic() > deadline:
                raise ServiceProblem(f"The DataNode gets no keys of the NameNode: {problem}.") from problem
        time.sleep(_LOOK_SECONDS)


def _until_registered(process: "subprocess.Popen[bytes]", namenode: NameNodeAddress, hostname: str, *, deadline: float) -> None:
    why = "it does not know this one"
    while time.monotonic() < deadline:
        check_alive([process])
        try:
            if hostname in namenode.ask("/datanodes").required("live", reading.items(_WORD, most=10**4)):
                return
        except (StewardAway, Unreadable) as problem:
            why = str(problem)
        time.sleep(_LOOK_SECONDS)
    raise ServiceProblem(f"The DataNode was not ready after {_READY:.0f} s. Of the NameNode: {why}.")


def main() -> int:
    """Return the exit code: 0 after an end that was asked for, 1 with a sentence on stderr after any other."""
    parser = argparse.ArgumentParser(prog="rspark_session.services.hdfs.datanode", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the folder that keeps its blocks")
    parser.add_argument("--ready", type=Path, required=True, help="the file that is there when it can be used")
    parser.add_argument("--namenode", type=Path, required=True, help="the file that says where the NameNode is")
    parser.add_argument("--host", required=True, help="the address it listens on")
    parser.add_argument("--name", required=True, help="the name of its host")
    given = parser.parse_args()

    def work() -> None:
        namenode = NameNodeAddress.read(given.namenode)
        serve(given.data.absolute(), given.ready.absolute(), namenode, bind=given.host, name=given.name)

    return run_server(work)


if __name__ == "__main__":
    sys.exit(main())
