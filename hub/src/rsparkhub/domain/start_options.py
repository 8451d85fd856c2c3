"""What a person may choose at a start where an environment offers it: a size, a data set, a switch.

An environment declares each option, a person gives values for some, and the hub checks them once. A session keeps all its values
over sleep and wake. What its environment no longer allows when it starts is taken at its default, and an option that is gone is
left out, so that a session is never larger than its environment says today.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError, SchemaError, SchemaValidator, ValidationError, core_schema

from rsparkhub.domain.errors import InvalidInput
from rsparkhub.domain.quantity import ByteSize

#: What pydantic's errors about an option are called; their text is a sentence about the option without its beginning.
WRONG_OPTION = "wrong_option"
#: The value of an option.
Value = bool | float | str

_GIB = 2**30
_VARIABLE = re.compile("[A-Z][A-Z0-9_]*")
_LONGEST = 500  # characters of a text
#: Names that the session itself needs, or by which programs load other code.
_OWN = ("HOME", "PATH", "USER", "SHELL", "LOGNAME", "LANG", "TMPDIR")
_OWN_PREFIXES = ("LD_", "PYTHON", "RSPARK", "SPARK_", "R_LIBS", "XDG_", "JUPYTER", "GIT_")
_YES, _NO = frozenset({"true", "yes", "on"}), frozenset({"false", "no", "off"})

OptionKey = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,39}$", description="lower case, digits, - and _")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=False)


class StartChoice(_Strict):
    """One of the values of a choice."""

    value: str = Field(min_length=1, max_length=80, description="How it is called in commands and links.")
    title: str = Field(default="", max_length=80, description="What the page calls it; its value by default.")
    cpu: float | None = Field(default=None, gt=0, le=1024, description="The cores of a session with it.")
    memory: ByteSize | None = Field(default=None, description="The memory of a session with it.")


class StartOption(_Strict):
    """One option that an environment offers."""

    title: str = Field(min_length=1, max_length=60, description="What the page calls it.")
    description: str = Field(default="", max_length=300, description="One sentence under it.")
    kind: Literal["choice", "number", "text", "yes-no"] = Field(description="What is chosen.")
    default: bool | float | str = Field(description="What it is where nobody chooses.")
    choices: tuple[StartChoice, ...] = Field(default=(), max_length=50, description="Of a choice: what there is.")
    least: float | None = Field(default=None, description="Of a number: no less.")
    most: float | None = Field(default=None, description="Of a number: no more.")
    pattern: str | None = Field(default=None, max_length=300, description="Of a text: the regular expression of all of it.")
    sets: Literal["cpu", "memory"] | None = Field(
        default=None, description="What a number sets: the cores, or the memory in GiB. A choice says it for each of its values."
    )
    variable: str | None = Field(
        default=None,
        max_length=64,
        description="The environment variable of the session that has its value; of a yes-no it is `true` or `false`.",
    )

    @model_validator(mode="after")
    def _check(self) -> "StartOption":
        for problem in self._problems():
            raise PydanticCustomError(WRONG_OPTION, "{problem}", {"problem": problem})
        return self

    def _problems(self) -> Iterator[str]:
        """Yield what is wrong with it, each the rest of a sentence."""
        of_kinds = {"choices": "choice", "least": "number", "most": "number", "pattern": "text", "sets": "number"}
        for key, kind in of_kinds.items():
            if kind != self.kind and getattr(self, key) not in (None, ()):
                yield f"has {key}, which only a {kind} has; leave it out"
        if self.kind == "choice" and len({each.value for each in self.choices}) != max(1, len(self.choices)):
            yield "needs choices, each with another value"
        if self.kind == "number" and (self.least is None or self.most is None or self.least > self.most):
            yield "needs least and most, the second not smaller"
        if self.sets and self.least is not None and self.least <= 0:
            yield "sets resources, so that its least is to be more than 0"
        if not (self.sets or self.variable or any(each.cpu or each.memory for each in self.choices)):
            yield "sets nothing; add variable, sets, or cpu and memory to its choices"
        if self.variable is not None and not _VARIABLE.fullmatch(self.variable):
            yield f"sets {self.variable}, which is no variable's name: capital letters, digits and _, beginning with a letter"
        if self.variable and (self.variable in _OWN or self.variable.startswith(_OWN_PREFIXES)):
            yield f"sets {self.variable}, which the session itself needs; choose another variable"
        try:
            wrong = self.problem_of(self.default)
        except SchemaError:
            yield "has a pattern that is no regular expression"
        else:
            if wrong is not None:
                yield f"has a default that is not possible: it is to be {wrong}"

    def problem_of(self, value: Value) -> str | None:
        """Return what a value is to be, the rest of a sentence; None where it is that."""
        if self.kind == "choice":
            values = [each.value for each in self.choices]
            return None if value in values else f"one of {', '.join(values)}"
        if self.kind == "yes-no":
            return None if isinstance(value, bool) else "yes or no"
        if self.kind == "number":
            least, most = self.least or 0.0, self.most or 0.0
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            return None if is_number and least <= float(value) <= most else f"a number from {least:g} to {most:g}"
        if not isinstance(value, str) or len(value) > _LONGEST or not value.isprintable():
            return f"a text of one line and at most {_LONGEST} characters"
        return None if self.pattern is None or _matches(self.pattern, value) else f"a text of the form {self.pattern}"

    def read(self, given: Value) -> Value:
        """Return the value that was given: a command line and a link write numbers and yes-no as text."""
        if not isinstance(given, str):
            return given
        if self.kind == "yes-no" and given.lower() in _YES | _NO:
            return given.lower() in _YES
        if self.kind == "number":
            try:
                return float(given)
            except ValueError:
                return given
        return given


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """What the values of all options come to; None where they leave it as the environment has it."""

    cpu: float | None
    memory: ByteSize | None
    variables: Mapping[str, str]


def check_options(title: str, declared: Mapping[str, StartOption], given: Mapping[str, Value]) -> dict[str, Value]:
    """Return the value of each option that an environment has, those that were not given at their defaults.

    Raises
    ------
    InvalidInput
        For the first that is wrong: there is no such option, or not this value.
    """
    if given and not declared:
        raise InvalidInput(f"{title} has no options. Leave `options` out ({', '.join(given)}).")
    values = {name: option.default for name, option in declared.items()}
    for name, each in given.items():
        if name not in declared:
            raise InvalidInput(f"{title} has no option {name}. It has: {', '.join(declared)}.")
        value = declared[name].read(each)
        wrong = declared[name].problem_of(value)
        if wrong is not None:
            raise InvalidInput(f"The option {name} of {title} is to be {wrong}.")
        values[name] = value
    return values


def options_in_force(declared: Mapping[str, StartOption], kept: Mapping[str, object]) -> dict[str, Value]:
    """Return the values of a session's options as its environment allows them today."""
    found: dict[str, Value] = {}
    for name, option in declared.items():
        value = kept.get(name)
        if not isinstance(value, bool | int | float | str) or option.problem_of(value) is not None:
            value = option.default
        found[name] = value
    return found


def chosen(declared: Mapping[str, StartOption], values: Mapping[str, Value]) -> Chosen:
    """Return what values that are in force set."""
    cpu: float | None = None
    memory: ByteSize | None = None
    variables: dict[str, str] = {}
    for name, option in declared.items():
        value = values[name]
        if option.variable:
            variables[option.variable] = _as_text(value)
        if option.sets == "cpu":
            cpu = float(value)
        if option.sets == "memory":
            memory = ByteSize(int(float(value) * _GIB))
        for choice in option.choices:
            if choice.value == value:
                cpu, memory = choice.cpu or cpu, choice.memory or memory
    return Chosen(cpu=cpu, memory=memory, variables=variables)


def set_twice(declared: Mapping[str, StartOption]) -> Iterator[tuple[str, str, str]]:
    """Yield each option that sets what one before it sets: its name, what it sets, and the other's name."""
    by: dict[str, str] = {}
    for name, option in declared.items():
        sets = {option.sets, option.variable} - {None}
        sets |= {"cpu" for each in option.choices if each.cpu} | {"memory" for each in option.choices if each.memory}
        for what in sorted(filter(None, sets)):
            if what in by:
                yield name, what, by[what]
            by.setdefault(what, name)


def _as_text(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _matches(pattern: str, value: str) -> bool:
    """Return whether all of a text is of a pattern, in a time that grows with its length alone, whatever the pattern is."""
    validator = SchemaValidator(core_schema.str_schema(pattern=f"^(?:{pattern})$", regex_engine="rust-regex"))
    try:
        validator.validate_python(value)
    except ValidationError:
        return False
    return True
