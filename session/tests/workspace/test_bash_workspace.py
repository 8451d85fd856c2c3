"""What bash has again after a sleep: the rows of the table in docs/concepts.md."""

import json
import os
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest
from session.tests.running import CHECKOUT

SCRIPT = CHECKOUT / "session/src/rspark_session/workspace/workspace.sh"


class Case(NamedTuple):
    what: str
    made: str
    asked: str
    answer: str


CASES = (
    Case("variables", "x='a b \"c\" $d'", 'printf %s "$x"', 'a b "c" $d'),
    Case("arrays", "a=(1 'two three'); declare -A m=([k]=v)", 'printf "%s|%s" "${a[1]}" "${m[k]}"', "two three|v"),
    Case("integers and constants", "declare -i n=5; declare -r c=7", "n+=1; echo $n $c", "6 7"),
    Case("exported variables", "export MINE=ü", "env | grep ^MINE", "MINE=ü"),
    Case("functions", "f() { echo \"f $1\"; }", "f 3", "f 3"),
    Case("aliases", "alias ll='ls -l'", "alias ll", "alias ll='ls -l'"),
    Case("options of the shell", "shopt -s globstar; set -o noclobber",
         "shopt -q globstar && set -o | grep noclobber | tr -d '[:space:]'",
         "noclobberon"),
    Case("traps", "trap 'echo bye' USR1", "trap -p USR1", "trap -- 'echo bye' SIGUSR1"),
)  # fmt: skip


def shell(code: str, folder: Path, **environ: str) -> str:
    done = subprocess.run(
        ["bash", "--norc", "-c", f"shopt -s expand_aliases\n{code}"],
        cwd=folder, env={**os.environ, **environ}, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    return done.stdout.strip()


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kept")
    made = "\n".join(case.made for case in CASES)
    assert shell(f"{made}\nset -m; sleep 60 & \n. {SCRIPT} save {folder}; kill %1", folder, GIVEN="old") == ""
    return folder


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.what)
def test_it_is_kept(kept: Path, case: Case) -> None:
    assert shell(f". {SCRIPT} restore {kept}\n{case.asked}", kept) == case.answer


def test_what_the_new_session_sets_is_not_overwritten_and_jobs_are_named(kept: Path) -> None:
    assert (
        shell(f". {SCRIPT} restore {kept}; echo $GIVEN; compgen -v __rspark; compgen -A function __rspark", kept, GIVEN="new")
        == "new"
    )
    for name in ("manifest.json", "restored.json"):
        report = json.loads((kept / name).read_text())
        assert report["objects"] >= 6
        assert [(lost["class"], "sleep 60" in lost["name"]) for lost in report["lost"]] == [("job", True)]
