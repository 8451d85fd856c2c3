"""`python -m rspark_session.services.hdfs --data DIR --endpoint FILE` runs the shared file system until SIGTERM."""

import argparse
import json
import sys
import time
from pathlib import Path

from rspark_session.files import write_whole
from rspark_session.services.hdfs import steward
from rspark_session.services.hdfs.archive import Archive
from rspark_session.services.hdfs.cluster import LOOPBACK, Cluster, check_alive, opened, running
from rspark_session.services.hdfs.credentials import Credentials
from rspark_session.services.hdfs.homes import Homes
from rspark_session.services.hdfs.kerberos import SUPERUSER
from rspark_session.services.run_server import run_server

_LOOK_SECONDS = 0.5


def serve(data: Path, endpoint: Path) -> None:
    """Run the file system; `endpoint` is there for as long as it can be used.

    Raises
    ------
    ServiceProblem
        When it does not become ready, or one of its servers ends.
    """
    endpoint.unlink(missing_ok=True)
    cluster = opened(data)
    with running(cluster) as started:
        namenode = cluster.namenode
        secret = (data / "signature").read_text()
        work = steward.Work(
            namenode=namenode,
            homes=Homes(namenode=namenode, members=cluster.members),
            archive=Archive(namenode=namenode),
            credentials=Credentials(namenode, data / "credentials.json"),
            secret=secret,
        )
        server = steward.start(work, cluster.certificate, host=LOOPBACK, port=cluster.ports["steward"])
        write_whole(endpoint, json.dumps(_endpoint(cluster, secret)))
        try:
            while True:
                check_alive(started)
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
    }


def main() -> int:
    """Return the exit code: 0 after an end that was asked for, 1 with a sentence on stderr after any other."""
    parser = argparse.ArgumentParser(prog="rspark_session.services.hdfs", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the folder that keeps the file system")
    parser.add_argument("--endpoint", type=Path, required=True, help="the file that says where it listens")
    arguments = parser.parse_args()
    return run_server(lambda: serve(arguments.data.absolute(), arguments.endpoint.absolute()))


if __name__ == "__main__":
    sys.exit(main())
