"""What a person may choose at a start, and what it comes to."""

from typing import Any

import pytest
from pydantic import ValidationError

from rsparkhub.domain.errors import InvalidInput
from rsparkhub.domain.quantity import ByteSize
from rsparkhub.domain.start_options import StartOption, Value, check_options, chosen, options_in_force, set_twice

SIZES = ({"value": "small", "cpu": 1, "memory": "2Gi"}, {"value": "large", "title": "Large", "cpu": 4, "memory": "16Gi"})


def option(**said: Any) -> StartOption:
    return StartOption.model_validate({"title": "It", **said})


OPTIONS = {
    "size": option(kind="choice", choices=SIZES, default="small"),
    "workers": option(kind="number", least=1, most=8, default=2, variable="WORKERS"),
    "course": option(kind="text", pattern="[a-z]+-[0-9]{3}", default="stats-101", variable="COURSE"),
    "trace": option(kind="yes-no", default=False, variable="TRACE"),
}
USUAL: dict[str, Value] = {"size": "small", "workers": 2, "course": "stats-101", "trace": False}


def test_what_is_not_given_is_at_its_default() -> None:
    assert check_options("RSpark", OPTIONS, {}) == USUAL
    assert check_options("RSpark", OPTIONS, {"size": "large", "trace": True}) == USUAL | {"size": "large", "trace": True}
    assert check_options("RSpark", {}, {}) == {}


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ({"workers": "3"}, 3),
        ({"workers": 2.5}, 2.5),
        ({"trace": "yes"}, True),
        ({"trace": "Off"}, False),
        ({"trace": "true"}, True),
    ],
)
def test_a_command_line_and_a_link_write_them_as_text(given: dict[str, Value], read: Value) -> None:
    (name,) = given
    assert check_options("RSpark", OPTIONS, given)[name] == read


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"colour": "red"}, "RSpark has no option colour. It has: size, workers, course, trace."),
        ({"size": "huge"}, "The option size of RSpark is to be one of small, large."),
        ({"size": 4}, "The option size of RSpark is to be one of small, large."),
        ({"workers": 9}, "The option workers of RSpark is to be a number from 1 to 8."),
        ({"workers": "many"}, "The option workers of RSpark is to be a number from 1 to 8."),
        ({"workers": "nan"}, "The option workers of RSpark is to be a number from 1 to 8."),
        ({"workers": True}, "The option workers of RSpark is to be a number from 1 to 8."),
        ({"course": "Stats 101"}, "The option course of RSpark is to be a text of the form [a-z]+-[0-9]{3}."),
        ({"course": "stats-101x"}, "The option course of RSpark is to be a text of the form [a-z]+-[0-9]{3}."),
        ({"course": "stats-101\n"}, "The option course of RSpark is to be a text of one line and at most 500 characters."),
        ({"trace": "perhaps"}, "The option trace of RSpark is to be yes or no."),
        ({"trace": 1}, "The option trace of RSpark is to be yes or no."),
    ],
)
def test_a_wrong_one_is_refused_in_a_sentence(given: dict[str, Value], sentence: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        check_options("RSpark", OPTIONS, given)
    assert str(refused.value) == sentence


def test_an_environment_without_options_says_so() -> None:
    with pytest.raises(InvalidInput, match=r"RSpark has no options. Leave `options` out \(size\)"):
        check_options("RSpark", {}, {"size": "large"})


def test_they_set_cores_memory_and_variables() -> None:
    usual = chosen(OPTIONS, USUAL)
    assert (usual.cpu, usual.memory) == (1, ByteSize.parse("2Gi"))
    assert usual.variables == {"WORKERS": "2", "COURSE": "stats-101", "TRACE": "false"}
    other = chosen(OPTIONS, USUAL | {"size": "large", "workers": 2.5, "trace": True})
    assert (other.cpu, other.memory) == (4, ByteSize.parse("16Gi"))
    assert other.variables == {"WORKERS": "2.5", "COURSE": "stats-101", "TRACE": "true"}
    numbers = {
        "cores": option(kind="number", least=1, most=8, default=2, sets="cpu"),
        "memory": option(kind="number", least=1, most=8, default=2, sets="memory"),
    }
    found = chosen(numbers, {"cores": 3, "memory": 1.5})
    assert (found.cpu, found.memory, found.variables) == (3, ByteSize.parse("1536Mi"), {})


def test_a_session_has_what_its_environment_allows_today() -> None:
    kept = {"size": "huge", "workers": 7, "course": None, "gone": "x"}
    assert options_in_force(OPTIONS, kept) == USUAL | {"workers": 7}
    assert options_in_force({}, kept) == {}


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"kind": "choice", "default": "a"}, "needs choices"),
        ({"kind": "choice", "choices": (SIZES[0], SIZES[0]), "default": "small"}, "each with another value"),
        (
            {"kind": "choice", "choices": SIZES, "default": "huge"},
            "a default that is not possible: it is to be one of small, large",
        ),
        ({"kind": "choice", "choices": [{"value": "a"}], "default": "a"}, "sets nothing"),
        ({"kind": "number", "default": 2, "variable": "N"}, "needs least and most"),
        ({"kind": "number", "least": 3, "most": 2, "default": 2, "variable": "N"}, "needs least and most"),
        ({"kind": "number", "least": 0, "most": 2, "default": 1, "sets": "cpu"}, "more than 0"),
        ({"kind": "text", "least": 1, "default": "x", "variable": "N"}, "has least, which only a number has"),
        ({"kind": "text", "pattern": "(", "default": "x", "variable": "N"}, "no regular expression"),
        ({"kind": "text", "pattern": "a", "default": "x", "variable": "N"}, "a default that is not possible"),
        ({"kind": "yes-no", "default": "yes", "variable": "N"}, "it is to be yes or no"),
        ({"kind": "yes-no", "default": True, "sets": "cpu"}, "has sets, which only a number has"),
        ({"kind": "yes-no", "default": True, "variable": "LD_PRELOAD"}, "LD_PRELOAD, which the session itself needs"),
        ({"kind": "yes-no", "default": True, "variable": "PATH"}, "PATH, which the session itself needs"),
    ],
)
def test_a_declaration_that_makes_no_sense_is_refused(said: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError) as refused:
        option(**said)
    assert why in refused.value.errors()[0]["msg"]


def test_a_pattern_that_would_be_tried_for_ever_is_not() -> None:
    slow = {"it": option(kind="text", pattern="(a+)+", default="a", variable="A")}
    with pytest.raises(InvalidInput):
        check_options("RSpark", slow, {"it": "a" * 499 + "b"})


def test_two_that_set_the_same_are_found() -> None:
    both = OPTIONS | {"cores": option(kind="number", least=1, most=2, default=1, sets="cpu", variable="WORKERS")}
    assert list(set_twice(both)) == [("cores", "WORKERS", "workers"), ("cores", "cpu", "size")]
    assert list(set_twice(OPTIONS)) == []
