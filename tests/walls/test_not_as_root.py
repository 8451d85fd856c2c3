"""Who does not start RSparkHub as root hears whom to trust: at the start, from doctor, and when a second person is there.

Tests run as root; so the program becomes another account first, as a session does.
"""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from rsparkhub.backends.process import become
from tests.install.running import Running
from tests.installation import COMMAND, ROOT

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(300),
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another account"),
]
SOMEBODY = 64_321
_PROGRAM = """#!{python}
import os, sys
sys.path.insert(0, {modules!r})
import become
become.become({uid}, {uid}, groups=[], visible={visible!r})
os.environ["HOME"] = {home!r}
os.execv({command!r}, [{command!r}, *sys.argv[1:]])
"""


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("not-root")
    home = folder / "home"
    home.mkdir()
    os.chown(home, SOMEBODY, SOMEBODY)
    program = folder / "rsparkhub"
    program.write_text(
        _PROGRAM.format(
            python=sys.executable, modules=str(Path(become.__file__).parent), uid=SOMEBODY, home=str(home), command=str(COMMAND),
            visible=[sys.base_prefix, str(ROOT), str(home)],
        )
    )  # fmt: skip
    program.chmod(0o755)
    with Running(home / "data", command=program) as running:
        yield running


def test_the_start_says_it(here: Running) -> None:
    assert "Note: RSparkHub was not started by root" in here.data.with_suffix(".up.log").read_text()


def test_doctor_says_it_and_what_to_do(here: Running) -> None:
    said = " ".join(here.command("doctor", "--data", str(here.data)).stdout.split())
    assert "people who trust each other" in said
    assert "Start it as root" in said


def test_the_page_of_people_says_it_from_the_second_person_on(here: Running) -> None:
    with here.client() as http:
        assert http.get("/hub/api/users").json()["notice"] is None
        assert http.post("/hub/api/users", json={"name": "ada"}).status_code == 201
        assert "people who trust each other" in http.get("/hub/api/users").json()["notice"]
