"""A cluster for the tests: the one that runs on this machine, else one that is started here and taken away again."""

import os
import subprocess
from collections.abc import Iterator

import pytest
import yaml

from tests.installation import COMMAND

from .cluster import Cluster, make
from .hub import ENVIRONMENTS, NAMESPACE, Hub, settings

#: Those that take a cluster down and up, then the one that wants a cluster without sessions' namespaces, then all that share one.
FIRST = ("test_cluster.py", "test_chart.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let tests come in an order in which they don't disturb each other."""
    items.sort(key=lambda item: FIRST.index(item.path.name) if item.path.name in FIRST else len(FIRST))


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    if os.geteuid() != 0:
        pytest.skip("a node needs root")
    runs = "A cluster runs already" in make("cluster")
    yield Cluster()
    if not runs:
        make("cluster-down")


@pytest.fixture(scope="session")
def images(cluster: Cluster) -> Cluster:
    """The cluster, with the images of this checkout."""
    make("images")
    return cluster


@pytest.fixture(scope="session")
def namespace(images: Cluster) -> Iterator[Cluster]:
    """The namespace of sessions, as the chart makes it."""
    command = [COMMAND, "render", "kubernetes", "namespace"]
    rendered = subprocess.run(command, capture_output=True, text=True, check=True, env=settings(images)).stdout
    found = list(yaml.safe_load_all(rendered))
    images.apply(*found)
    yield images
    of_the_cluster = [f"{one['kind']}/{one['metadata']['name']}" for one in found if one["kind"].startswith("Validating")]
    images("delete", *of_the_cluster)
    images("delete", "namespace", NAMESPACE, "--timeout=120s")


@pytest.fixture(scope="session")
def hub(namespace: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    folder = tmp_path_factory.mktemp("hub")
    for name, text in ENVIRONMENTS.items():
        (folder / "environments").mkdir(exist_ok=True)
        (folder / "environments" / f"{name}.yaml").write_text(text)
    environ = settings(namespace) | {"RSPARKHUB_ENVIRONMENTS": str(folder / "environments")}
    with Hub(folder / "data", environ=environ) as running:
        yield running  # type: ignore[misc]
