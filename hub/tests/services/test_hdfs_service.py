"""What an environment says of HDFS, and where it is refused."""

import asyncio
from pathlib import Path

import pytest

from rsparkhub.backends.process.definition import ProcessDefinition
from rsparkhub.catalog import read_environment
from rsparkhub.domain.backend import ONE_MACHINE, BackendTraits
from rsparkhub.domain.environment import Resources
from rsparkhub.domain.errors import Unavailable
from rsparkhub.domain.quantity import ByteSize
from rsparkhub.domain.requirements import Requirements
from rsparkhub.installed.schema import environment_schema
from rsparkhub.installed.settings import load_settings
from rsparkhub.services.base import Account, Credential
from rsparkhub.services.hdfs import Hdfs, HdfsOptions, HdfsSettings

FILE = """\
apiVersion: rsparkhub/v1
kind: Environment
metadata: {name: files, title: Files}
spec:
  interface: terminal
  services:
    hdfs: {scope: shared, quota: 20Gi}
"""
ENDPOINT = {
    "host": "127.0.0.1", "rpc": 1, "https": 2, "datanodes": ["127.0.0.1:3"], "steward": 4, "principal": "HDFS/localhost@RSPARK",
    "certificate": "a certificate", "secret": "the steward's",
}  # fmt: skip
#: Of nobody: it ended the day after it was made.
CERTIFICATE = """\
-----BEGIN CERTIFICATE-----
MIIBfDCCASOgAwIBAgIUZkpX81NGQVZiNSbuO6zKfzb/DfYwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MB4XDTI2MTEyODE0MTk1M1oXDTI2MTEyOTE0
MTk1M1owFDESMBAGA1UEAwwJbG9jYWxob3N0MFkwEwYHKoZIzj0CAQYIKoZIzj0D
AQcDQgAEPv8xVBayo7WgZce7Quruirfo36IqvBy4+huReH/k5d/bbO6RfnU+ggak
jb38QDCjmSP5oGd/T9eEfcCK1wbRS6NTMFEwHQYDVR0OBBYEFET6BxibudYTWn0Z
9gOIdAB8uHAUMB8GA1UdIwQYMBaAFET6BxibudYTWn0Z9gOIdAB8uHAUMA8GA1Ud
EwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDRwAwRAIgdGDXL6Eb7zk7Y8Ri4CUCOg5Q
52tXZVUM5szQ/NK/XxQCIHNy2Z2rItk3CKsMUxO0uoeFPTuX55n+JiD8BGirNua4
-----END CERTIFICATE-----
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "files.yaml"
    path.write_text(FILE)
    return path


def test_an_environment_asks_for_it_with_a_quota(file: Path) -> None:
    schema = environment_schema(BackendTraits(name="process", capabilities=frozenset({ONE_MACHINE})))
    options = read_environment(file, schema).spec.services["hdfs"].options
    assert isinstance(options, HdfsOptions)
    assert options.quota == 20 * 2**30


def test_a_cluster_has_it_too(file: Path) -> None:
    schema = environment_schema(BackendTraits(name="kubernetes", uses_images=True))
    assert isinstance(read_environment(file, schema).spec.services["hdfs"].options, HdfsOptions)


def test_one_machine_has_all_of_it_in_one_and_a_cluster_a_namenode_and_datanodes_with_volumes() -> None:
    settings = HdfsSettings(datanodes=3, replication=2, volume=ByteSize(2**30), datanode_volume=ByteSize(2**34))
    here = Hdfs().configured(settings, BackendTraits(name="process", capabilities=frozenset({ONE_MACHINE})))
    assert [(each.id, each.after) for each in here.instances()] == [("hdfs", None)]
    namenode, *datanodes = Hdfs().configured(settings, BackendTraits(name="kubernetes")).instances()
    assert (namenode.id, namenode.volume, namenode.after) == ("hdfs", 2**30, None)
    assert namenode.components[0].command[-4:] == ("--datanodes", "3", "--replication", "2")
    assert [each.id for each in datanodes] == ["hdfs-data-0", "hdfs-data-1", "hdfs-data-2"]
    assert {(each.volume, each.after) for each in datanodes} == {(2**34, "hdfs")}
    assert [each.components[0].command[-1] for each in datanodes] == [each.id for each in datanodes]


def test_a_session_gets_the_token_in_a_file_and_nothing_else_that_is_secret() -> None:
    credential = Credential(session="one", generation=1, secret="unused", issued={"token": "ada's"})
    account = Account(user="ada", password="unused", credential=credential)
    found = Hdfs().session_config(HdfsOptions(scope="shared"), resources=Resources(), endpoint=ENDPOINT, account=account)
    assert [(file.path, file.content) for file in found.files] == [("hdfs/token", "ada's")]
    assert "secret" not in found.config
    assert not found.environ


def test_a_steward_that_does_not_answer_is_a_sentence() -> None:
    with pytest.raises(Unavailable, match="HDFS does not answer at the moment"):
        asyncio.run(Hdfs().ensure_account({**ENDPOINT, "certificate": CERTIFICATE}, Account(user="ada", password="")))


def test_an_optional_environment_stays_in_the_catalog_and_says_what_is_missing(file: Path) -> None:
    optional = FILE.replace("title: Files}", "title: Files, optional: true}")
    file.write_text(optional.replace("hdfs: {scope: shared, quota: 20Gi}", "spark: {mode: kubernetes}"))
    elsewhere = read_environment(file, environment_schema(BackendTraits(name="process")))
    assert elsewhere.unavailable == "Spark can't be had on the backend process. Choose another environment."
    file.write_text(optional)
    here = BackendTraits(name="process", capabilities=frozenset({ONE_MACHINE}))
    assert read_environment(file, environment_schema(here)).unavailable is None
    bare = environment_schema(here, lambda requirements: requirements.installed_by is None)
    assert read_environment(file, bare).unavailable == (
        "HDFS is not installed here. Run `make hdfs` where RSparkHub is installed, then start RSparkHub again."
    )


def test_what_a_command_of_its_own_installs_is_looked_for_where_sessions_run(tmp_path: Path) -> None:
    settings = load_settings(data=tmp_path, session_python=tmp_path / "bin/python")
    absent = ProcessDefinition().missing(settings, Hdfs.requires)
    assert {"share/rspark/hadoop/jars", "share/rspark/hadoop/webapps"} <= set(absent)
    assert ProcessDefinition().missing(settings, Requirements(folders=("share/nothing",))) == []
