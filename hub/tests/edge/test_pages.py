"""Every page on which something is wrong has one look, says what is wrong in plain words, and what to do."""

import json
import re
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any, get_args, get_type_hints

import pytest

from rspark_contract.minimal_page import render
from rsparkhub.auth import forward_auth
from rsparkhub.auth.forward_auth import Refuse
from rsparkhub.auth.forward_auth_server import _UNAVAILABLE
from rsparkhub.auth.reply import _TITLES, reply
from rsparkhub.edge.configuration import configuration
from rsparkhub.settings import Settings

#: What stands around title and body on each.
HEAD = render("", "").partition("<title>")[2].partition("<main>")[0].partition("</title>")[2]
PHRASES = {status.phrase for status in HTTPStatus}
JARGON = re.compile(r"upstream|backend|proxy|gateway|null|exception|traceback|undefined|invalid|deleted by", re.IGNORECASE)


def _refusals() -> Iterator[Refuse]:
    """All that a request to a session can be refused with."""
    yield from (value for value in vars(forward_auth).values() if isinstance(value, Refuse))
    assert isinstance(_UNAVAILABLE.answer, Refuse)
    yield _UNAVAILABLE.answer


def _static(part: Any) -> Iterator[str]:
    """The pages within the edge's configuration."""
    if isinstance(part, dict):
        kinds = (part.get("headers") or {}).get("Content-Type", [])
        if part.get("handler") == "static_response" and any("html" in kind for kind in kinds):
            yield part["body"]
        for each in part.values():
            yield from _static(each)
    elif isinstance(part, list):
        for each in part:
            yield from _static(each)


def _of_the_edge(settings: Settings) -> list[str]:
    by_path = settings.model_copy(update={"session_origin": "path"})
    return [page for each in (settings, by_path) for page in _static(json.loads(json.dumps(configuration(each, listen="x"))))]


def _check(page: str) -> None:
    assert HEAD in page
    title, body = re.findall(r"<h1>(.*?)</h1>(.*)</main>", page, re.DOTALL)[0]
    assert title
    assert title not in PHRASES
    assert not title.endswith(".")
    text = re.sub(r"<[^>]+>", " ", body).strip()
    assert len(re.findall(r"[.!](?=\s|$)", text)) + ("<a " in body) >= 2, f"what is wrong, and what to do: {text}"
    assert not JARGON.search(f"{title} {text}"), text


@pytest.mark.parametrize("refusal", list(_refusals()), ids=lambda refusal: f"{refusal.status} {refusal.detail[:40]}")
def test_a_refusal_is_a_page_that_helps(refusal: Refuse) -> None:
    said = reply(refusal, page=True)
    assert "body" in said
    _check(said["body"])


def test_each_status_of_a_refusal_has_a_title() -> None:
    assert set(get_args(get_type_hints(Refuse)["status"])) == set(_TITLES)


def test_what_the_edge_says_by_itself_helps(settings: Settings) -> None:
    pages = _of_the_edge(settings)
    assert len(pages) >= 8
    for page in pages:
        _check(page)
