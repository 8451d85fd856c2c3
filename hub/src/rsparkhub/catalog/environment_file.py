"""Reads one environment file, and says about a bad one what is wrong, where, and what is expected, all at once."""

import difflib
import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from rsparkhub.catalog.schema import NOT_IN_THIS_VERSION, ONE_INTERFACE, Schema
from rsparkhub.catalog.yaml_file import LARGEST, Yaml, YamlProblem, read_yaml
from rsparkhub.catalog.yaml_file import Path as KeyPath
from rsparkhub.domain.environment import Environment
from rsparkhub.domain.errors import EnvironmentInvalid
from rsparkhub.domain.start_options import WRONG_OPTION

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
    "dict_type": "a mapping of keys and values",
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


def read_environment(path: Path, schema: Schema) -> Environment:
    """Return the environment that a file describes.

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
        environment = schema.parse(read.data)
    except ValidationError as error:
        raise EnvironmentInvalid(
            _all_problems(path, read, _Sentences(schema, read).of(error.errors(include_url=False)))
        ) from None
    refusals = [(refusal.key, refusal.sentence) for refusal in schema.refusals(environment)]
    if refusals:
        raise EnvironmentInvalid(_all_problems(path, read, refusals))
    return replace(environment, unavailable=schema.unavailable(environment))


def _all_problems(path: Path, read: Yaml, sentences: Iterable[tuple[KeyPath, str]]) -> str:
    """Return the problems in the order of lines, the first of each key; each sentence goes on after the key's name."""
    found: dict[KeyPath, tuple[int, str]] = {}
    for key, sentence in sentences:
        found.setdefault(key, (_line(key, read), _ended(f"{_dotted(key)} {sentence}")))
    problems = sorted(found.values())
    if len(problems) == 1:
        line, sentence = problems[0]
        return f"{_place(path, line)}: {sentence}"
    told = [f"  line {line}: {sentence}" for line, sentence in problems[:_MOST_TOLD]]
    rest = [f"  and {len(problems) - _MOST_TOLD} more."] if len(problems) > _MOST_TOLD else []
    return "\n".join([f"{path} has {len(problems)} problems:", *told, *rest])


def _ended(sentence: str) -> str:
    return sentence if sentence.endswith("?") else f"{sentence}."


class _Sentences:
    """Puts pydantic's errors on one file into words."""

    def __init__(self, schema: Schema, read: Yaml) -> None:
        self._schema = schema
        self._read = read

    def of(self, errors: Iterable[ErrorDetails]) -> list[tuple[KeyPath, str]]:
        """Return for each error the key, and what is wrong there."""
        return [(key, self._sentence(error, key)) for error in errors for key in [_key(error, self._read)]]

    def _sentence(self, error: ErrorDetails, key: KeyPath) -> str:  # noqa: PLR0911  a line a case
        kind, found = error["type"], f"found {_shown(error['input'])}"
        if kind == "missing":
            return "is missing"
        if kind in (NOT_IN_THIS_VERSION, WRONG_OPTION):
            return error["msg"]
        is_interface = _is_interface(key) and kind != "string_pattern_mismatch"  # a name that is none
        if is_interface and isinstance(error["input"], str):
            return self._no_interface(error["input"])
        if is_interface or kind == ONE_INTERFACE:
            return f"is to be one of {', '.join(self._schema.interface_forms.values())}; {found}"
        if kind == "extra_forbidden":
            return self._unknown(key)
        if kind == "value_error":
            return f"can't be read: {error['ctx']['error']}; {found}"
        if kind == "literal_error" and key[:-1] and key[: len(_SERVICES)] == _SERVICES:
            return _not_in_this_version(str(error["input"]), {each: each for each in self._literals(key)})
        return f"is to be {_expected(error)}; {found}"

    def _no_interface(self, name: str) -> str:
        form = self._schema.interface_forms.get(name)
        return f"{name} needs options; write {form}" if form else _not_in_this_version(name, self._schema.interface_forms)

    def _unknown(self, key: KeyPath) -> str:
        if key[:-1] == _SERVICES:
            return _not_in_this_version("", {name: name for name in self._keys(_SERVICES)}, typed=str(key[-1]))
        if _is_interface(key[:-1]):
            return _not_in_this_version("", self._schema.interface_forms, typed=str(key[-1]))
        known = self._keys(key[:-1])
        if not known:
            return "is not a key that RSparkHub knows"
        close = difflib.get_close_matches(str(key[-1]), known, n=1)
        hint = f"did you mean {close[0]}?" if close else f"known here: {', '.join(known)}"
        return f"is not a key that RSparkHub knows; {hint}"

    def _keys(self, key: KeyPath) -> list[str]:
        """Return the keys that the schema has at a place."""
        model = self._model(key)
        return [info.alias or name for name, info in model.model_fields.items()] if model else []

    def _literals(self, key: KeyPath) -> list[str]:
        """Return the values that the schema allows at a place."""
        model = self._model(key[:-1])
        return [str(value) for value in get_args(model.model_fields[str(key[-1])].annotation)] if model else []

    def _model(self, key: KeyPath) -> type[BaseModel] | None:
        model, steps = self._schema.model, iter(key)
        for step in steps:
            info = model.model_fields.get(str(step))
            models = [m for m in (info.annotation, *get_args(info.annotation)) if _is_model(m)] if info else []
            if not models:
                return None
            model = models[0]
            if info and get_origin(info.annotation) is dict:
                next(steps, None)  # the name of one of many
        return model


_SERVICES: KeyPath = ("spec", "services")
_INTERFACE: KeyPath = ("spec", "interface")
_BESIDE: KeyPath = ("spec", "beside")


def _is_interface(key: KeyPath) -> bool:
    return key == _INTERFACE or (key[:-1] == _BESIDE and len(key) > len(_BESIDE))


def _not_in_this_version(name: str, forms: Mapping[str, str], *, typed: str = "") -> str:
    """Refuse what does not exist, and name what does; `typed` is a name that is in the key already."""
    close = difflib.get_close_matches(typed or name, forms, n=1, cutoff=0.7)
    choices = list(forms.values())
    of = "" if len(choices) == 1 else "one of "
    hint = f"did you mean {close[0]}?" if close else f"choose {of}{', '.join(choices)}"
    return f"{name} is not in this version; {hint}".strip()


def _expected(error: ErrorDetails) -> str:
    context = error.get("ctx", {})
    if error["type"] in _EXPECTED:
        return _EXPECTED[error["type"]].format(**context)
    return f"otherwise ({error['msg']})"


def _is_model(annotation: object) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _key(error: ErrorDetails, read: Yaml) -> KeyPath:
    """Leave out of pydantic's location what is no key of the file (the names of a union's members)."""
    key: KeyPath = ()
    for step in error["loc"]:
        if (*key, step) in read.lines:
            key = (*key, step)
    return (*key, error["loc"][-1]) if error["type"] == "missing" else key


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
