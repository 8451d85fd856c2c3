"""NameNode and DataNode: formatted once and never again, started on the ports they had, and ended in order.

On one machine they are one cluster; where servers have addresses of their own the DataNodes are elsewhere (`datanode`).

data/name, data/blocks   the file system itself, Hadoop's own
data/name.formatted      that it was formatted; with it, an empty `name` is a loss, and no reason to begin anew
data/ports.json          where all listened the last time
"""

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rspark_session.files import write_whole
from rspark_session.processes import prctl
from rspark_session.services.hdfs import programs
from rspark_session.services.hdfs.certificate import Certificate
from rspark_session.services.hdfs.configuration import Address, DataNodePorts, write_server_configuration
from rspark_session.services.hdfs.kerberos import SUPERUSER, Domain
from rspark_session.services.hdfs.namenode import Away, NameNode, Refused
from rspark_session.services.hdfs.network import ONE_MACHINE, OWN_PORTS, Network
from rspark_session.services.ports import keep_ports
from rspark_session.services.problem import ServiceProblem

_NAME = "org.apache.hadoop.hdfs.server.namenode.NameNode"
DATANODE = "org.apache.hadoop.hdfs.server.datanode.DataNode"
#: What stands for the machine's `id` where the NameNode asks who is in which groups: `id -gn NAME; id -Gn NAME`.
_ID = """#!/bin/sh
case $2 in *[!a-z0-9_.-]*|.*) groups= ;; *) groups=$(cat "{members}/$2" 2>/dev/null) ;; esac
[ -n "$groups" ] || groups=$2
case $1 in -gn) echo "${{groups%% *}}" ;; *) echo "$groups" ;; esac
"""
_READY = 230.0  # seconds
_LISTENING = 20.0  # seconds for which the DataNode's start waits for the NameNode: it would lose five
_LOOK = 0.1  # seconds between two looks at one that starts
_ENDING = 20.0
#: Folders that are everybody's: each with its mode. People may pass `/user` and `/group`, and not look who is there.
_FOLDERS = (("/", "755"), ("/user", "711"), ("/group", "711"), ("/tmp", "1777"))  # noqa: S108  of HDFS


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """The folder `data` of one file system, its ports by name, and where it is found."""

    data: Path
    ports: Mapping[str, int]
    network: Network = ONE_MACHINE

    @property
    def domain(self) -> Domain:
        """The Kerberos domain of its servers."""
        return Domain(folder=self.data / "kerberos", host=self.network.instance, port=self.ports["kdc"], bind=self.network.bind)

    @property
    def certificate(self) -> Certificate:
        """The certificate of its servers."""
        return Certificate(folder=self.data / "certificate", host="localhost", others=self.network.names)

    @property
    def address(self) -> Address:
        """Where clients find it."""
        return Address(host=self.network.host, rpc=self.ports["rpc"], https=self.ports["https"])

    @property
    def datanodes(self) -> tuple[str, ...]:
        """The addresses to which WebHDFS sends clients for what is in files."""
        return tuple(f"{name}:{self.ports['data_https']}" for name in self.network.datanodes or (self.network.host,))

    @property
    def namenode(self) -> NameNode:
        """Its NameNode, as the administrator sees it."""
        return NameNode(
            domain=self.domain,
            port=self.ports["https"],
            certificate=self.certificate.pem,
            tickets=self.data / "tickets",
        )

    @property
    def members(self) -> Path:
        """The folder in which the groups of people are."""
        return self.data / "members"

    @property
    def signature(self) -> Path:
        """The file with the hub's secret, by which what answers over HTTP knows its cookies, too."""
        return self.data / "signature"

    @property
    def configuration(self) -> Path:
        """The configuration of its servers."""
        return self.data / "conf"

    def keys(self) -> dict[str, bytes]:
        """Return the files that every server has, by their names: for DataNodes elsewhere."""
        certificate = {f"certificate/{name}": content for name, content in self.certificate.contents().items()}
        return {
            "keytab": self.domain.servers_keytab.read_bytes(),
            "signature": self.signature.read_bytes(),
            **certificate,
        }


def opened(data: Path, network: Network) -> Cluster:
    """Make all that servers need to be there, but for the file system itself; return the cluster.

    Raises
    ------
    ServiceProblem
        When something is missing on this machine.
    """
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    for folder in ("tmp", "tickets"):
        shutil.rmtree(data / folder, ignore_errors=True)
        (data / folder).mkdir(mode=0o700)
    ports = (
        keep_ports(data / "ports.json", tuple(OWN_PORTS), host=ONE_MACHINE.host, title="HDFS")
        if network.is_one_machine
        else OWN_PORTS
    )
    cluster = Cluster(data=data, ports=ports, network=network)
    cluster.members.mkdir(mode=0o700, exist_ok=True)
    (data / "bin").mkdir(mode=0o700, exist_ok=True)
    write_whole(data / "bin/id", _ID.format(members=cluster.members), mode=0o700)
    cluster.domain.prepare()
    cluster.certificate.prepare()
    if not cluster.signature.exists():
        write_whole(cluster.signature, secrets.token_urlsafe(48))
    write_server_configuration(
        cluster.configuration,
        address=cluster.address,
        datanode=DataNodePorts(data=ports["data"], ipc=ports["ipc"], https=ports["data_https"]),
        domain=cluster.domain,
        certificate=cluster.certificate,
        data=data,
        bind=network.bind,
        hostname=network.host,
        replication=network.replication,
        signature=cluster.signature,
    )
    return cluster


@contextmanager
def running(cluster: Cluster) -> Iterator["list[subprocess.Popen[bytes]]"]:
    """Run the servers for as long as the block lasts; with a DataNode among them they are ready and out of safe mode.

    Raises
    ------
    ServiceProblem
        When they don't become ready.
    """
    started: list[subprocess.Popen[bytes]] = []
    try:
        started.append(cluster.domain.start())
        _format(cluster)
        started.append(_start(cluster, _NAME))
        _until_listening(cluster, started)
        if not cluster.network.datanodes:
            # Not before: a DataNode that asks a NameNode which listens and has not started yet asks again after five seconds.
            started.append(_start(cluster, DATANODE))
        _until_ready(cluster, started)
        yield started
    finally:
        for process in reversed(started):
            end(process)


def _format(cluster: Cluster) -> None:
    """Make the file system, once in the life of its folder."""
    name, mark = cluster.data / "name", cluster.data / "name.formatted"
    if mark.exists():
        if not (name / "current/VERSION").exists():
            raise ServiceProblem(
                f"The NameNode's data are gone from {name}, and they are not made anew: all files would be lost. "
                "Bring the folder back from a backup."
            )
        return
    if (cluster.data / "blocks/current").exists() and (name / "current/VERSION").exists():
        write_whole(mark, "")  # it was made, and we were killed before we wrote so
        return
    shutil.rmtree(name, ignore_errors=True)
    done = subprocess.run(
        _command(_NAME, "-format", "-nonInteractive", configuration=cluster.configuration, domain=cluster.domain),
        env=_environ(cluster.data, cluster.configuration),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode or not (name / "current/VERSION").exists():
        raise ServiceProblem(f"The file system could not be made: {_last_lines(done.stderr)}")
    write_whole(mark, "")


def _start(cluster: Cluster, main: str) -> "subprocess.Popen[bytes]":
    return start(main, data=cluster.data, configuration=cluster.configuration, domain=cluster.domain)


def start(main: str, *, data: Path, configuration: Path, domain: Domain) -> "subprocess.Popen[bytes]":
    """Start one of the servers, whose folder is `data`; it ends when this process does."""
    return subprocess.Popen(
        _command(main, configuration=configuration, domain=domain),
        env=_environ(data, configuration),
        cwd=data,
        stdin=subprocess.DEVNULL,
        preexec_fn=prctl.ends_with_this_process(signal.SIGTERM),  # noqa: PLW1509  we have no threads yet
    )


def _command(main: str, *arguments: str, configuration: Path, domain: Domain) -> list[str]:
    return programs.server_command(main, *arguments, configuration=configuration, krb5=domain.configuration)


def _environ(data: Path, configuration: Path) -> dict[str, str]:
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("HADOOP_", "HDFS_", "JDK_JAVA_", "JAVA_TOOL"))
    }
    path = f"{data}/bin:{kept.get('PATH', os.defpath)}"
    return {**kept, "HADOOP_CONF_DIR": str(configuration), "HADOOP_HOME": str(data), "PATH": path}


def make_folders(namenode: NameNode) -> None:
    """Make the folders that are everybody's, or mend what is there.

    Raises
    ------
    Refused, Away
        When the NameNode does not do it: in safe mode, most of all, until the DataNodes have said what they have.
    """
    there = _folders(namenode)
    for path, mode in _FOLDERS:
        if there.get(path) != mode:
            namenode.ask("PUT", path, "MKDIRS", principal=SUPERUSER, permission=mode)
            namenode.ask("PUT", path, "SETPERMISSION", principal=SUPERUSER, permission=mode)


def _folders(namenode: NameNode) -> dict[str, str]:
    """Return the mode of the first folder and of each in it, by its path."""
    top = namenode.ask("GET", "/", "GETFILESTATUS", principal=SUPERUSER)["FileStatus"]
    below = namenode.ask("GET", "/", "LISTSTATUS", principal=SUPERUSER)["FileStatuses"]["FileStatus"]
    modes = {f"/{one['pathSuffix']}": one["permission"] for one in below if one["type"] == "DIRECTORY"}
    return {"/": top["permission"], **modes}


def _until_listening(cluster: Cluster, started: "list[subprocess.Popen[bytes]]") -> None:
    """Wait until the NameNode has read what it has; where it has much, no longer than the DataNode can gain by it."""
    enough = time.monotonic() + _LISTENING
    while not _listens(cluster.ports["rpc"]) and time.monotonic() < enough:
        check_alive(started)
        time.sleep(_LOOK)


def _until_ready(cluster: Cluster, started: "list[subprocess.Popen[bytes]]") -> None:
    """Wait until files can be written; where the DataNodes are elsewhere, until the NameNode answers, for which they wait."""
    deadline = time.monotonic() + _READY
    namenode, why = cluster.namenode, "it has no DataNode"
    with suppress(Away, Refused):  # the first answer of this kind takes a second: the one in which the DataNode starts
        _folders(namenode)
    while time.monotonic() < deadline:
        check_alive(started)
        if cluster.network.datanodes or _listens(cluster.ports["ipc"]):  # a question costs more than a look
            try:
                hindrance = _hindrance(namenode)
                if not hindrance:
                    make_folders(namenode)
                if not hindrance or cluster.network.datanodes:
                    return
                why = hindrance
            except (Away, Refused) as problem:
                why = str(problem).splitlines()[0]
            time.sleep(_LOOK)
        time.sleep(_LOOK)
    raise _not_ready(why)


def _not_ready(why: str) -> ServiceProblem:
    return ServiceProblem(f"HDFS was not ready after {_READY:.0f} s: {why}. Its log above says what it does.")


def check_alive(started: "list[subprocess.Popen[bytes]]") -> None:
    """Raise `ServiceProblem` when one of the servers has ended."""
    for process in started:
        if process.poll() is not None:
            words = [str(word) for word in process.args] if isinstance(process.args, list) else []
            what = "The DataNode" if DATANODE in words else "The NameNode" if _NAME in words else "The Kerberos server"
            raise ServiceProblem(f"{what} of HDFS ended by itself with code {process.returncode}. Its log says why.")


def _hindrance(namenode: NameNode) -> str:
    """Return why nothing can be written: there is no DataNode, or safe mode waits for blocks. Empty where it can."""
    state = _bean(namenode, "FSNamesystemState")
    if int(state.get("NumLiveDataNodes", 0)) == 0:
        return "it has no DataNode"
    if state.get("FSState") == "Operational":
        return ""
    said = str(_bean(namenode, "NameNodeInfo").get("Safemode", ""))
    return ". ".join(said.split(". ")[:2]).rstrip(".") or "it is in safe mode"


def _bean(namenode: NameNode, name: str) -> dict[str, Any]:
    beans = json.loads(namenode.page(f"/jmx?qry=Hadoop:service=NameNode,name={name}", principal=SUPERUSER)).get("beans", [])
    return beans[0] if beans else {}


def end(process: "subprocess.Popen[bytes]") -> None:
    """End one of the servers, by force when it takes too long."""
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(_ENDING)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection((ONE_MACHINE.host, port), timeout=1):
        return True
    return False


def _last_lines(text: str, most: int = 3) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return " ".join(lines[-most:])
