"""What is left out of the server's start, and that what needs it works all the same."""

import subprocess
from pathlib import Path

PYTHON = Path(__file__).parents[3] / ".venv-session/bin/python"
BEGIN = """
import sys
from rspark_session.jupyter import deferred_imports
deferred_imports.install()
"""


def said(code: str) -> str:
    """Run code in a Python of its own, where nothing is loaded yet."""
    return subprocess.run([PYTHON, "-c", BEGIN + code], capture_output=True, text=True, check=True).stdout


def test_the_server_loads_without_it() -> None:
    code = """
import rspark_session.jupyter.server, rspark_session.jupyter.lab
print([name for name in ("urllib3", "arrow", "isoduration.parser", "lark") if name in sys.modules])
"""
    assert said(code) == "[]\n"


def test_what_is_loaded_later_is_the_whole_module() -> None:
    code = """
import requests
before = "urllib3" in sys.modules
print(before, requests.Session.__name__, sys.modules["requests"].__file__ is not None)
from requests.exceptions import HTTPError
print(issubclass(HTTPError, requests.RequestException), requests.Session is sys.modules["requests"].Session)
"""
    assert said(code) == "False Session True\nTrue True\n"


def test_a_package_of_it_can_be_the_first_that_is_asked_for() -> None:
    assert said("from requests.adapters import HTTPAdapter; print(HTTPAdapter.__name__)") == "HTTPAdapter\n"


def test_schemas_are_checked_and_formats_without_a_checker_pass() -> None:
    code = """
import jsonschema
checker = jsonschema.Draft202012Validator.FORMAT_CHECKER
for form, value in (("uri", "no uri"), ("date", "no date")):
    validator = jsonschema.Draft202012Validator({"type": "string", "format": form}, format_checker=checker)
    print(validator.is_valid(value), validator.is_valid(1))
"""
    assert said(code) == "True False\nFalse False\n"


def test_templates_have_names_of_any_letters() -> None:
    code = """
import jinja2
print(jinja2.Environment().from_string("{{ größe }} {{ a_1.b2 }} {{ 名 }}").render(größe=1, a_1={"b2": 2}, 名=3))
"""
    assert said(code) == "1 2 3\n"


def test_the_job_of_a_notebook_loads_without_it(tmp_path: Path) -> None:
    (tmp_path / "a.ipynb").write_text("{}")
    code = f"""
import runpy
sys.modules.pop("rfc3987_syntax")  # what was put off above: the job has to do it itself
sys.argv = ["", "pages", {str(tmp_path / "a.ipynb")!r}, "html"]
try:
    runpy.run_module("rspark_session.rc2.rendering", run_name="__main__")
except SystemExit as end:
    print(end.code, "nbconvert" in sys.modules, sys.modules.get("lark"))
"""
    assert said(code) == "1 True None\n"
