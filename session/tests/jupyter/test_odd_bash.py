"""Whatever a person makes of bash's settings and names, its kernel answers and completes, and is kept over a sleep."""

import os
import signal
import threading
from pathlib import Path

import pytest
from session.tests.jupyter.odd_settings import BASH, kernel
from session.tests.places import session_python

COMMAND = [session_python(), "-I", "-m", "rspark_session.jupyter.bash_kernel", "-f"]
LOOP = 'for number in 1 2; do\n\\builtin echo "$number" > /dev/tty\ndone'
ASKED = '\\builtin printf "%s\\n" "$((before + 1))" > /dev/tty'


@pytest.mark.long
@pytest.mark.parametrize("odd", BASH)
def test_it_answers_and_is_kept(tmp_path: Path, odd: str) -> None:
    work, kept = tmp_path / "work", tmp_path / "kept"
    work.mkdir()
    kept.mkdir()
    with kernel("bash", COMMAND, work) as bash:
        bash.shown("before=41")
        bash.shown(odd)
        assert "$before" in bash.completions("echo $befo")
        assert bash.completions("echo no-such-word-as-this") == []
        assert "42" in bash.shown(ASKED).splitlines()
        bash.save(kept)
        assert "42" in bash.shown(ASKED).splitlines()
        assert {"1", "2"} <= set(bash.shown(LOOP).splitlines())
    with kernel("bash", COMMAND, work) as bash:
        bash.restore(kept)
        assert "42" in bash.shown(ASKED).splitlines()


@pytest.mark.long
def test_a_prompt_that_can_not_be_set_again_ends_the_shell_and_says_so(tmp_path: Path) -> None:
    with kernel("bash", COMMAND, tmp_path) as bash:
        assert "another one was started" in bash.shown("PS1=mine; readonly PS1")
        assert bash.shown("echo $((6 * 7))") == "42"


def test_a_prompt_is_set_again_where_code_has_a_function_builtin(tmp_path: Path) -> None:
    with kernel("bash", COMMAND, tmp_path) as bash:
        bash.shown("kept=1; builtin() { :; }; PS1=mine")
        assert "1" in bash.shown("unset -f builtin; echo $kept").splitlines()


@pytest.mark.long
def test_a_shell_that_is_given_up_after_code_is_replaced_by_the_next(tmp_path: Path) -> None:
    with kernel("bash", COMMAND, tmp_path) as bash:
        bash.shown("PROMPT_COMMAND='((n++)) && PS1='; readonly PROMPT_COMMAND")
        assert bash.completions("ech") == []
        assert "another one was started" in bash.shown("echo never >> said.txt")
        assert not (tmp_path / "said.txt").exists()
        assert bash.shown("echo $((6 * 7))") == "42"
        assert "echo" in bash.completions("ech")


def test_a_word_is_completed_and_not_executed(tmp_path: Path) -> None:
    with kernel("bash", COMMAND, tmp_path) as bash:
        bash.shown("touch 'data one.csv' data.csv")
        assert bash.completions("x$(touch${IFS}executed)") == []
        assert not (tmp_path / "executed").exists()
        assert bash.completions("cat data") == ["data one.csv", "data.csv"]


@pytest.mark.long
def test_a_shell_that_gets_no_processor_for_long_is_not_taken_for_one_without_a_prompt(tmp_path: Path) -> None:
    with kernel("bash", COMMAND, tmp_path) as bash:
        shell = int(bash.shown("echo $$"))
        os.kill(shell, signal.SIGSTOP)
        goes_on = threading.Timer(5, os.kill, (shell, signal.SIGCONT))
        goes_on.start()
        assert bash.shown("printf first") == "first"
        goes_on.join()
        assert [bash.shown(f"echo {number}") for number in range(5)] == ["0", "1", "2", "3", "4"]


@pytest.mark.long
def test_a_command_of_several_lines_behind_a_prompt_of_the_persons_own_ends_alone_and_says_so(tmp_path: Path) -> None:
    with kernel("bash", COMMAND, tmp_path) as bash:
        bash.shown("kept=1")
        said = bash.shown(f"PS2='> '\n{LOOP}\necho never")
        assert "run the code once more" in said
        assert "never" not in said
        assert bash.shown(LOOP) == "1\n2"
        assert bash.shown("echo $kept") == "1"


@pytest.mark.long
def test_a_key_that_code_waits_for_is_not_taken_for_a_prompt(tmp_path: Path) -> None:
    with kernel("bash", COMMAND, tmp_path) as bash:
        assert bash.shown('read -n 1 -t 6 key; echo "got=$?"') == "got=142"
        assert [bash.shown(f"echo {number}") for number in range(3)] == ["0", "1", "2"]


@pytest.mark.long
def test_a_line_that_code_waits_for_leaves_no_prompt_over(tmp_path: Path) -> None:
    with kernel("bash", COMMAND, tmp_path) as bash:
        assert "got=" in bash.shown('read -e -n 5 key; echo "got=$?"')
        assert [bash.shown(f"echo {number}") for number in range(3)] == ["0", "1", "2"]
