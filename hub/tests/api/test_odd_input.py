"""Whatever somebody sends, to whichever call, is answered with a sentence: never with an error of the hub's own."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from world import World

_NUMBER = "9" * 5000
_DEEP = "[" * 20_000
_ODD_TEXTS = ["\\ud800", "\\udfff\\ud800", "a\\u0000b", "\\u001b]0;x\\u0007", "\\u202e", "\\uffff", "x" * 3000, "", "\U0001f600"]
_ODD_VALUES = [
    *(f'"{text}"' for text in _ODD_TEXTS),
    _NUMBER, "-" + _NUMBER, "1e999", "NaN", "Infinity", "null", "true", "[]", "{}", _DEEP, '{"a":' * 5000, '[["\\ud800"]]',
    '{"\\ud800": "\\ud800"}',
]  # fmt: skip


def operations(schema: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            if method in {"get", "post", "put", "delete", "patch"}:
                yield method, path, operation


def fields_of(schema: dict[str, Any], operation: dict[str, Any]) -> dict[str, Any]:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    name = content.get("$ref", "").rpartition("/")[2]
    found: dict[str, Any] = schema["components"]["schemas"].get(name, {}).get("properties", {})
    return found


def check(answer: httpx.Response, sent: object) -> None:
    assert answer.status_code < 500, (answer.request.method, str(answer.request.url)[:200], str(sent)[:200], answer.text)
    answer.content.decode()


async def test_odd_bodies_are_answered_with_a_sentence(world: World) -> None:
    client = await world.program("ada")
    schema = (await client.get("/hub/api/openapi.json")).json()
    usual = {"name": '"eve"', "environment": '"rspark"', "password": '"correct horse"', "members": '["bob"]', "days": "3"}
    sent = 0
    for method, path, operation in operations(schema):
        fields = fields_of(schema, operation)
        if not fields:
            continue
        url = path.replace("{id}", "nothere").replace("{name}", "nobody")
        for field in fields:
            for odd in _ODD_VALUES:
                known = {each: usual[each] for each in fields if each in usual} | {field: odd}
                body = "{" + ", ".join(f'"{name}": {value}' for name, value in known.items()) + "}"
                answer = await client.request(method, url, content=body, headers={"Content-Type": "application/json"})
                check(answer, body)
                if "\\ud8" in odd and answer.status_code == 422:
                    assert answer.json()["detail"].startswith(("What you sent", "Environments have"))
                sent += 1
        for body in ('{"a": 1', _DEEP, _NUMBER, '"\\ud800"', "\ud800", "{" + '"a": 1,' * 2000 + '"a": 2}', '{"\\ud800": 1}'):
            raw = body.encode("utf-8", "surrogatepass")
            check(await client.request(method, url, content=raw, headers={"Content-Type": "application/json"}), body)
    assert sent > 100


async def test_a_half_of_a_pair_is_refused_in_every_text_that_is_stored(world: World) -> None:
    client = await world.program("ada")
    for url, body in (
        ("/hub/api/sessions", '{"environment": "rspark", "name": "\\ud800"}'),
        ("/hub/api/sessions", '{"environment": "rspark", "options": {"a": "\\ud800"}}'),
        ("/hub/api/sessions", '{"environment": "rspark", "project": "\\ud800"}'),
        ("/hub/api/tokens", '{"name": "\\ud800"}'),
        ("/hub/api/users", '{"name": "\\ud800"}'),
        ("/hub/api/users", '{"name": "eve", "password": "correct \\ud800 horse"}'),
        ("/hub/api/groups", '{"name": "g", "members": ["\\ud800"]}'),
        ("/hub/api/login", '{"name": "ada", "password": "\\ud800"}'),
    ):
        answer = await client.post(url, content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code == 422, (url, body, answer.text)
        assert answer.json()["detail"].endswith(".")


_ADDRESSES = [
    "/hub/api/sessions/{}", "/hub/api/sessions/{}/events", "/hub/api/sessions/{}/logs", "/hub/api/users/{}", "/hub/api/groups/{}",
    "/hub/api/environments/{}", "/hub/api/sessions?owner={}", "/hub/api/sessions?state={}", "/hub/api/sessions?after={}",
    "/hub/api/sessions?limit={}", "/hub/api/usage?since={}", "/hub/api/usage?all=1&until={}", "/hub/api/audit?session={}",
    "/hub/api/audit?after={}", "/hub/api/audit?owner={}", "/hub/api/sessions?{}=1", "/hub/{}", "/hub/?token={}", "/hub/?next={}",
    "/hub/sessions/{}", "/hub/assets/{}",
]  # fmt: skip
_ODD_WORDS = [
    "%ED%A0%80", "%00", "%FF%FE", "%1B%5B2J", "..%2F..%2Fetc", "%2e%2e", _NUMBER, "-1", "1e400", "NaN", "9" * 400, "%E2%80%AE",
    "0000-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2026-01-01T00:00:00%2B99:99", "a" * 5000, "%", "%zz", "true&all=%00",
]  # fmt: skip


@pytest.mark.parametrize("who", ["ada", "bob", None])
async def test_odd_addresses_are_answered_with_a_sentence(world: World, who: str | None) -> None:
    client = world.nobody() if who is None else await world.program(who)
    for address in _ADDRESSES:
        for word in _ODD_WORDS:
            check(await client.get(address.format(word)), word)


_FIELDS = [
    "Idempotency-Key", "Last-Event-ID", "Accept", "Origin", "Cookie", "Authorization", "X-Forwarded-For", "Content-Type",
    "Forwarded", "Accept-Language", "Range", "If-None-Match", "If-Modified-Since", "X-Forwarded-Host", "Content-Length",
]  # fmt: skip


async def test_odd_header_fields_are_answered_with_a_sentence(world: World) -> None:
    client = await world.program("ada")
    body = {"environment": "rspark"}
    values = (b"\xed\xa0\x80", b"\xff", b"9" * 5000, b"a" * 5000, b'"', b";" * 3000, b"," * 3000, b"%00", b"rsparkhub=" * 300)
    for name in _FIELDS:
        for value in values:
            for answer in (
                await client.get("/hub/api/me", headers=[(name.encode(), value)]),
                await client.post("/hub/api/sessions", json=body, headers=[(name.encode(), value)]),
                await client.get("/hub/", headers=[(name.encode(), value)]),
            ):
                check(answer, (name, value))
