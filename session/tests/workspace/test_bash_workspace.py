"""What bash has again after a sleep: the rows of the table in docs/concepts.md."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from rspark_session.jupyter import snapshot

from .bash_state import CASES, Case


def save(folder: Path) -> str:
    return str(snapshot.code("save", "bash", folder))


def restore(folder: Path) -> str:
    return str(snapshot.code("restore", "bash", folder))


def shell(code: str, folder: Path, **environ: str) -> str:
    done = subprocess.run(
        ["bash", "--norc", "-c", f"shopt -s expand_aliases\n{code}"],
        cwd=folder, env={**os.environ, "LANG": "C.UTF-8", **environ}, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    return done.stdout.strip()


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kept")
    made = "\n".join(case.made for case in CASES)
    assert shell(f"{made}\n{save(folder)}; kill %1 $forgotten", folder, GIVEN="old") == ""
    return folder


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.what)
def test_it_is_kept_or_named(kept: Path, case: Case) -> None:
    if case.named:
        assert any(case.named in lost["name"] for lost in json.loads((kept / "manifest.json").read_text())["lost"])
        return
    assert shell(f"{restore(kept)}\n{case.asked}", kept) == case.answer


def test_what_the_new_session_sets_is_not_overwritten_and_jobs_are_named(kept: Path) -> None:
    assert shell(f"{restore(kept)}; echo $GIVEN; compgen -v __rspark; compgen -A function __rspark", kept, GIVEN="new") == "new"
    for name in ("manifest.json", "restored.json"):
        report = json.loads((kept / name).read_text())
        assert report["objects"] >= 6
        named = [(lost["class"], lost["name"]) for lost in report["lost"]]
        # The shell chooses the numbers of a coprocess's pipes.
        assert [each for each in named if "coproc" not in each[1] and not each[1].startswith("pipe")] == [
            ("job", "sleep 60 &"), ("program", "sleep 61"), ("open file", f"{kept / 'opened.txt'} (7)"),
            ("connection", "socket (8)"),
        ]  # fmt: skip


STRICT = """
set -o errexit -o nounset -o noclobber -o pipefail
printf() { echo mine; }; tail() { echo mine; }; alias rm='rm -i' sed='sed -n' grep='grep --color=always' declare=false
"""


def test_a_strict_shell_with_names_of_commands_sleeps_again_and_again(tmp_path: Path) -> None:
    for number in range(2):
        before = restore(tmp_path) if number else STRICT
        assert shell(f"{before}\nn={number}\n{save(tmp_path)}", tmp_path) == ""
        assert not (tmp_path / "failed.json").exists()
        assert json.loads((tmp_path / "manifest.json").read_text())["lost"] == []
    asked = "printf; tail; alias rm; echo $n; set -o | command grep -c -E '^(errexit|nounset|noclobber|pipefail).*on$'"
    assert shell(f"{restore(tmp_path)}\n{asked}", tmp_path).split("\n") == [
        "mine",
        "mine",
        "alias rm='rm -i'",
        "1",
        "4",
    ]


def test_functions_with_the_names_of_what_calls_builtins_keep_nothing_from_being_saved(tmp_path: Path) -> None:
    made = "x=1; set -k; set -- a b; trap 'echo bye' USR1; command() { echo mine; }; builtin() { echo mine; }"
    asked = 'command; builtin; echo "$x $2 ${!__rspark*}$POSIXLY_CORRECT"; trap; shopt inherit_errexit expand_aliases; echo $-'
    expected = shell(f"{made}\n{asked}", tmp_path)
    assert shell(f"{made}\n{save(tmp_path)}\n{asked}", tmp_path) == expected
    assert not (tmp_path / "failed.json").exists()
    assert (tmp_path / "caller").read_text().count("trap -- 'echo bye' SIGUSR1") == 1
    assert shell(f"{restore(tmp_path)}\n{save(tmp_path)}", tmp_path) == ""
    assert shell(f"{restore(tmp_path)}\n{asked}", tmp_path) == expected


def test_traps_are_as_they_were_also_where_a_function_is_called_trap(tmp_path: Path) -> None:
    made = "trap 'echo \"trap -- x\ntrap -- y\"' USR1; trap '' HUP; trap 'echo gone' ERR; trap() { return 1; }"
    asked = "builtin trap -p; trap || echo theirs"
    expected = shell(f"{made}\n{asked}", tmp_path)
    shell(f"{made}\n{save(tmp_path)}", tmp_path)
    assert shell(f"{restore(tmp_path)}; echo $?\n{asked}", tmp_path) == f"0\n{expected}"


def test_what_a_version_before_saved_is_read(tmp_path: Path) -> None:
    assert shell(f"x=1\n{save(tmp_path)}", tmp_path) == ""
    (tmp_path / "caller").unlink()  # traps were among the rest
    with (tmp_path / "state.sh").open("a") as state:
        state.write("trap -- 'echo bye' SIGUSR1\n")
    assert shell(f"{restore(tmp_path)}\necho $x; trap -p USR1", tmp_path) == "1\ntrap -- 'echo bye' SIGUSR1"
