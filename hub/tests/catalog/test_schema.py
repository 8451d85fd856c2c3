"""The form of a file is made of what there is: also of what other packages bring."""

from collections.abc import Callable, Mapping
from typing import ClassVar, Literal

import pytest
from pydantic import Field, ValidationError

from rspark_contract.specs import ComponentSpec
from rsparkhub.catalog.schema import BackendBlock, Schema
from rsparkhub.domain.backend import BackendTraits
from rsparkhub.domain.environment import Environment, Options, Scope, ServiceOptions
from rsparkhub.domain.requirements import Requirements
from rsparkhub.interfaces.base import Interface
from rsparkhub.services.base import Service


class StoreOptions(ServiceOptions):
    size: int = Field(default=1, description="Of the store.")
    copies: Literal["none", "many"] = Field(default="none", description="How many there are.")


class Store(Service[StoreOptions]):
    name, title, description = "store", "Store", "For tests."
    Options = StoreOptions
    scopes: ClassVar[Mapping[Scope, str]] = {"session": "the session's own", "shared": "one for all"}

    def capabilities(self, options: StoreOptions) -> Mapping[str, str]:
        return {"copies": "several-machines"} if options.copies == "many" else {}

    def session_components(self, options: StoreOptions) -> tuple[ComponentSpec, ...]:
        if options.scope == "shared":
            return ()
        return (ComponentSpec(name="store", title="Store", command=("store", "{port:store}")),)


class Index(Service[ServiceOptions]):
    name, title, description = "index", "Index", "For tests."
    scopes: ClassVar[Mapping[Scope, str]] = {"shared": "one for all"}
    needs = ("store",)


class ViewerOptions(Options):
    theme: str = Field(default="light", description="Its colours.")


class Viewer(Interface[ViewerOptions]):
    name, title, description = "viewer", "Viewer", "For tests."
    Options = ViewerOptions


class Desk(Interface[Options]):
    name, title, description = "desk", "Desk", "For tests."
    once = True
    requires = Requirements(folders=("share/desk",), installed_by="make desk")


class FarmOptions(Options):
    rack: str = Field(description="Where.")


def schema(backend: BackendTraits | None = None, is_installed: Callable[[Requirements], bool] = lambda _: True) -> Schema:
    return Schema(
        interfaces={"viewer": Viewer(), "desk": Desk()},
        services={"index": Index(), "store": Store()},
        blocks={"farm": BackendBlock(options=FarmOptions, description="For tests.")},
        backend=backend,
        is_installed=is_installed,
    )


def environment(backend: BackendTraits | None = None, **spec: object) -> Environment:
    data = {
        "apiVersion": "rsparkhub/v1",
        "kind": "Environment",
        "metadata": {"name": "lab", "title": "The lab"},
        "spec": {"interface": "viewer", **spec},
    }
    return schema(backend).parse(data)


def refusals(found: Environment, backend: BackendTraits | None = None) -> list[tuple[str, str]]:
    return [(".".join(map(str, refusal.key)), refusal.sentence) for refusal in schema(backend).refusals(found)]


def test_an_interface_is_named_alone_or_with_its_options() -> None:
    assert environment().spec.interface.options == ViewerOptions(theme="light")
    chosen = environment(interface={"viewer": {"theme": "dark"}}).spec.interface
    assert (chosen.name, chosen.title, chosen.mark, chosen.options) == ("viewer", "Viewer", "Vi", ViewerOptions(theme="dark"))


def test_interfaces_beside_the_first_have_names_of_their_own() -> None:
    beside = environment(beside={"viewer": "viewer", "dark": {"viewer": {"theme": "dark"}}}).spec.beside
    assert {name: (choice.name, choice.title, choice.mark, choice.options) for name, choice in beside.items()} == {
        "viewer": ("viewer", "Viewer", "Vi", ViewerOptions(theme="light")),
        "dark": ("viewer", "dark", "da", ViewerOptions(theme="dark")),
    }
    with pytest.raises(ValidationError, match="string_pattern_mismatch"):
        environment(beside={"Not/a name": "viewer"})
    with pytest.raises(ValidationError, match="too_long"):
        environment(beside={f"viewer-{number}": "viewer" for number in range(10)})


def test_one_that_keeps_its_state_in_one_place_is_there_once() -> None:
    twice = environment(beside={"one": "desk", "two": "desk", "view": "viewer"})
    assert refusals(twice) == [("spec.beside.two", "is one more desk, of which a session can have only one")]


@pytest.mark.parametrize("spec", [{"interface": "desk"}, {"beside": {"mine": "desk"}}], ids=["first", "beside"])
def test_an_interface_that_is_not_installed_is_said(spec: dict[str, object]) -> None:
    bare = schema(is_installed=lambda requirements: requirements.installed_by is None)
    assert bare.unavailable(environment()) is None
    assert schema().unavailable(environment(**spec)) is None
    assert bare.unavailable(environment(**spec)) == (
        "Desk is not installed here. Run `make desk` where RSparkHub is installed, then start RSparkHub again."
    )


def test_a_service_has_the_scopes_that_it_says_the_first_by_default() -> None:
    own = environment(services={"store": {"size": 3}}).spec.services["store"]
    assert (own.options.scope, own.is_shared, own.is_component) == ("session", False, True)
    assert isinstance(own.options, StoreOptions)
    assert own.options.size == 3
    shared = environment(services={"store": {"scope": "shared"}}).spec.services["store"]
    assert (shared.is_shared, shared.is_component) == (True, True)
    with pytest.raises(ValidationError, match="literal_error"):
        environment(services={"index": {"scope": "session"}})


def test_services_are_in_the_order_of_the_file() -> None:
    assert list(environment(services={"store": {}, "index": {}}).spec.services) == ["store", "index"]
    assert list(environment(services={"index": {}, "store": None}).spec.services) == ["index"]


def test_a_service_without_those_it_needs_is_refused() -> None:
    assert refusals(environment(services={"index": {}})) == [("spec.services.index", "needs store; add it to spec.services")]
    assert refusals(environment(services={"index": {}, "store": {}})) == []


def test_what_a_backend_is_not_up_to_is_refused_where_the_backend_is_known() -> None:
    found = environment(services={"store": {"copies": "many"}})
    here = BackendTraits(name="here")
    assert refusals(found) == []
    assert refusals(found, here) == [("spec.services.store.copies", "many is not possible on the backend here; choose none")]
    assert refusals(found, BackendTraits(name="farm", capabilities=frozenset({"several-machines"}))) == []


def test_what_a_file_says_to_a_backend_is_under_its_name() -> None:
    assert environment(farm={"rack": "3"}).spec.backends == {"farm": FarmOptions(rack="3")}
    assert environment().spec.backends == {}
    with pytest.raises(ValidationError, match="extra_forbidden"):
        environment(kubernetes={})


def test_its_json_schema_has_what_there_is() -> None:
    spec = schema().json_schema()["$defs"]["Spec"]["properties"]
    assert spec["interface"]["anyOf"][0] == {"enum": ["viewer", "desk"], "type": "string"}
    assert "farm" in spec
