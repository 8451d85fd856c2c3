"""What a shell prints, cut into pieces wherever the network likes."""

import subprocess

import pytest

from rsparkhub.cli.shell import Marked

PRINTED = "ana@hub:~$ echo of what was typed\r\nbeginabc:\nfirst\n\nend of it\n\nendabc:7\nana@hub:~$ exit"


@pytest.mark.parametrize("length", [1, 2, 3, 7, 1000])
def test_what_stands_between_the_marks_is_given_as_it_is(length: int) -> None:
    reader, given = Marked("abc"), ""
    for start in range(0, len(PRINTED), length):
        given += reader.take(PRINTED[start : start + length])
        if reader.code is not None:
            break
    assert given == "first\n\nend of it\n"
    assert reader.code == 7


def test_what_cannot_be_the_second_mark_is_given_at_once() -> None:
    reader = Marked("abc")
    assert reader.take("beginabc:\nhalf a line") == "half a line"
    assert reader.take("\nen") == ""
    assert reader.take("tirely") == "\nentirely"


@pytest.mark.parametrize(
    ("command", "printed", "code"),
    [
        ("printf 'a\tb'", "a\tb", 0),
        ("echo 'two\nlines'; exit 3", "two\nlines\n", 3),
        ("echo to stderr >&2; false", "to stderr\n", 1),
        ("cd / && pwd", "/\n", 0),
        ("printf %s '$HOME `id` \"!!\"'", '$HOME `id` "!!"', 0),
    ],
)
def test_a_real_bash_does_what_is_typed_and_its_echo_is_not_taken_for_it(command: str, printed: str, code: int) -> None:
    reader = Marked("abc")
    line = reader.line(command).replace("\r", "\n").replace("stty -echo -opost;", "")
    bash = subprocess.run(
        ["bash", "--norc", "-i"], input=line, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=30, check=False
    )
    assert reader.take(line + bash.stdout) == printed
    assert reader.code == code
