"""What a command prints is for people and programs: a terminal has nothing to obey in it."""

import ast
import json
from pathlib import Path

import pytest

import rsparkhub.cli
from rsparkhub.cli import output

_ODD = "a\x1b]0;gotcha\x07b\x9b2Jc\u202ed\ud800e\x00f\rg\x7f"


def harmless(text: str) -> bool:
    return text.replace("\n", "").replace("\N{REPLACEMENT CHARACTER}", "").isprintable()


def test_texts_tables_and_json_are_printed_without_what_a_terminal_obeys(capsys: pytest.CaptureFixture[str]) -> None:
    output.say(f"rsparkhub: {_ODD}", error=True)
    output.print_table([_ODD[0]], [[_ODD]], empty="")
    output.print_table(["A"], [], empty=_ODD)
    output.print_json({"name": _ODD, _ODD: 1})
    printed = capsys.readouterr()
    assert harmless(printed.err)
    assert harmless(printed.out)
    assert json.loads(printed.out[printed.out.index("{") :])["name"] == _ODD


def test_no_command_prints_by_itself_what_comes_from_elsewhere() -> None:
    """`print` is left to what is ours alone: the version, manifests, tokens and links, and a log that goes into a pipe."""
    allowed = {"options.py": 1, "output.py": 2, "render.py": 2, "session.py": 1, "token.py": 1, "up.py": 1, "user.py": 1}
    folder = Path(rsparkhub.cli.__file__).parent
    found = {}
    for file in folder.glob("*.py"):
        calls = [node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Call)]
        count = sum(isinstance(call.func, ast.Name) and call.func.id == "print" for call in calls)
        if count:
            found[file.name] = count
    assert found == allowed
