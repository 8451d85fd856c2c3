"""What an installation has is listed without what only the opened backend or a service's own client needs."""

import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from pydantic import BaseModel, Field

from rsparkhub.backends.base import Backend
from rsparkhub.backends.definition import BackendDefinition
from rsparkhub.domain.errors import NotFound
from rsparkhub.domain.requirements import Requirements, java_version, python_modules, r_packages
from rsparkhub.installed.extensions import BACKENDS, backends, interfaces, services
from rsparkhub.settings import Settings, read_settings, with_groups


class FarmSettings(BaseModel):
    """How sessions get to the farm."""

    rack: str = Field(default="1", description="Where.")


class FarmDefinition(BackendDefinition):
    name = "farm"
    settings_model = FarmSettings

    def describe(self, settings: Settings) -> str:
        return f"Sessions run on rack {settings.of_backend(self.name, FarmSettings).rack}."

    def open(self, settings: Settings) -> Backend:
        raise NotImplementedError


class NamedLikeASetting(FarmDefinition):
    name = "port"


def test_there_are_these() -> None:
    assert list(services()) == ["hdfs", "hive", "mapreduce", "postgres", "s3", "spark"]
    assert list(interfaces()) == ["jupyterlab", "rc2", "rstudio", "shiny", "terminal", "vscode", "web"]
    assert list(backends()) == ["kubernetes", "process"]


def test_a_process_that_lists_them_loads_no_client_of_a_cluster_or_a_database() -> None:
    script = (
        "import sys; from rsparkhub.installed.settings import load_settings;"
        "from rsparkhub.installed.schema import environment_schema;"
        "load_settings(data='/nowhere'); environment_schema();"
        "print(sorted({'psycopg', 'kr8s', 'aiohttp', 'httpx', 'sqlalchemy', 'fastapi'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_backend_of_another_package_has_its_settings_and_is_opened_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = BACKENDS.load(lambda group: [EntryPoint("farm", f"{__name__}:FarmDefinition", group)])
    assert list(found) == ["farm", "kubernetes", "process"]
    model = with_groups(backends={name: definition.settings_model for name, definition in found.items()})
    monkeypatch.setenv("RSPARKHUB_FARM__RACK", "7")
    settings = read_settings(model, data=tmp_path, backend="farm")
    assert found["farm"].describe(settings) == "Sessions run on rack 7."
    with pytest.raises(NotFound, match="The backend farm has no manifests"):
        found["farm"].render(settings, None)


def test_a_backend_cannot_be_called_as_a_setting_is() -> None:
    found = BACKENDS.load(lambda group: [EntryPoint("port", f"{__name__}:NamedLikeASetting", group)])
    assert "port" not in found
    assert "its name is taken" in found.problems[0]


def test_what_is_needed_is_named_once_and_of_java_the_newest() -> None:
    needs = {
        "One": Requirements(python=("a", "b"), r=("x",), java=11),
        "Two": Requirements(python=("b", "c"), r=("x", "y"), java=17),
        "Three": Requirements(),
    }
    assert python_modules(needs) == ("a", "b", "c")
    assert r_packages(needs) == ("x", "y")
    assert java_version(needs) == (17, "One, Two")
    assert java_version({"Three": Requirements()}) is None
