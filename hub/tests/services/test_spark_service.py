"""What an ensemble is told of Spark."""

import pytest

from rsparkhub.domain.environment import Resources
from rsparkhub.domain.quantity import ByteSize
from rsparkhub.services.spark import Spark, SparkOptions


@pytest.mark.parametrize(("cpu", "cores"), [(0.5, 1), (1, 1), (2, 2), (3.9, 3)])
def test_spark_computes_with_the_whole_cores_of_the_session_and_with_one_at_least(cpu: float, cores: int) -> None:
    options = SparkOptions(scope="session", memory=ByteSize.parse("2Gi"))
    found = Spark().session_config(options, resources=Resources(cpu=cpu))
    assert found.config == {"mode": "local", "memory": 2**31, "cores": cores}


def test_its_mode_is_said_and_what_executors_there_are_at_the_most_is_never_less_than_at_the_start() -> None:
    options = SparkOptions(scope="session", mode="kubernetes", workers=3)
    found = Spark().session_config(options, resources=Resources())
    assert found.config == {"mode": "kubernetes", "memory": 2**30, "cores": 1, "workers": 3, "max": 3}
    assert Spark().capabilities(options) == {"mode": "spark-executors"}
    assert Spark().session_components(options) == ()


def test_a_cluster_of_the_sessions_own_is_a_component_and_both_know_its_ports() -> None:
    options = SparkOptions(scope="session", mode="standalone", workers=2, max=4, cores=2)
    found = Spark().session_config(options, resources=Resources(cpu=4, memory=ByteSize.parse("8Gi")))
    assert found.config == {
        "mode": "standalone",
        "memory": 2**30,
        "cores": 4,
        "workers": 2,
        "max": 4,
        "worker_cores": 2,
        "session_memory": 2**33,
        "port": "{port:spark-master}",
        "pages_port": "{port:spark-master-pages}",
    }
    (component,) = Spark().session_components(options)
    assert (component.name, component.ready) == ("spark", {"tcp": "127.0.0.1:{port:spark-master-pages}"})
    assert Spark().capabilities(options) == {"mode": "spark-standalone"}


def test_a_driver_ahead_and_spark_connect_are_a_component_that_nobody_waits_for() -> None:
    options = SparkOptions(scope="session", ahead=True, connect=True)
    found = Spark().session_config(options, resources=Resources()).config
    assert (found["ahead"], found["connect"], found["connect_port"]) == (True, True, "{port:spark-connect}")
    (component,) = Spark().session_components(options)
    assert (component.name, component.ready) == ("spark", {})
    assert Spark().session_components(SparkOptions(scope="session")) == ()
