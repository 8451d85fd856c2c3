"""A cluster for the tests: the one that runs on this machine, else one that is started here and taken away again."""

import os
from collections.abc import Iterator

import pytest

from .cluster import PLACE, Cluster, make


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    if os.geteuid() != 0:
        pytest.skip("a node needs root")
    runs = (PLACE / "state/ready").exists()
    make("cluster")
    yield Cluster()
    if not runs:
        make("cluster-down")


@pytest.fixture(scope="session")
def images(cluster: Cluster) -> Cluster:
    """The cluster, with the images of this checkout."""
    make("images")
    return cluster
