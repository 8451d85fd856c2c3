import json
import subprocess
from pathlib import Path

from rspark_session.welcome import NAME, write_welcome_notebook

SESSION_PYTHON = Path(__file__).parents[3] / ".venv-session/bin/python"


def sources(file: Path) -> str:
    return "\n".join("".join(cell["source"]) for cell in json.loads(file.read_text())["cells"])


def test_a_new_home_gets_a_valid_notebook(tmp_path: Path) -> None:
    file = write_welcome_notebook(tmp_path, offers=["r", "postgres", "spark"])
    assert file == tmp_path / NAME
    check = "import nbformat, sys; nbformat.validate(nbformat.read(sys.argv[1], as_version=4))"
    subprocess.run([SESSION_PYTHON, "-c", check, file], check=True)
    assert "spark_sql" in sources(file)


def test_it_speaks_only_of_what_the_environment_offers(tmp_path: Path) -> None:
    file = write_welcome_notebook(tmp_path, offers=["r", "postgres"])
    assert file is not None
    assert "postgres(" in sources(file)
    assert "spark" not in sources(file).replace("library(rspark)", "")


def test_a_notebook_that_was_deleted_does_not_come_back(tmp_path: Path) -> None:
    file = write_welcome_notebook(tmp_path, offers=["r"])
    assert file is not None
    file.unlink()
    assert write_welcome_notebook(tmp_path, offers=["r"]) is None


def test_a_person_s_own_file_of_that_name_is_kept(tmp_path: Path) -> None:
    (tmp_path / NAME).write_text("mine")
    assert write_welcome_notebook(tmp_path, offers=["r"]) is None
    assert (tmp_path / NAME).read_text() == "mine"


def test_a_home_without_r_is_left_alone(tmp_path: Path) -> None:
    assert write_welcome_notebook(tmp_path, offers=["python"]) is None
    assert not any(tmp_path.iterdir())
