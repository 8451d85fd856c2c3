"""In which language a person reads: what they chose on the pages, else what their browser asks for, else English.

The pages keep the choice as a cookie (web/hub/src/state/language.ts). Programs send neither, and get English.
"""

import re
from collections.abc import Collection

from fastapi import Request

from rsparkhub.auth.cookies import LANGUAGE_COOKIE, values_of

#: What all that we say is written in.
ENGLISH = "en"
_MOST = 20  # of the languages that a browser may name; more than people speak
_RANGE = re.compile(r"\s*([a-zA-Z0-9*-]{1,35})\s*(?:;\s*q\s*=\s*(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\s*)?")


def language_of(request: Request, offered: Collection[str]) -> str:
    """Return which of the offered languages the person reads."""
    for chosen in values_of(LANGUAGE_COOKIE, request.headers.get("Cookie", "")):
        if chosen in offered:
            return chosen
    return preferred(request.headers.get("Accept-Language", ""), offered)


def preferred(accepted: str, offered: Collection[str]) -> str:
    """Return the offered language that Accept-Language likes best: RFC 9110, section 12.5.4, by RFC 4647's lookup."""
    ranges = [found for each in accepted.split(",")[:_MOST] if (found := _RANGE.fullmatch(each))]
    for found in sorted(ranges, key=lambda found: -float(found[2] or 1)):
        if found[2] is not None and float(found[2]) == 0:
            continue
        tag = found[1].lower()
        while tag:
            if tag in offered:
                return tag
            tag = tag.rpartition("-")[0]
    return ENGLISH
