"""`python -m rspark_session.services.hdfs --data DIR --endpoint FILE` runs the shared file system until SIGTERM."""

import argparse
import json
import sys
import time
from contextlib import suppress
from pathlib import Path

from rspark_session.files import write_whole
from rspark_session.services.hdfs import steward
from rspark_session.services.hdfs.archive import Archive
from rspark_session.services.hdfs.cluster import Cluster, check_alive, make_folders, opened, running
from rspark_session.services.hdfs.credentials import Credentials
from rspark_session.services.hdfs.homes import Homes
from rspark_session.services.hdfs.kerberos import SUPERUSER
from rspark_session.services.hdfs.namenode import Away, Refused
from rspark_session.services.hdfs.network import Network, network
from rspark_session.services.run_server import run_server

_LOOK_SECONDS = 0.5


def serve(data: Path, endpoint: Path, where: Network) -> None:
    """Run the file system; `endpoint` is there for as long as it can be used.

    Raises
    ------
    ServiceProblem
        When it does not become ready, or one of its servers ends.
    """
    endpoint.unlink(missing_ok=True)
    cluster = opened(data, where)
    with running(cluster) as started:
        namenode = cluster.namenode
        secret = cluster.signature.read_text()
        work = steward.Work(
            namenode=namenode,
            homes=Homes(namenode=namenode, members=cluster.members, replication=where.replication),
            archive=Archive(namenode=namenode),
            credentials=Credentials(namenode, data / "credentials.json"),
            keys=cluster.keys,
            secret=secret,
        )
        server = steward.start(work, cluster.certificate, host=where.bind, port=cluster.ports["steward"])
        write_whole(endpoint, json.dumps(_endpoint(cluster, secret)))
        try:
            has_folders = not where.datanodes  # with DataNodes elsewhere nothing is made before they have come
            while True:
                check_alive(started)
                with suppress(Away, Refused):
                    if not has_folders:
                        make_folders(namenode)
                        has_folders = True
                time.sleep(_LOOK_SECONDS)
        finally:
            endpoint.unlink(missing_ok=True)
            server.shutdown()


def _endpoint(cluster: Cluster, secret: str) -> dict[str, object]:
    return {
        "host": cluster.address.host,
        "rpc": cluster.address.rpc,
        "https": cluster.address.https,
        "datanodes": list(cluster.datanodes),
        "steward": cluster.ports["steward"],
        "secret": secret,
        "certificate": cluster.certificate.pem.read_text(),
        "principal": cluster.domain.principal(SUPERUSER),
        "replication": cluster.network.replication,
    }


def main() -> int:
    """Return the exit code: 0 after an end that was asked for, 1 with a sentence on stderr after any other."""
    parser = argparse.ArgumentParser(prog="rspark_session.services.hdfs", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the folder that keeps the file system")
    parser.add_argument("--endpoint", type=Path, required=True, help="the file that says where it listens")
    parser.add_argument("--host", default="127.0.0.1", help="the address it listens on")
    parser.add_argument("--name", default="hdfs", help="the name of its host, where it has an address of its own")
    parser.add_argument("--datanodes", type=int, default=1, help="how many DataNodes there are, each at an address of its own")
    parser.add_argument("--replication", type=int, default=1, help="how many of them have each block")
    given = parser.parse_args()

    def work() -> None:
        where = network(given.host, name=given.name, datanodes=given.datanodes, replication=given.replication)
        serve(given.data.absolute(), given.endpoint.absolute(), where)

    return run_server(work)


if __name__ == "__main__":
    sys.exit(main())
