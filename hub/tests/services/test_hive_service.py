"""What an environment says of Hive, and where it is refused."""

import asyncio
from pathlib import Path

import pytest

from rsparkhub.catalog import read_environment
from rsparkhub.domain.backend import ONE_MACHINE, BackendTraits
from rsparkhub.domain.environment import Resources, ServiceOptions
from rsparkhub.domain.errors import EnvironmentInvalid, Unavailable
from rsparkhub.domain.quantity import ByteSize
from rsparkhub.installed.schema import environment_schema
from rsparkhub.services.base import Account, Credential, ServiceSettings
from rsparkhub.services.hive import Hive

from .test_hdfs_service import CERTIFICATE

FILE = """\
apiVersion: rsparkhub/v1
kind: Environment
metadata: {name: tables, title: Tables}
spec:
  interface: terminal
  services:
    hdfs: {scope: shared}
    spark: {mode: local}
    hive: {scope: shared}
"""
ENDPOINT = {"host": "127.0.0.1", "port": 1, "steward": 2, "certificate": CERTIFICATE, "secret": "the hub's"}
PROCESS = BackendTraits(name="process", capabilities=frozenset({ONE_MACHINE}))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "tables.yaml"
    path.write_text(FILE)
    return path


def test_an_environment_asks_for_it_beside_what_it_needs(file: Path) -> None:
    assert read_environment(file, environment_schema(PROCESS)).spec.services["hive"].is_shared
    file.write_text(FILE.replace("    hdfs: {scope: shared}\n", ""))
    with pytest.raises(EnvironmentInvalid, match="hdfs"):
        read_environment(file, environment_schema(PROCESS))


def test_it_is_for_sessions_elsewhere_as_well(file: Path) -> None:
    file.write_text(FILE.replace("  interface: terminal\n", "  interface: terminal\n  image: an/image:1\n"))
    elsewhere = BackendTraits(name="kubernetes", uses_images=True)
    assert read_environment(file, environment_schema(elsewhere)).spec.services["hive"].is_shared
    (instance,) = Hive().configured(ServiceSettings(volume=ByteSize(2**30)), elsewhere).instances()
    assert (instance.id, instance.volume) == ("hive", 2**30)
    assert Hive.ports == {"metastore": 9083, "steward": 9084}


def test_a_session_gets_its_secret_in_a_file_and_nothing_else_that_is_secret() -> None:
    credential = Credential(session="one", generation=3, secret="its own", issued={"databases": ["ada", "group_lab"]})
    account = Account(user="ada", password="unused", credential=credential)
    found = Hive().session_config(ServiceOptions(scope="shared"), resources=Resources(), endpoint=ENDPOINT, account=account)
    assert [(file.path, file.content) for file in found.files] == [("hive/secret", "its own")]
    assert "secret" not in found.config
    assert "its own" not in str(found.config)
    assert found.config["databases"] == ["ada", "group_lab"]


def test_a_metastore_that_does_not_answer_is_a_sentence() -> None:
    account = Account(user="ada", password="", needed={"hdfs": {"host": "127.0.0.1", "rpc": 1}})
    with pytest.raises(Unavailable, match="Hive does not answer at the moment"):
        asyncio.run(Hive().ensure_account(ENDPOINT, account))
