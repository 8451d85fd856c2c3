"""Gives `R CMD check` what a session has: accounts on real services, and the configuration of Spark."""

import argparse
import asyncio
import json
import os
import shlex
import subprocess
import time
from dataclasses import replace
from pathlib import Path

from rspark_contract.reading import JsonObject
from rsparkhub.domain.environment import Resources, ServiceOptions
from rsparkhub.services.base import Account, AnyService, Credential, SessionConfig
from rsparkhub.services.hdfs import Hdfs
from rsparkhub.services.postgres import Postgres
from rsparkhub.services.s3 import S3

#: Of servers that end with the check.
CREDENTIAL = Credential(session="check", generation=1, secret="not:a\\secret+/=at.all")  # noqa: S106
ACCOUNT = Account(user="ada", password="", groups=("lab",), credential=CREDENTIAL)


def wait_for(endpoint: Path, *, server: int, seconds: float = 240) -> JsonObject:
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
            raise RuntimeError(f"the server of {endpoint.stem} ended:\n{endpoint.with_name('server.log').read_text()}") from None
        if time.monotonic() > deadline:
            raise RuntimeError(f"the server of {endpoint.stem} was not ready within {seconds:.0f} s")
        time.sleep(0.05)
    return dict(json.loads(endpoint.read_text()))


def prepare_hdfs(work: Path, *, server: int, session_python: Path) -> dict[str, str]:
    """Return what R finds HDFS by; its files are written into `work`."""
    endpoint, service = wait_for(work / "servers/hdfs/hdfs.json", server=server), Hdfs()
    options = Hdfs.Options.model_validate({"scope": "shared"})

    credential = Credential(session="check", generation=1, secret="", options=options)
    account = replace(ACCOUNT, credential=credential)

    async def grant() -> Account:
        await service.ensure_account(endpoint, account)
        return replace(account, credential=replace(credential, issued=await service.issue(endpoint, account)))

    granted = service.session_config(options, resources=Resources(), endpoint=endpoint, account=asyncio.run(grant()))
    (work / "hdfs").mkdir()
    (work / "hdfs/token").write_text(granted.files[0].content)
    write = (
        "import sys, json; from pathlib import Path; from rspark_contract.specs import ServiceSpec; "
        "from rspark_session.services.base import Context; from rspark_session.services.hdfs import Hdfs; "
        "spec, work = ServiceSpec(name='hdfs', title='HDFS', config=json.loads(sys.argv[2])), Path(sys.argv[1]); "
        "hdfs = Hdfs(Context(spec=spec, base_path='/s/check/', home=work, run=work)); hdfs.prepare(); "
        "print(json.dumps(dict(hdfs.environ())))"
    )
    command = [session_python, "-c", write, work, json.dumps(granted.config)]
    environ = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    # Spark's tests have files of this machine, which would all be looked for in HDFS.
    return {name: environ[name] for name in ("RSPARK_HDFS", "RSPARK_HDFS_HOME")}


def prepare_mapreduce(work: Path, *, session_python: Path) -> dict[str, str]:
    """Return what R finds MapReduce by, with the folder of its programs first on the path; files are written into `work`."""
    write = (
        "import sys; from pathlib import Path; from rspark_contract.specs import ServiceSpec; "
        "from rspark_session.services.base import Context; from rspark_session.services.mapreduce import MapReduce; "
        "config, work = {'mode': 'local', 'memory': 2**31, 'cores': 2}, Path(sys.argv[1]); "
        "spec = ServiceSpec(name='mapreduce', title='MapReduce', config=config); "
        "service = MapReduce(Context(spec=spec, base_path='/s/check/', home=work, run=work)); service.prepare(); "
        "print(service.environ()['RSPARK_MAPREDUCE'])"
    )
    command = [session_python, "-c", write, work]
    folder = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    return {"RSPARK_MAPREDUCE": folder, "PATH": f"{folder}/bin:{session_python.parent}:{os.environ['PATH']}"}


def grant(service: AnyService, endpoint: JsonObject) -> SessionConfig:
    """Return what a session gets to use a service, on which it has an account from now on."""
    asyncio.run(service.ensure_account(endpoint, ACCOUNT))
    asyncio.run(service.issue(endpoint, ACCOUNT))
    return service.session_config(ServiceOptions(scope="shared"), resources=Resources(), endpoint=endpoint, account=ACCOUNT)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--session-python", type=Path, required=True)
    for service in ("postgres", "s3", "hdfs"):
        parser.add_argument(f"--{service}", type=int, required=True, help="the pid of its server")
    parser.add_argument("work", type=Path)
    given = parser.parse_args()
    work: Path = given.work
    granted = [
        grant(Postgres(), wait_for(work / "servers/postgres/postgres.json", server=given.postgres)),
        grant(S3(), wait_for(work / "servers/s3/s3.json", server=given.s3)),
    ]
    for file in (file for config in granted for file in config.files):
        place = work / file.path
        place.parent.mkdir(exist_ok=True)
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
    environ = {name: value.replace("{run}", str(work)) for config in granted for name, value in config.environ.items()} | {
        "SPARK_HOME": home,
        "SPARK_HOME_VERSION": version,
        "SPARK_CONF_DIR": str(work / "conf"),
        "PYSPARK_PYTHON": str(given.session_python),
        "PATH": f"{given.session_python.parent}:{os.environ['PATH']}",
    }
    environ |= prepare_hdfs(work, server=given.hdfs, session_python=given.session_python)
    environ |= prepare_mapreduce(work, session_python=given.session_python)
    (work / "environ").write_text("".join(f"export {name}={shlex.quote(value)}\n" for name, value in environ.items()))


if __name__ == "__main__":
    main()
