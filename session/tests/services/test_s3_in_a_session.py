"""Object storage as Python and Spark use it in a session, against the real server, with a session's files and variables alone."""

import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from session.tests.places import session_python

from rspark_contract.specs import ServiceSpec
from rspark_session.services.base import Context
from rspark_session.services.s3 import S3
from rspark_session.services.spark.configuration import SparkConfig, write_configuration
from rspark_session.services.spark.secrets import DriverSecrets

KEY, SECRET = "rspark-sess-1", "a secret/of+this=session"

SCRIPT = """
import boto3, os
from pyspark.sql import SparkSession

bucket = os.environ["RSPARK_S3_BUCKET"]
spark = SparkSession.builder.getOrCreate()
numbers = spark.range(0, 1000, 1, 1).selectExpr("id", "id % 7 AS k")
for target in (bucket, "group-lab"):
    numbers.write.parquet(f"s3a://{target}/numbers")
    print(spark.read.parquet(f"s3a://{target}/numbers").where("k = 3").count())
print(spark.read.csv("s3a://samples/airlines.csv", header=True).count())
for refused in ("s3a://samples/numbers", "s3a://user-ben/numbers"):
    try:
        numbers.write.parquet(refused)
    except Exception as error:
        print("AccessDenied" in str(error) or "403" in str(error))
s3 = boto3.client("s3")
print(sum(1 for each in s3.list_objects_v2(Bucket=bucket)["Contents"] if each["Key"].endswith(".parquet")) == 1)
s3.put_object(Bucket=bucket, Key="from/boto3.csv", Body=b"a\\n1\\n2\\n")
print(spark.read.csv(f"s3a://{bucket}/from/boto3.csv", header=True).count())
"""


@pytest.fixture
def endpoint(tmp_path: Path) -> Iterator[dict[str, object]]:
    """A real server, with ada and ben."""
    file, log = tmp_path / "s3.json", tmp_path / "log"
    command = [session_python(), "-m", "rspark_session.services.s3", "--data", tmp_path / "data", "--endpoint", file]
    with log.open("w") as stream:
        server = subprocess.Popen(command, stdout=stream, stderr=stream)
    try:
        deadline = time.monotonic() + 90
        while not file.exists():
            assert server.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        yield json.loads(file.read_text())
    finally:
        server.terminate()
        assert server.wait(30) == 0


def administer(endpoint: dict[str, object], path: str, body: dict[str, object]) -> None:
    url = f"http://{endpoint['host']}:{endpoint['admin_port']}{path}"
    headers = {"Authorization": f"Bearer {endpoint['admin']}"}
    urlopen(Request(url, json.dumps(body).encode(), headers, method="PUT"), timeout=10).close()


def test_spark_writes_and_reads_tables_and_python_finds_the_same_objects(endpoint: dict[str, object], tmp_path: Path) -> None:
    administer(endpoint, "/people/ada", {"bucket": "user-ada", "groups": ["group-lab"]})
    administer(endpoint, "/people/ben", {"bucket": "user-ben", "groups": []})
    administer(endpoint, f"/keys/{KEY}", {"person": "ada", "secret": SECRET})
    url = f"http://{endpoint['host']}:{endpoint['port']}"
    spec = ServiceSpec(
        name="s3", title="Object storage", config={"url": url, "region": "us-east-1", "key": KEY, "secret": SECRET}
    )  # fmt: skip
    service = S3(Context(spec=spec, base_path="/s/a/", home=tmp_path, run=tmp_path))
    find = "import pyspark, sys; print(pyspark.__path__[0], sys.prefix)"
    found = subprocess.run([session_python(), "-c", find], check=True, capture_output=True, text=True).stdout.split()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.prefix", found[1])  # the jars are beside the session's Python
        additions = service.for_spark()
        assert additions.jars
        write_configuration(
            tmp_path / "conf", SparkConfig(memory=2**29, cores=2), base_path="/s/a/", home=tmp_path, scratch=tmp_path / "scratch",
            secrets=DriverSecrets(), additions=[additions],
        )  # fmt: skip
    credentials = tmp_path / "credentials"
    credentials.write_text(f"[default]\naws_access_key_id = {KEY}\naws_secret_access_key = {SECRET}\n")
    done = subprocess.run(
        [session_python(), "-c", SCRIPT], capture_output=True, text=True, timeout=400, check=False,
        env={
            "PATH": os.environ["PATH"], "HOME": str(tmp_path), "SPARK_CONF_DIR": str(tmp_path / "conf"), "SPARK_HOME": found[0],
            "PYSPARK_PYTHON": session_python(), "AWS_ENDPOINT_URL": url, "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1", "AWS_SHARED_CREDENTIALS_FILE": str(credentials), "RSPARK_S3_BUCKET": "user-ada",
        },
    )  # fmt: skip
    assert done.stdout.split() == ["143", "143", "16", "True", "True", "True", "2"], done.stdout + done.stderr[-3000:]
