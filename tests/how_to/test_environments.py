"""Each environment file that a page shows is right, under the name that the page gives it."""

import re
from pathlib import Path

import pytest
import yaml

from rsparkhub.catalog import read_environment
from rsparkhub.installed.extensions import interfaces
from rsparkhub.installed.schema import environment_schema
from tests.installation import ROOT

#: Their interfaces and services come from packages that the pages make; `test_pages` follows them.
OF_PACKAGES = ("add-a-service.md", "add-an-interface.md")
_FILE = re.compile(r"`environments/(?P<name>[\w-]+)\.yaml`:\n\n```yaml\n(?P<text>.*?)```", re.DOTALL)
SHOWN = [
    pytest.param(shown["name"], shown["text"], id=f"{page.stem}: {shown['name']}")
    for page in sorted((ROOT / "docs").rglob("*.md"))
    if page.name not in OF_PACKAGES
    for shown in _FILE.finditer(page.read_text())
]


@pytest.mark.parametrize(("name", "text"), SHOWN)
def test_the_environment_of_a_page_is_right(name: str, text: str, tmp_path: Path) -> None:
    file = tmp_path / f"{name}.yaml"
    file.write_text(text)
    assert read_environment(file, environment_schema()).name == name


def test_every_interface_has_a_page_that_shows_it() -> None:
    asked = [yaml.safe_load(str(each.values[1]))["spec"]["interface"] for each in SHOWN]
    assert {each if isinstance(each, str) else next(iter(each)) for each in asked} == set(interfaces())
