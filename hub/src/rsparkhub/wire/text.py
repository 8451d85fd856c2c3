"""Text as it may be sent: bounded, and free of control characters, which no database and no terminal takes well."""

import math
import re
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator, WithJsonSchema

from rsparkhub.domain.user import USER_NAME

_PLAIN = r"^[^\x00-\x1f\x7f]*$"
#: The same, with something in it that can be seen: on a page there would be nothing to read, and no link to press.
_SEEN = r"^[^\x00-\x1f\x7f]*[^\x00-\x20\x7f-\u00a0\u2000-\u200f\u2028-\u202f\u2060-\u206f\u3000\ufeff][^\x00-\x1f\x7f]*$"


def _check_title(title: str) -> str:
    """Take what something is called."""
    if not re.fullmatch(_SEEN, title):
        raise ValueError("a name has letters that can be seen, and no line breaks or other control characters")
    return title


def _check_name(name: str) -> str:
    """Take a person's or a group's name; what is none is told in words, where a pattern would be told as itself."""
    if not USER_NAME.fullmatch(name):
        raise ValueError("a name has at most 32 lower-case letters, digits, - and _, and begins with a letter")
    return name


PersonName = Annotated[
    str,
    AfterValidator(_check_name),
    Field(
        description="Lower case letters, digits, hyphen and underscore; starts with a letter.",
        examples=["ada"],
        json_schema_extra={"pattern": f"^{USER_NAME.pattern}$"},
    ),
]
# Lengths are checked first, so that what a check takes has a bound.
Title = Annotated[str, Field(min_length=1, max_length=80, json_schema_extra={"pattern": _SEEN}), AfterValidator(_check_title)]
TokenName = Annotated[
    str,
    Field(min_length=1, max_length=60, description="What it is for.", json_schema_extra={"pattern": _SEEN}),
    AfterValidator(_check_title),
]
Line = Annotated[str, Field(min_length=1, max_length=500, pattern=_PLAIN)]
Password = Annotated[str, Field(min_length=1, max_length=1000)]
NewPassword = Annotated[str, Field(min_length=8, max_length=1000, description="At least 8 characters.")]
OptionName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]


def _written_out(value: object) -> object:
    """Refuse a bare number, which would be taken for seconds since 1970."""
    is_number = isinstance(value, int | float)
    if is_number or (isinstance(value, str) and value.lstrip("+-").replace(".", "").isdecimal()):
        raise ValueError("a time is written like 2026-11-24T12:00:00Z")
    return value


#: A time with its zone.
Moment = Annotated[AwareDatetime, BeforeValidator(_written_out)]


def check_option(value: object) -> bool | int | float | str:
    """Take an option's value: a text, a number, or true or false."""
    if isinstance(value, bool) or (isinstance(value, int | float) and math.isfinite(value)):
        return value
    if isinstance(value, str) and len(value) <= 500:
        return value
    raise ValueError("an option is true or false, a number, or a text of at most 500 characters")


#: The value of an option.
Option = Annotated[
    bool | int | float | str,
    PlainValidator(check_option),
    WithJsonSchema({"anyOf": [{"type": "boolean"}, {"type": "number"}, {"type": "string", "maxLength": 500}]}),
]


class Answer(BaseModel):
    """What the hub says; a client passes over what it does not know, so that a newer hub may say more."""

    model_config = ConfigDict(extra="ignore", frozen=True, json_schema_serialization_defaults_required=True)


class Ask(BaseModel):
    """What a client sends; a field that the hub does not know is a mistake and is said to be one."""

    model_config = ConfigDict(extra="forbid", frozen=True)


JsonObject = dict[str, Any]  # whose keys another contract names (the agent's record, an event's data)
