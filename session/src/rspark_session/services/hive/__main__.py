"""`python -m rspark_session.services.hive --data DIR --endpoint FILE` runs the shared metastore until SIGTERM."""

import argparse
import json
import sys
from pathlib import Path

from rspark_session.files import write_whole
from rspark_session.services.hive import steward
from rspark_session.services.hive.server import Server
from rspark_session.services.host import LOOPBACK, find_host
from rspark_session.services.run_server import run_server

_LOOK_SECONDS = 0.5


def serve(data: Path, endpoint: Path, *, host: str, name: str) -> None:
    """Run the metastore on the address `host`; `endpoint` is there for as long as it can be used.

    Where that isn't this machine's own, clients know it by the name `name`, and it has the ports that the hub knows.

    Raises
    ------
    ServiceProblem
        When it does not become ready, or ends.
    """
    endpoint.unlink(missing_ok=True)
    server = Server(data, host=host, names=() if host == LOOPBACK else (name, *find_host(name, title="Hive")))
    try:
        server.start()
        work = steward.Work(accounts=server.accounts, back_up=server.back_up, restore=server.restore)
        answering = steward.start(
            work, host=host, port=server.ports["steward"], certificate=server.certificate, key=server.key, secret=server.secret
        )
        write_whole(endpoint, json.dumps(_endpoint(server)))
        try:
            while True:
                server.tend(_LOOK_SECONDS)
        finally:
            endpoint.unlink(missing_ok=True)
            answering.shutdown()
    finally:
        server.metastore.end()


def _endpoint(server: Server) -> dict[str, object]:
    return {
        "host": server.host,
        "port": server.ports["metastore"],
        "steward": server.ports["steward"],
        "secret": server.secret,
        "certificate": server.certificate.read_text(),
    }


def main() -> int:
    """Return the exit code: 0 after an end that was asked for, 1 with a sentence on stderr after any other."""
    parser = argparse.ArgumentParser(prog="rspark_session.services.hive", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the folder that keeps the metastore")
    parser.add_argument("--endpoint", type=Path, required=True, help="the file that says where it listens")
    parser.add_argument("--host", default=LOOPBACK, help="the address it listens on")
    parser.add_argument("--name", default="hive", help="the name of its host, where it has an address of its own")
    given = parser.parse_args()
    data, endpoint = given.data.absolute(), given.endpoint.absolute()
    return run_server(lambda: serve(data, endpoint, host=given.host, name=given.name))


if __name__ == "__main__":
    sys.exit(main())
