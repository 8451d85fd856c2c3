"""What is wrong is told in one form, by a sentence, whatever it is."""

import logging
from collections.abc import AsyncIterator

import pytest
from world import World

from rsparkhub import log_context
from rsparkhub.domain.errors import Unavailable


def assert_problem(answer: object, status: int, code: str) -> None:
    assert answer.status_code == status  # type: ignore[attr-defined]
    assert answer.headers["content-type"] == "application/problem+json"  # type: ignore[attr-defined]
    told = answer.json()  # type: ignore[attr-defined]
    assert (told["status"], told["code"], told["type"]) == (status, code, "about:blank")
    assert told["title"]
    assert told["detail"].endswith(".")


@pytest.mark.parametrize("path", ["/hub/api/nothing", "/hub/api", "/hub/api/", "/hub/api/sessions/", "/elsewhere", "/s/abc/"])
async def test_an_address_where_nothing_is(world: World, path: str) -> None:
    assert_problem(await (await world.program("ada")).get(path), 404, "not-found")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/hub/api/login", "GET, POST"),
        ("PATCH", "/hub/api/sessions", "GET, POST"),
        ("PUT", "/hub/api/sessions/abc", "DELETE, GET, PATCH"),
        ("POST", "/hub/sessions/abc", "GET, HEAD"),
    ],
)
async def test_a_method_that_an_address_does_not_take(world: World, method: str, path: str, allowed: str) -> None:
    answer = await (await world.program("ada")).request(method, path)
    assert_problem(answer, 405, "method-not-allowed")
    assert answer.headers["allow"] == allowed


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b'"x"', b"\xff", b'{"environment": 1}', b'{"environment": "a", "\\ud800": 1}', b"[" * 9000],
)
async def test_a_body_that_is_not_what_was_asked_for(world: World, content: bytes) -> None:
    bob = await world.program("bob")
    answer = await bob.post("/hub/api/sessions", content=content, headers={"Content-Type": "application/json"})
    assert answer.status_code in {400, 422}
    assert_problem(answer, answer.status_code, "invalid-input" if answer.status_code == 422 else "bad-request")


async def test_a_body_that_is_too_large_is_not_read(world: World) -> None:
    bob = await world.program("bob")
    answer = await bob.post("/hub/api/sessions", json={"environment": "x" * 2_000_000})
    assert_problem(answer, 413, "too-large")


async def test_a_body_that_grows_too_large_is_read_no_further(world: World) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b" " * 100_000

    bob = await world.program("bob")
    answer = await bob.post("/hub/api/sessions", content=pieces(), headers={"Content-Type": "application/json"})
    assert_problem(answer, 413, "too-large")


async def test_each_field_that_is_wrong_is_named(world: World) -> None:
    bob = await world.program("bob")
    answer = await bob.post("/hub/api/sessions?x=1", json={"environment": "", "nam": 1})
    assert_problem(answer, 422, "invalid-input")
    assert {each["where"] for each in answer.json()["errors"]} == {"body.environment", "body.nam"}
    assert "body.nam: there is no such field" in answer.json()["detail"]


@pytest.mark.parametrize("name", ["a/b", "Ada", "1a", "", "a" * 33, "ada\n", "é"])
@pytest.mark.parametrize(("path", "more"), [("users", {}), ("groups", {"members": []})])
async def test_a_name_that_is_none_is_told_in_words(world: World, path: str, more: dict[str, object], name: str) -> None:
    answer = await (await world.program("ada")).post(f"/hub/api/{path}", json={"name": name, **more})
    assert_problem(answer, 422, "invalid-input")
    assert "body.name: a name has at most 32 lower-case letters, digits, - and _, and begins with a letter" in answer.text


async def test_an_error_that_nobody_foresaw_is_told_with_the_id_that_is_in_the_log(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("the secret of the machine")

    bob = await world.program("bob")
    monkeypatch.setattr(world.store.sessions, "list", broken)
    with caplog.at_level(logging.ERROR):
        answer = await bob.get("/hub/api/sessions")
    assert_problem(answer, 500, "internal-error")
    name = answer.json()["id"]
    assert name in answer.json()["detail"]
    assert "secret" not in answer.text
    record = next(record for record in caplog.records if name in record.getMessage())
    assert record.exc_info is not None
    assert isinstance(record.exc_info[1], ZeroDivisionError)


async def test_a_database_that_is_away_is_told_in_its_sentence(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(*_: object, **__: object) -> None:
        raise Unavailable("RSparkHub's database does not answer.")

    bob = await world.program("bob")
    monkeypatch.setattr(world.store.sessions, "list", away)
    answer = await bob.get("/hub/api/sessions")
    assert_problem(answer, 503, "unavailable")
    assert answer.json()["detail"] == "RSparkHub's database does not answer."


async def test_no_answer_may_be_kept_framed_or_taken_for_something_else(world: World) -> None:
    bob = await world.program("bob")
    for path in ("/hub/api/me", "/hub/api/nothing"):
        headers = (await bob.get(path)).headers
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]


async def test_a_request_has_an_id_that_its_answer_and_its_log_lines_name(
    world: World, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = await world.session_of("bob")
    client = await world.program("bob")
    assert (await client.get("/hub/api/me")).headers["x-request-id"] != (await client.get("/hub/api/me")).headers["x-request-id"]

    async def breaks(*_: object, **__: object) -> None:
        raise RuntimeError("on purpose")

    monkeypatch.setattr(world.store.sessions, "set_wanted", breaks)
    caplog.handler.addFilter(log_context.ContextFilter())
    answer = await client.post(f"/hub/api/sessions/{session}/suspend", headers={"X-Request-Id": "forged"})
    assert answer.status_code == 500
    assert answer.json()["id"] == answer.headers["x-request-id"] != "forged"
    [record] = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert (record.__dict__["user"], record.__dict__["session"]) == ("bob", session)
    assert record.__dict__["request"] == answer.json()["id"]
