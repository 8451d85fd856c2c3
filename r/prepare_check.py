"""Gives `R CMD check` what a session has: an account on a real PostgreSQL, and the configuration of Spark."""

import argparse
import asyncio
import json
import os
import shlex
import subprocess
import time
from pathlib import Path

from rspark_contract.reading import JsonObject
from rsparkhub.domain.environment import Resources, ServiceOptions
from rsparkhub.services.base import Account
from rsparkhub.services.postgres import Postgres

ACCOUNT = Account(user="ada", password="not:a\\secret")  # noqa: S106  of a server that ends with the check


def wait_for(endpoint: Path, *, server: int, seconds: float = 120) -> JsonObject:
    """Wait until the server has written where it listens.

    Raises
    ------
    RuntimeError
        When the server ended, or took too long.
    """
    deadline = time.monotonic() + seconds
    while not endpoint.exists():
        try:
            os.kill(server, 0)
        except ProcessLookupError:
            raise RuntimeError(f"the PostgreSQL server ended:\n{endpoint.with_name('server.log').read_text()}") from None
        if time.monotonic() > deadline:
            raise RuntimeError(f"the PostgreSQL server was not ready within {seconds:.0f} s")
        time.sleep(0.05)
    return dict(json.loads(endpoint.read_text()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--session-python", type=Path, required=True)
    parser.add_argument("--server", type=int, required=True)
    parser.add_argument("work", type=Path)
    given = parser.parse_args()
    work: Path = given.work
    endpoint = wait_for(work / "postgres.json", server=given.server)
    service = Postgres()
    asyncio.run(service.ensure_account(endpoint, ACCOUNT))
    granted = service.session_config(ServiceOptions(scope="shared"), resources=Resources(), endpoint=endpoint, account=ACCOUNT)
    for file in granted.files:
        place = work / file.path
        place.write_text(file.content)
        place.chmod(0o600)
    write = (
        "import sys; from pathlib import Path; from rspark_session.services.spark.configuration import "
        "SparkConfig, write_configuration; from rspark_session.services.spark.secrets import DriverSecrets; "
        "work, config = Path(sys.argv[1]), SparkConfig(memory=2**30, cores=2); "
        "places = {'home': work, 'scratch': work / 'scratch'}; "
        "write_configuration(work / 'conf', config, base_path='/s/check/', **places, secrets=DriverSecrets())"
    )
    subprocess.run([given.session_python, "-c", write, work], check=True)
    find = "import pyspark, pathlib; print(pathlib.Path(pyspark.__file__).parent, pyspark.__version__, sep='\\n')"
    found = subprocess.run([given.session_python, "-c", find], check=True, capture_output=True, text=True)
    home, version = found.stdout.split("\n")[:2]
    environ = {name: value.replace("{run}", str(work)) for name, value in granted.environ.items()} | {
        "SPARK_HOME": home,
        "SPARK_HOME_VERSION": version,
        "SPARK_CONF_DIR": str(work / "conf"),
        "PYSPARK_PYTHON": str(given.session_python),
        "PATH": f"{given.session_python.parent}:{os.environ['PATH']}",
    }
    (work / "environ").write_text("".join(f"export {name}={shlex.quote(value)}\n" for name, value in environ.items()))


if __name__ == "__main__":
    main()
