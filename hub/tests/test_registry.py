"""What other packages bring is found by entry points; what of it is wrong is told, and keeps nothing else from running."""

from collections.abc import Iterable
from importlib.metadata import EntryPoint

import pytest

from rsparkhub.domain.environment import ServiceOptions
from rsparkhub.installed.extensions import SERVICES
from rsparkhub.installed.registry import Kind, Registry
from rsparkhub.services.base import AnyService, Service


class Toy(Service[ServiceOptions]):
    name, title, description = "toy", "Toy", "For tests."


class Other(Toy):
    name = "other"


class Postgres(Toy):
    name = "postgres"


KIND: Kind[AnyService] = Kind(
    word="service",
    base=Service,
    group="rsparkhub.services",
    package="rsparkhub.services",
    attribute="SERVICE",
    besides=SERVICES.besides,
    reserved=frozenset({"reserved"}),
)


def loaded(**points: str) -> Registry[AnyService]:
    def outside(group: str) -> Iterable[EntryPoint]:
        return [EntryPoint(name, value, group) for name, value in points.items()]

    return KIND.load(outside)


def test_modules_of_our_own_are_found_by_their_names() -> None:
    registry = loaded()
    assert list(registry) == ["hdfs", "hive", "mapreduce", "postgres", "s3", "spark"]
    assert registry["spark"].title == "Spark"
    assert registry.problems == ()


def test_a_package_from_outside_brings_one() -> None:
    registry = loaded(toy=f"{__name__}:Toy")
    assert list(registry) == ["hdfs", "hive", "mapreduce", "postgres", "s3", "spark", "toy"]
    assert registry["toy"].title == "Toy"


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("toy", "no_such_package.hub:Toy", "can't be loaded (ModuleNotFoundError: No module named 'no_such_package')"),
        ("toy", f"{__name__}:Nothing", "can't be loaded (AttributeError: "),
        ("toy", f"{__name__}:loaded", "can't be loaded (TypeError: "),
        ("toy", f"{__name__}:Other", "can't be loaded (ValueError: it calls itself 'other')"),
        ("postgres", f"{__name__}:Postgres", "was left out: its name is taken."),
        ("reserved", f"{__name__}:Toy", "was left out: its name is taken."),
    ],
)
def test_what_is_wrong_is_one_sentence_and_the_rest_is_there(name: str, value: str, said: str) -> None:
    registry = loaded(**{name: value})
    assert list(registry) == ["hdfs", "hive", "mapreduce", "postgres", "s3", "spark"]
    assert registry["postgres"].title == "PostgreSQL"
    (problem,) = registry.problems
    assert problem.startswith(f"The service {name} of the package ")
    assert said in problem
    assert problem.endswith((" it.", " packages."))


def test_of_two_packages_with_one_name_neither_is_taken() -> None:
    def outside(group: str) -> Iterable[EntryPoint]:
        return [EntryPoint("toy", f"{__name__}:{which}", group) for which in ("Toy", "Other")]

    registry = KIND.load(outside)
    assert "toy" not in registry
    assert len(registry.problems) == 2
