"""Object storage in a pod: people with keys and buckets of their own, closed to who did not ask, there again after its pod."""

from collections.abc import Iterator

import pytest

from .cluster import Cluster
from .hub import NAMESPACE, Hub, gone, pods
from .reaching import reaches
from .spark import until

pytestmark = [pytest.mark.timeout(600)]

WRITE = """
import boto3, botocore.exceptions, os
s3 = boto3.client("s3")
mine = os.environ["RSPARK_S3_BUCKET"]
s3.put_object(Bucket=mine, Key="a/b.txt", Body=b"kept")
print(mine, s3.get_object(Bucket=mine, Key="a/b.txt")["Body"].read().decode())
print(len(s3.list_objects_v2(Bucket="samples")["Contents"]))
"""
#: Tries all that there is to do with the bucket of another; prints what was answered.
TRY = """
tries = {
    "put": lambda: s3.put_object(Bucket="user-ben", Key="stolen", Body=b""),
    "get": lambda: s3.get_object(Bucket="user-ben", Key="a/b.txt"),
    "list": lambda: s3.list_objects_v2(Bucket="user-ben"),
    "delete": lambda: s3.delete_object(Bucket="user-ben", Key="a/b.txt"),
}
for name, attempt in tries.items():
    try:
        attempt()
        print(name, "done")
    except botocore.exceptions.ClientError as error:
        print(name, error.response["ResponseMetadata"]["HTTPStatusCode"])
"""
READ = (
    "import boto3, os; print(boto3.client('s3').get_object(Bucket=os.environ['RSPARK_S3_BUCKET'], Key='a/b.txt')['Body'].read())"
)
R = "library(rspark); s3_put(cars, 'cars.csv'); cat(nrow(s3_get('cars.csv')), s3_buckets())"


@pytest.fixture(scope="module")
def ada(hub: Hub) -> Hub:
    return hub.as_person("ada")


@pytest.fixture(scope="module")
def session(ada: Hub, hub: Hub, namespace: Cluster) -> Iterator[str]:
    """A session of ada's; ben, whose bucket is not hers, has had one."""
    ben = hub.as_person("ben")
    his = ben.start("objects")
    assert ben.run(his, "python", "-c", WRITE).splitlines() == ["user-ben kept", "5"]
    ben.delete(his)
    session = ada.start("objects")
    yield session
    ada.delete(session)
    gone(namespace, session)


def test_a_session_has_its_bucket_and_is_refused_that_of_another(ada: Hub, session: str) -> None:
    said = ada.run(session, "python", "-c", WRITE + TRY).splitlines()
    assert said == ["user-ada kept", "5", "put 403", "get 403", "list 403", "delete 403"]


def test_r_finds_the_same_bucket(ada: Hub, session: str) -> None:
    said = ada.run(session, "Rscript", "-e", R).split()
    assert said[0] == "50"
    assert "user-ada" in said
    assert "user-ben" not in said


def test_only_who_asked_reaches_it_and_nobody_the_port_of_the_hub(ada: Hub, session: str, namespace: Cluster) -> None:
    other = ada.start("shell")
    assert reaches(ada, session, "s3", 9000)
    assert not reaches(ada, session, "s3", 9001)
    assert not reaches(ada, other, "s3", 9000)
    ada.delete(other)
    gone(namespace, other)


def test_what_was_written_is_there_after_its_pod_was_deleted(ada: Hub, session: str, namespace: Cluster) -> None:
    ada.run(session, "python", "-c", WRITE)
    [before] = pods(namespace, "s3")
    namespace("-n", NAMESPACE, "delete", "pod", before["metadata"]["name"], "--grace-period=1")
    until(lambda: any(each["metadata"]["uid"] != before["metadata"]["uid"] for each in pods(namespace, "s3")))
    until(lambda: reaches(ada, session, "s3", 9000))
    assert ada.run(session, "python", "-c", READ) == "b'kept'\n"
