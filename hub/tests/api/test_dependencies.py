"""What FastAPI does for each request before it calls ours."""

import inspect
import pkgutil
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from rsparkhub.api import resources


def calls_of(dependant: Dependant) -> Iterator[Any]:
    yield dependant.call
    for inner in dependant.dependencies:
        yield from calls_of(inner)


def test_no_request_waits_for_a_thread() -> None:
    modules = [import_module(f"{resources.__name__}.{found.name}") for found in pkgutil.iter_modules(resources.__path__)]
    routes = [route for module in modules if hasattr(module, "router") for route in module.router.routes]
    calls = {call for route in routes if isinstance(route, APIRoute) for call in calls_of(route.dependant)}
    assert len(calls) > 20
    assert [call for call in calls if not inspect.iscoroutinefunction(call if inspect.isfunction(call) else call.__call__)] == []
