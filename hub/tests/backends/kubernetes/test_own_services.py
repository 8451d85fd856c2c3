"""What a cluster gets of our own services follows from their face: ports, a volume of the size that is set, who reaches them."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from rsparkhub.backends.kubernetes.objects import generation, persistent
from rsparkhub.backends.kubernetes.objects.placed import Placed
from rsparkhub.builder import Builder
from rsparkhub.domain.quantity import ByteSize
from rsparkhub.domain.session import Session, State, Wanted
from rsparkhub.installed.extensions import services
from rsparkhub.settings import Settings
from rsparkhub.settings.kubernetes import KubernetesSettings

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
BUILDER = Builder(interfaces={}, services=services(), settings=Settings(data=Path("/data")))


@pytest.mark.parametrize(
    ("name", "ports", "private"),
    [
        ("postgres", {"postgres": 5432}, {}),
        ("s3", {"s3": 9000}, {"admin": 9001}),
        ("hive", {"metastore": 9083, "steward": 9084}, {}),
    ],
)
def test_a_service_has_its_ports_and_a_volume_of_the_size_that_is_set(
    name: str, ports: dict[str, int], private: dict[str, int]
) -> None:
    service = services()[name]
    service = service.configured(service.Settings(volume=ByteSize.parse("42Gi")))
    (instance,) = service.instances()
    row = Session(
        id=instance.id, owner=None, name=service.title, environment="", wanted=Wanted.RUNNING, state=State.STARTING, generation=1,
        created=NOW, queued_at=NOW, secret="hush", kind="service",
    )  # fmt: skip
    placed = Placed.of(BUILDER.service(row, service, instance), KubernetesSettings(session_image="rsparkhub/session:dev"))
    assert persistent.claim(placed)["spec"]["resources"]["requests"]["storage"] == "42Gi"
    objects = {manifest["kind"]: manifest for manifest in generation.persistent(placed)}
    assert objects["Service"]["metadata"]["name"] == name
    assert {port["name"]: port["port"] for port in objects["Service"]["spec"]["ports"]} == ports | private
    rule, *others = objects["NetworkPolicy"]["spec"]["ingress"]
    assert rule["from"][0]["podSelector"]["matchLabels"][f"rsparkhub/uses-{name}"] == "true"
    assert {port["port"] for port in rule["ports"]} == set(ports.values())
    assert {port["port"] for other in others for port in other["ports"]} == set(private.values())
    assert not any(f"rsparkhub/uses-{name}" in str(other) for other in others)
