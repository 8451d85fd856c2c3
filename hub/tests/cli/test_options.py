"""Options of every command, in every place: made from the commands themselves, so that a new one is tried too."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rsparkhub.cli import command_line

#: After its first word, everything is the command that runs in the session.
PASSES_ON = ("session", "exec")
#: Say with `--data` what becomes of somebody's data too.
HAVE_THEIR_OWN = {("user", "remove"), ("group", "remove")}


def leaves(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    inside = getattr(command, "commands", None)
    if inside is None:
        yield path, command
        return
    for name, each in inside.items():
        yield from leaves(each, (*path, name))


COMMANDS = {" ".join(path): path for path, _ in leaves(command_line())}


def words_of(leaf: Any) -> list[str]:
    """Return a word for each argument that a command must have: any name, and of a file that there is."""
    return [__file__ for each in leaf.params if each.param_type_name == "argument" and each.required]


def run(path: tuple[str, ...], words: list[str], monkeypatch: pytest.MonkeyPatch) -> str | None:
    """Run a command of which only the last step is left out; return the data folder that it would have used."""
    monkeypatch.delenv("RSPARKHUB_DATA", raising=False)
    used: list[str | None] = []
    root = command_line()
    leaf = dict(leaves(root))[path]
    leaf.callback = lambda **values: used.append(os.environ.get("RSPARKHUB_DATA"))
    root.main(args=words, prog_name="rsparkhub", standalone_mode=False)
    assert len(used) == 1
    return used[0]


@pytest.mark.long
@pytest.mark.parametrize("path", COMMANDS.values(), ids=COMMANDS)
def test_the_data_folder_is_named_in_any_place(path: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    leaf = dict(leaves(command_line()))[path]
    words = [*path, *words_of(leaf)]
    places = len(path) + 1 if path == PASSES_ON else len(words) + 1
    if path in HAVE_THEIR_OWN:
        places = len(path)  # the command's own is below
    for place in range(places):
        for option in (["--data", str(tmp_path)], [f"--data={tmp_path}"]):
            assert run(path, [*words[:place], *option, *words[place:]], monkeypatch) == str(tmp_path), (place, option)
    assert run(path, words, monkeypatch) is None
    if path not in HAVE_THEIR_OWN:
        twice = ["--data", "elsewhere", *path, "--data", str(tmp_path), *words[len(path) :]]
        assert run(path, twice, monkeypatch) == str(tmp_path)


@pytest.mark.long
@pytest.mark.parametrize("path", COMMANDS.values(), ids=COMMANDS)
def test_the_version_is_printed_in_any_place(
    path: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for place in range(len(path) + 1):
        command_line().main(args=[*path[:place], "--version", *path[place:]], prog_name="rsparkhub", standalone_mode=False)
        assert capsys.readouterr().out.startswith("rsparkhub ")


def test_what_becomes_of_data_and_where_they_are_are_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`user remove` has both, under one name."""
    removed: list[tuple[str, str | None]] = []

    def ask(question: Any) -> None:
        class Users:
            def remove(self, name: str, *, data: Any) -> None:
                removed.append((data.value, os.environ.get("RSPARKHUB_DATA")))

        question(type("Hub", (), {"users": Users()}))

    monkeypatch.setattr("rsparkhub.cli.access.ask", ask)
    folder = str(tmp_path)
    for words in (
        ["user", "remove", "ada", "--data", folder, "--data", "delete"],
        ["user", "remove", "--data", "delete", "ada", "--data", folder],
        ["--data", folder, "user", "remove", "ada", "--data=delete"],
        ["user", "--data", folder, "remove", "--data", "delete", "ada"],
    ):
        monkeypatch.delenv("RSPARKHUB_DATA", raising=False)
        command_line().main(args=words, prog_name="rsparkhub", standalone_mode=False)
        assert removed.pop() == ("delete", folder)
    monkeypatch.delenv("RSPARKHUB_DATA", raising=False)
    command_line().main(args=["user", "remove", "ada"], prog_name="rsparkhub", standalone_mode=False)
    assert removed.pop() == ("keep", None)
