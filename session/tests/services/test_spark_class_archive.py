"""The archive of Spark's classes: real drivers map it, and start without it where it is none of theirs."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from session.tests.running import PYTHON

from rspark_session.services.spark import class_archive

DRIVE = """
import json
from pyspark.sql import SparkSession
session = SparkSession.builder.getOrCreate()
total = session.range(10).selectExpr("sum(id)").first()[0]
java = session.sparkContext._jvm.java.lang.ProcessHandle.current().pid()
print(json.dumps({"total": total, "maps": "spark-classes.jsa" in open(f"/proc/{java}/maps").read()}))
"""


#: Writes the configuration as the agent of an installation does that lies at the prefix.
CONFIGURE = """
import sys
from pathlib import Path
from rspark_session.services.spark.configuration import SparkConfig, write_configuration
from rspark_session.services.spark.secrets import DriverSecrets
sys.prefix, folder = sys.argv[1], Path(sys.argv[2])
config = SparkConfig.parse({"memory": 2**29, "cores": 1})
secrets = DriverSecrets(None)
write_configuration(folder, config, base_path="/s/a/", home=folder / "home", scratch=folder / "scratch", secrets=secrets)
"""


def installed() -> Path:
    return PYTHON.parents[1] / class_archive.ARCHIVE


def conf(prefix: Path, folder: Path) -> dict[str, str]:
    subprocess.run([PYTHON, "-c", CONFIGURE, prefix, folder], check=True, timeout=60)
    return dict(line.split(" ", 1) for line in (folder / "spark-defaults.conf").read_text().splitlines())


def test_it_is_asked_for_only_where_it_is_installed(tmp_path: Path) -> None:
    assert not [value for value in conf(tmp_path, tmp_path / "without").values() if "jsa" in value or "pyspark/jars" in value]
    archive = tmp_path / class_archive.ARCHIVE
    archive.parent.mkdir(parents=True)
    archive.touch()
    said = conf(tmp_path, tmp_path / "with")
    assert f'"-XX:SharedArchiveFile={archive}"' in said["spark.driver.defaultJavaOptions"]
    jars = said["spark.driver.extraClassPath"].split(":")
    assert jars == sorted(jars)
    assert all(Path(jar).is_file() for jar in jars)
    assert any("spark-core" in jar for jar in jars)


@pytest.mark.parametrize("what", ["ours", "of another Java"])
def test_a_driver_maps_it_and_does_without_where_it_cant(tmp_path: Path, what: str) -> None:
    archive = tmp_path / class_archive.ARCHIVE
    archive.parent.mkdir(parents=True)
    if what == "ours":
        archive.symlink_to(installed())
    else:
        with installed().open("rb") as file:
            begins = file.read(2**20)
        archive.write_bytes(bytes(8) + begins[8:])
    conf(tmp_path, tmp_path / "conf")
    environ = {name: value for name, value in os.environ.items() if not name.startswith("SPARK_")}
    done = subprocess.run(
        [PYTHON, "-c", DRIVE],
        env=environ | {"SPARK_CONF_DIR": str(tmp_path / "conf")},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"total": 45, "maps": what == "ours"}
    assert "archive" not in done.stderr
