"""Somebody who does what a page says, in a folder that looks like a checkout and whose Pythons may be thrown away."""

import re
import shlex
import subprocess
import sysconfig
from pathlib import Path

from tests.how_to.page import Expect, Type, Write, steps
from tests.installation import ROOT, Installation

_RUNNING = re.compile(r"^(\w+) is running: (\S+)$", re.MULTILINE)


class Reader:
    """The folder, and what was done in it.

    `make up` is done as what it does, `rsparkhub up`, on a folder of data and a port of the test's own; `ID` in a command stands
    for the id of the session that was started last, as the pages say.
    """

    def __init__(self, place: Path) -> None:
        self._place = place
        for name in (".venv", ".venv-session"):
            make_venv(place / name, ROOT / name)
        command = place / ".venv/bin/rsparkhub"
        command.unlink()
        command.write_text(f"#!{place}/.venv/bin/python\nfrom rsparkhub.cli import main\nmain()\n")
        command.chmod(0o755)
        (place / ".build").symlink_to(ROOT / ".build")
        (place / "environments").mkdir()
        self.installation = Installation(
            place / "data",
            command=command,
            environ={
                "RSPARKHUB_DATA": str(place / "data"),
                "RSPARKHUB_ENVIRONMENTS": str(place / "environments"),
                "RSPARKHUB_SESSION_PYTHON": str(place / ".venv-session/bin/python"),
            },
        )
        self.sessions: dict[str, str] = {}  # id → address
        self._id = "ID"

    def follow(self, page: Path) -> None:
        """Do all that the page says, and see what it promises."""
        printed = ""
        for step in steps(page):
            match step:
                case Write(path, content):
                    (self._place / path).parent.mkdir(parents=True, exist_ok=True)
                    (self._place / path).write_text(content)
                case Type(commands):
                    for command in commands:
                        printed = self._type(command)
                case Expect(text):
                    assert text in printed, f"{page.name} promises {text!r}, and there was:\n{printed}"

    def _type(self, command: str) -> str:
        if command == "make up":
            return self.installation.up()
        words = shlex.split(re.sub(r"\bID\b", self._id, command))
        done = subprocess.run(
            words, cwd=self._place, env=self.installation.environ, capture_output=True, text=True, timeout=180, check=False
        )
        assert done.returncode == 0, f"{command} ended with {done.returncode}:\n{done.stdout}{done.stderr}{self._logs()}"
        if started := _RUNNING.search(done.stdout):
            self._id = started[1]
            self.sessions[started[1]] = started[2]
        return done.stdout

    def _logs(self) -> str:
        files = sorted((self._place / "data").glob("sessions/*/*/log/*.log"))
        return "".join(f"\n{file}:\n{file.read_text()[-2000:]}" for file in files)


def make_venv(place: Path, based_on: Path) -> None:
    """Make a Python that has what another one has, and may get more."""
    subprocess.run([based_on / "bin/python", "-m", "venv", "--without-pip", place], check=True)
    purelib = sysconfig.get_path("purelib", "venv", vars={"base": str(place), "platbase": str(place)})
    others = sysconfig.get_path("purelib", "venv", vars={"base": str(based_on), "platbase": str(based_on)})
    Path(purelib, "based-on.pth").write_text(f"import site; site.addsitedir({others!r})\n")
    for program in (based_on / "bin").iterdir():
        if not (place / "bin" / program.name).exists():
            (place / "bin" / program.name).symlink_to(program)
