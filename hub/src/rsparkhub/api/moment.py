"""A time in a query, with its zone."""

from typing import Annotated

from pydantic import AwareDatetime, BeforeValidator


def _written_out(value: object) -> object:
    """Refuse a bare number, which would be taken for seconds since 1970."""
    if isinstance(value, str) and value.lstrip("+-").replace(".", "").isdecimal():
        raise ValueError("a time is written like 2026-11-24T12:00:00Z")
    return value


Moment = Annotated[AwareDatetime, BeforeValidator(_written_out)]
