"""What an environment says of MapReduce, what a session gets of it, and where it is refused."""

from pathlib import Path

import pytest

from rsparkhub.catalog import read_environment
from rsparkhub.domain.backend import BackendTraits
from rsparkhub.domain.environment import Resources
from rsparkhub.domain.errors import EnvironmentInvalid
from rsparkhub.installed.schema import environment_schema
from rsparkhub.services.mapreduce import NETWORKS, MapReduce, MapReduceOptions

FILE = """\
apiVersion: rsparkhub/v1
kind: Environment
metadata: {name: jobs, title: Jobs}
spec:
  interface: terminal
  services:
    mapreduce: {mode: yarn}
"""
PROCESS = BackendTraits(name="process", capabilities=frozenset({NETWORKS}))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "jobs.yaml"
    path.write_text(FILE)
    return path


def test_an_environment_says_where_jobs_run(file: Path) -> None:
    options = read_environment(file, environment_schema(PROCESS)).spec.services["mapreduce"].options
    assert isinstance(options, MapReduceOptions)
    assert (options.scope, options.mode) == ("session", "yarn")
    file.write_text(FILE.replace("{mode: yarn}", "{}"))
    options = read_environment(file, environment_schema(PROCESS)).spec.services["mapreduce"].options
    assert isinstance(options, MapReduceOptions)
    assert options.mode == "local"


def test_a_yarn_for_all_is_refused(file: Path) -> None:
    file.write_text(FILE.replace("mode: yarn", "scope: shared"))
    with pytest.raises(
        EnvironmentInvalid, match=r"spec\.services\.mapreduce\.scope shared is not in this version; choose session"
    ):
        read_environment(file, environment_schema(PROCESS))


def test_a_yarn_is_refused_where_no_process_of_a_session_may_make_a_network_and_one_process_is_not(file: Path) -> None:
    pods = environment_schema(BackendTraits(name="kubernetes", uses_images=True))
    with pytest.raises(
        EnvironmentInvalid, match=r"spec\.services\.mapreduce\.mode:? yarn is not possible on the backend kubernetes"
    ):
        read_environment(file, pods)
    file.write_text(
        FILE.replace("mode: yarn", "mode: local").replace(
            "  interface: terminal\n", "  interface: terminal\n  image: an/image:1\n"
        )
    )
    assert "mapreduce" in read_environment(file, pods).spec.services


def test_a_session_says_what_jobs_may_use() -> None:
    options = MapReduceOptions.model_validate({"scope": "session", "mode": "local"})
    found = MapReduce().session_config(options, resources=Resources.model_validate({"cpu": 0.5, "memory": "3Gi"}))
    assert found.config == {"mode": "local", "memory": 3 * 2**30, "cores": 1}
    assert (found.files, found.environ) == ((), {})
