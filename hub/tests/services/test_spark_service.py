"""What an ensemble is told of Spark."""

import pytest

from rsparkhub.domain.environment import SparkService
from rsparkhub.domain.quantity import ByteSize
from rsparkhub.services.spark import spark_service


@pytest.mark.parametrize(("cpu", "cores"), [(0.5, 1), (1, 1), (2, 2), (3.9, 3)])
def test_spark_computes_with_the_whole_cores_of_the_session_and_with_one_at_least(cpu: float, cores: int) -> None:
    service = spark_service(SparkService(memory=ByteSize.parse("2Gi")), cpu=cpu)
    assert service.config == {"mode": "local", "memory": 2**31, "cores": cores}
