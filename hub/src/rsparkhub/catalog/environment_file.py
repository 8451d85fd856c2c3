"""Reads one environment file, and says about a bad one what is wrong, where, and what is expected, all at once."""

import difflib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from rsparkhub.catalog.yaml_file import LARGEST, Yaml, YamlProblem, read_yaml
from rsparkhub.catalog.yaml_file import Path as KeyPath
from rsparkhub.domain.environment import Environment, InterfaceName
from rsparkhub.domain.errors import EnvironmentInvalid

_INTERFACES = f"one of {', '.join(get_args(InterfaceName))}, or {{web: {{command: […], port: 8080}}}}"
_MOST_TOLD = 20

#: What pydantic calls it, and what a person calls it.
_EXPECTED = {
    "string_type": "a text",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "list_type": "a list",
    "model_type": "a mapping of keys and values",
    "model_attributes_type": "a mapping of keys and values",
    "literal_error": "{expected}",
    "string_pattern_mismatch": "lower-case letters, digits and hyphens, at most 40, beginning with a letter",
    "string_too_long": "a text of length {max_length} or less",
    "string_too_short": "a text of length {min_length} or more",
    "too_short": "of length {min_length} or more",
    "greater_than": "more than {gt:g}",
    "greater_than_equal": "at least {ge:g}",
    "less_than_equal": "at most {le:g}",
}


def read_environment(path: Path) -> Environment:
    """Read an environment from its file.

    Raises
    ------
    EnvironmentInvalid
        With every problem of the file: its line, the key, what is there and what is expected.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(LARGEST + 1)
    except OSError as error:
        raise EnvironmentInvalid(f"{path} can't be read: {error.strerror}. Check its name and its permissions.") from None
    try:
        read = read_yaml(raw)
    except YamlProblem as problem:
        raise EnvironmentInvalid(f"{_place(path, problem.line)}: {problem}.") from None
    try:
        # By way of JSON, since pydantic's strict mode then takes a list for a tuple, and still no text for a number.
        return Environment.model_validate_json(json.dumps(read.data), strict=True)
    except ValidationError as error:
        raise EnvironmentInvalid(_all_problems(path, read, error.errors(include_url=False))) from None


def _all_problems(path: Path, read: Yaml, errors: Iterable[ErrorDetails]) -> str:
    found: dict[KeyPath, tuple[int, str]] = {}
    for error in errors:
        key = _key(error["loc"], read)
        line = _line(key, read)
        found.setdefault(key, (line, _ended(f"{_dotted(key)} {_sentence(error, key)}")))
    problems = sorted(found.values())
    if len(problems) == 1:
        line, sentence = problems[0]
        return f"{_place(path, line)}: {sentence}"
    told = [f"  line {line}: {sentence}" for line, sentence in problems[:_MOST_TOLD]]
    rest = [f"  and {len(problems) - _MOST_TOLD} more."] if len(problems) > _MOST_TOLD else []
    return "\n".join([f"{path} has {len(problems)} problems:", *told, *rest])


def _ended(sentence: str) -> str:
    return sentence if sentence.endswith("?") else f"{sentence}."


def _sentence(error: ErrorDetails, key: KeyPath) -> str:
    kind, found = error["type"], f"found {_shown(error['input'])}"
    if kind == "missing":
        return "is missing"
    if kind == "extra_forbidden":
        return f"is not a key that RSparkHub knows{_hint(key)}"
    if kind == "value_error":
        return f"can't be read: {error['ctx']['error']}; {found}"
    return f"is to be {_expected(error, key)}; {found}"


def _expected(error: ErrorDetails, key: KeyPath) -> str:
    if key == ("spec", "interface"):
        return _INTERFACES
    context = error.get("ctx", {})
    if error["type"] in _EXPECTED:
        return _EXPECTED[error["type"]].format(**context)
    return f"otherwise ({error['msg']})"


def _hint(key: KeyPath) -> str:
    known = _known_keys(key[:-1])
    if not known:
        return ""
    close = difflib.get_close_matches(str(key[-1]), known, n=1)
    return f"; did you mean {close[0]}?" if close else f"; known here: {', '.join(known)}"


def _known_keys(key: KeyPath) -> list[str]:
    """Give the keys that the schema has at a place."""
    model: Any = Environment
    for step in key:
        fields = {info.alias or name: info for name, info in model.model_fields.items()}
        info = fields.get(str(step))
        models = [m for m in (info.annotation, *get_args(info.annotation)) if _is_model(m)] if info else []
        if not models:
            return []
        model = models[0]
    return [info.alias or name for name, info in model.model_fields.items()]


def _is_model(annotation: object) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _key(location: tuple[str | int, ...], read: Yaml) -> KeyPath:
    """Leave out of pydantic's location what is no key of the file (the names of a union's members)."""
    key: KeyPath = ()
    for number, step in enumerate(location):
        if (*key, step) in read.lines or number == len(location) - 1:
            key = (*key, step)
        if key == ("spec", "interface"):
            break
    return key


def _line(key: KeyPath, read: Yaml) -> int:
    while key not in read.lines:
        key = key[:-1]
    return read.lines[key]


def _place(path: Path, line: int | None) -> str:
    return f"{path}, line {line}" if line is not None else str(path)


def _dotted(key: KeyPath) -> str:
    text = ""
    for step in key:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text or "The file"


def _shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else f"{text[:57]}…"
