import json
import subprocess
from pathlib import Path

from rspark_contract.specs import ServiceSpec
from rspark_session.agent.lifecycle import session_services
from rspark_session.notebook_cell import Cell
from rspark_session.services import registry
from rspark_session.services.base import Context
from rspark_session.welcome import NAME, is_new, write_welcome_notebook

SESSION_PYTHON = Path(__file__).parents[3] / ".venv-session/bin/python"


def sources(file: Path) -> str:
    return "\n".join("".join(cell["source"]) for cell in json.loads(file.read_text())["cells"])


def shown(folder: Path, *names: str) -> list[Cell]:
    """Return what services show that a session has."""
    contexts = [Context(spec=ServiceSpec(name=name, title=name), base_path="/s/x/", home=folder, run=folder) for name in names]
    return session_services.welcome([registry.find(each.spec.name)(each) for each in contexts])


def test_a_new_home_gets_a_valid_notebook(tmp_path: Path) -> None:
    file = write_welcome_notebook(tmp_path, kernels=["r"], cells=shown(tmp_path, "postgres", "spark"))
    assert file == tmp_path / NAME
    check = "import nbformat, sys; nbformat.validate(nbformat.read(sys.argv[1], as_version=4))"
    subprocess.run([SESSION_PYTHON, "-c", check, file], check=True)
    assert "spark_sql" in sources(file)


def test_it_speaks_only_of_what_the_environment_offers(tmp_path: Path) -> None:
    file = write_welcome_notebook(tmp_path, kernels=["r"], cells=shown(tmp_path, "postgres"))
    assert file is not None
    assert "postgres(" in sources(file)
    assert "spark" not in sources(file).replace("library(rspark)", "")


def test_what_needs_another_service_is_left_out(tmp_path: Path) -> None:
    assert shown(tmp_path, "spark") == []
    assert len(shown(tmp_path, "postgres", "spark", "another")) > len(shown(tmp_path, "postgres"))


def test_a_notebook_that_was_deleted_does_not_come_back(tmp_path: Path) -> None:
    file = write_welcome_notebook(tmp_path, kernels=["r"])
    assert file is not None
    file.unlink()
    assert write_welcome_notebook(tmp_path, kernels=["r"]) is None


def test_a_person_s_own_file_of_that_name_is_kept(tmp_path: Path) -> None:
    (tmp_path / NAME).write_text("mine")
    assert write_welcome_notebook(tmp_path, kernels=["r"]) is None
    assert (tmp_path / NAME).read_text() == "mine"


def test_a_home_without_r_is_left_alone(tmp_path: Path) -> None:
    assert write_welcome_notebook(tmp_path, kernels=["python"]) is None
    assert not any(tmp_path.iterdir())


def test_a_home_is_new_until_it_had_the_notebook(tmp_path: Path) -> None:
    assert is_new(tmp_path, ["r"])
    assert not is_new(tmp_path, ["python"])
    (tmp_path / NAME).touch()
    assert not is_new(tmp_path, ["r"])
    (tmp_path / NAME).unlink()
    write_welcome_notebook(tmp_path, kernels=["r"])
    (tmp_path / NAME).unlink()
    assert not is_new(tmp_path, ["r"])
