"""What the agent decides about a server: written by one, read by the other, from one description."""

from dataclasses import replace
from pathlib import Path

import pytest

from rspark_session.jupyter.options import OptionsInvalid, ServerOptions
from rspark_session.jupyter.warm_kernel import StartedKernel

OPTIONS = ServerOptions(
    extension="rspark_session.jupyter.lab",
    default_url="/lab",
    first_documents=("course/one.Rmd", "Welcome.Rmd"),
    kernels=("r", "bash"),
    base_url="/s/aaaa/",
    home=Path("/home/ann"),
    run=Path("/run/aaaa"),
    socket=Path("/run/aaaa/s/interface"),
    token="t0ken",
    control=7,
    restore=None,
    warm_kernel=None,
)
WARM = StartedKernel(pid=17, pidfd=8, started=1.5e9, connection={"ip": "/run/aaaa/s/warm-ipc", "shell_port": 1})


@pytest.mark.parametrize("options", [OPTIONS, replace(OPTIONS, restore=Path("/keep/workspace/1"), warm_kernel=WARM)])
def test_options_are_read_as_they_were_written(options: ServerOptions, tmp_path: Path) -> None:
    file = tmp_path / "interface.json"
    file.write_text(options.text())
    assert ServerOptions.read(file) == options


@pytest.mark.parametrize("text", ["", "{}", "[]"])
def test_what_can_not_be_used_is_refused_with_the_name_of_the_file(text: str, tmp_path: Path) -> None:
    file = tmp_path / "interface.json"
    file.write_text(text)
    with pytest.raises(OptionsInvalid, match=r"interface.json can't be used"):
        ServerOptions.read(file)
