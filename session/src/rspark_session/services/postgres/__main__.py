"""`python -m rspark_session.services.postgres --data DIR --endpoint FILE` runs a server until SIGTERM.

`--host` is where it listens: this machine by default, 0.0.0.0 in a container of its own. A session's own server has `--owner`,
whose password is new at each start and written into the file `--pgpass`.
"""

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path

from rspark_session.files import write_whole
from rspark_session.services.postgres import samples
from rspark_session.services.postgres.cluster import opened
from rspark_session.services.postgres.server import LOOPBACK, running
from rspark_session.services.run_server import run_server


@dataclass(frozen=True, kw_only=True)
class Owner:
    """Whose server it is, where it is a session's own: a role with all rights, and the file for its password."""

    role: str
    passfile: Path


def serve(
    data: Path,
    endpoint: Path,
    host: str,
    password: str | None,
    *,
    port: int | None = None,
    most_connections: int = 200,
    owner: Owner | None = None,
    with_samples: bool = True,
) -> None:
    """Run the server; `endpoint` is there for as long as it can be used."""
    endpoint.unlink(missing_ok=True)
    with (
        opened(data, password) as cluster,
        running(cluster, host, port=port, most_connections=most_connections) as server,
    ):
        if with_samples:
            samples.prepare(server)
        if owner is not None:
            server.give_to(owner.role, owner.passfile)
        write_whole(endpoint, json.dumps(server.endpoint() if owner is None else {"host": server.host, "port": server.port}))
        try:
            server.serve()
        finally:
            endpoint.unlink(missing_ok=True)


def main() -> int:
    """Return the exit code: 0 after an end that was asked for, 1 with a sentence on stderr after any other."""
    parser = argparse.ArgumentParser(prog="rspark_session.services.postgres", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the folder that keeps the cluster")
    parser.add_argument("--endpoint", type=Path, required=True, help="the file that says where the server listens")
    parser.add_argument("--host", default=LOOPBACK, help="the address it listens on")
    parser.add_argument("--port", type=int, help="the port it listens on; by default that of the last time, or a free one")
    parser.add_argument("--connections", type=int, default=200, help="how many it takes in all")
    parser.add_argument("--owner", help="whose it is alone: a role with all rights, and its database")
    parser.add_argument("--pgpass", type=Path, help="where the owner's password is written at each start")
    parser.add_argument("--password-file", type=Path, help="the administrator's password, for a new cluster; made by default")
    parser.add_argument("--without-samples", action="store_true", help="no sample database")
    arguments = parser.parse_args()

    def work() -> None:
        password = arguments.password_file.read_text().strip() if arguments.password_file else None
        serve(
            arguments.data.absolute(),
            arguments.endpoint.absolute(),
            arguments.host,
            password,
            port=arguments.port,
            most_connections=arguments.connections,
            owner=Owner(role=arguments.owner, passfile=arguments.pgpass.absolute()) if arguments.owner else None,
            with_samples=not arguments.without_samples,
        )

    return run_server(work)


if __name__ == "__main__":
    sys.exit(main())
