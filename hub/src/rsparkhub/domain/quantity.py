"""Sizes and durations as people write them in an environment file: `4Gi`, `90m`, `7d`."""

import re
from datetime import timedelta
from typing import Annotated, Self

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema
from pydantic_core import CoreSchema, core_schema

_BINARY = {"": 1, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}
_SIZE = re.compile(r"(\d{1,12}(?:\.\d{1,6})?)(Ki|Mi|Gi|Ti)?")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_WORDS = {"s": "second", "m": "minute", "h": "hour", "d": "day"}
_DURATION = re.compile(r"(?:\d{1,9}[smhd])+")
_DURATION_PART = re.compile(r"(\d+)([smhd])")


class ByteSize(int):
    """A number of bytes, written with Kubernetes' binary units (`512Mi`, `4Gi`)."""

    @classmethod
    def parse(cls, text: "str | int") -> Self:
        """Read `4Gi`, `512Mi` or a plain number of bytes.

        Raises
        ------
        ValueError
            When the text is not a size; the message names the form that is expected.
        """
        if isinstance(text, bool):
            raise ValueError("a size is written like 512Mi or 4Gi")
        if isinstance(text, int):
            if text < 0:
                raise ValueError("a size is not negative")
            return cls(text)
        match = _SIZE.fullmatch(text.strip()) if isinstance(text, str) else None
        if match is None:
            raise ValueError("a size is written like 512Mi or 4Gi")
        return cls(int(float(match[1]) * _BINARY[match[2] or ""]))

    def __str__(self) -> str:
        for unit in ("Ti", "Gi", "Mi", "Ki"):
            if self and self % _BINARY[unit] == 0:
                return f"{self // _BINARY[unit]}{unit}"
        return str(int(self))

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: object) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            cls.parse, serialization=core_schema.plain_serializer_function_ser_schema(str)
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: object) -> dict[str, object]:
        return {"type": "string", "pattern": "^[0-9.]+(Ki|Mi|Gi|Ti)?$", "examples": ["512Mi", "4Gi"]}


def parse_duration(text: object) -> timedelta:
    """Read `60s`, `90m`, `2h`, `7d` or a sum of them (`1h30m`).

    Raises
    ------
    ValueError
        When the text is not a duration; the message names the form that is expected.
    """
    if isinstance(text, timedelta):
        return text
    if not isinstance(text, str) or not _DURATION.fullmatch(text.strip()):
        raise ValueError("a duration is written like 60s, 90m, 2h or 7d")
    try:
        return timedelta(seconds=sum(int(n) * _UNITS[u] for n, u in _DURATION_PART.findall(text)))
    except OverflowError:
        raise ValueError("a duration is at most a few thousand years") from None


def format_duration(value: timedelta) -> str:
    """Write a duration with the largest units that say it exactly: `1h30m`."""
    seconds, parts = int(value.total_seconds()), []
    for unit in ("d", "h", "m", "s"):
        count, seconds = divmod(seconds, _UNITS[unit])
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


def duration_in_words(value: timedelta) -> str:
    """Return a duration as a sentence has it: `2 hours`, `1 hour 30 minutes`."""
    parts = [(int(n), _WORDS[unit]) for n, unit in _DURATION_PART.findall(format_duration(value))]
    return " ".join(f"{n} {word}{'' if n == 1 else 's'}" for n, word in parts)


Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    PlainSerializer(format_duration, return_type=str),
    WithJsonSchema({"type": "string", "pattern": "^([0-9]+[smhd])+$", "examples": ["60s", "2h", "7d"]}),
]
