import json
import subprocess
from pathlib import Path

import pytest

from rspark_contract.specs import ServiceSpec
from rspark_session.agent.lifecycle import session_services
from rspark_session.notebook_cell import Cell
from rspark_session.services import registry
from rspark_session.services.base import Context
from rspark_session.welcome import NOTEBOOK, QUARTO, R_MARKDOWN, WelcomeDocument

SESSION_PYTHON = Path(__file__).parents[3] / ".venv-session/bin/python"
ALL = [NOTEBOOK, R_MARKDOWN, QUARTO]


def shown(folder: Path, *names: str) -> list[Cell]:
    """Return what services show that a session has."""
    contexts = [Context(spec=ServiceSpec(name=name, title=name), base_path="/s/x/", home=folder, run=folder) for name in names]
    return session_services.welcome([registry.find(each.spec.name)(each) for each in contexts])


def written(document: WelcomeDocument, home: Path, *services: str) -> str:
    """Return the text of a document that a new home gets."""
    file = document.write(home, kernels=[document.language], cells=shown(home, *services))
    assert file == home / document.name
    return file.read_text()


def test_a_new_home_gets_a_valid_notebook(tmp_path: Path) -> None:
    text = written(NOTEBOOK, tmp_path, "postgres", "spark")
    check = "import nbformat, sys; nbformat.validate(nbformat.read(sys.argv[1], as_version=4))"
    subprocess.run([SESSION_PYTHON, "-c", check, tmp_path / NOTEBOOK.name], check=True)
    sources = "\n".join("".join(cell["source"]) for cell in json.loads(text)["cells"])
    assert "spark_sql" in sources
    assert "psycopg" not in sources


def test_a_document_has_chunks_of_its_language_and_no_other(tmp_path: Path) -> None:
    text = written(R_MARKDOWN, tmp_path, "postgres", "spark")
    assert text.startswith('---\ntitle: "Welcome"\noutput: html_document\n---\n\n')
    assert text.count("\n```{r}\n") == text.count("\n```\n") == 3
    assert "psycopg" not in text
    assert max(map(len, text.splitlines())) <= 66, "it fits an editor with panes beside it"
    text = written(QUARTO, tmp_path, "postgres", "spark")
    assert max(map(len, text.splitlines())) <= 66
    assert text.startswith('---\ntitle: "Welcome"\nformat: html\n---\n\n')
    assert text.count("\n```{python}\n") == text.count("\n```\n") == 2
    assert "library(" not in text


@pytest.mark.parametrize("document", ALL)
def test_it_speaks_only_of_what_the_environment_offers(document: WelcomeDocument, tmp_path: Path) -> None:
    assert "postgres" not in written(document, tmp_path).lower()
    (tmp_path / document.name).unlink()
    (tmp_path / ".config/rspark" / document.mark).unlink()
    text = written(document, tmp_path, "postgres").lower()
    assert "postgres" in text
    assert "spark" not in text.replace("library(rspark)", "")


def test_what_needs_another_service_is_left_out(tmp_path: Path) -> None:
    assert shown(tmp_path, "spark") == []
    assert shown(tmp_path, "spark", "postgres") == shown(tmp_path, "postgres", "spark"), "and comes after it"
    assert len(shown(tmp_path, "postgres", "spark", "another")) > len(shown(tmp_path, "postgres"))


@pytest.mark.parametrize("document", ALL)
def test_one_that_was_deleted_does_not_come_back(document: WelcomeDocument, tmp_path: Path) -> None:
    written(document, tmp_path)
    (tmp_path / document.name).unlink()
    assert document.write(tmp_path, kernels=[document.language]) is None


@pytest.mark.parametrize("document", ALL)
def test_a_person_s_own_file_of_that_name_is_kept(document: WelcomeDocument, tmp_path: Path) -> None:
    (tmp_path / document.name).write_text("mine")
    assert document.write(tmp_path, kernels=[document.language]) is None
    assert (tmp_path / document.name).read_text() == "mine"


@pytest.mark.parametrize("document", ALL)
def test_a_home_without_its_language_is_left_alone(document: WelcomeDocument, tmp_path: Path) -> None:
    assert document.write(tmp_path, kernels=["bash"]) is None
    assert not any(tmp_path.iterdir())


def test_each_greets_once_whichever_came_first(tmp_path: Path) -> None:
    for document in ALL:
        written(document, tmp_path)
    assert {file.name for file in tmp_path.iterdir()} == {".config", *(document.name for document in ALL)}


@pytest.mark.parametrize("document", ALL)
def test_a_home_is_new_until_it_had_it(document: WelcomeDocument, tmp_path: Path) -> None:
    kernels = [document.language]
    assert document.is_new(tmp_path, kernels)
    assert not document.is_new(tmp_path, ["bash"])
    (tmp_path / document.name).touch()
    assert not document.is_new(tmp_path, kernels)
    (tmp_path / document.name).unlink()
    document.write(tmp_path, kernels=kernels)
    (tmp_path / document.name).unlink()
    assert not document.is_new(tmp_path, kernels)
