"""The pages: built files, one page for every address of the app, and what a browser is told to allow."""

import pytest
from world import World


async def test_every_address_of_the_app_is_answered_with_the_one_page(world: World) -> None:
    client = world.nobody()
    for path in ("/hub/", "/hub/sessions/abc", "/hub/people", "/hub/apiary"):
        answer = await client.get(path)
        assert answer.status_code == 200
        assert "<title>RSparkHub</title>" in answer.text
        assert answer.headers["cache-control"] == "no-cache"
        assert answer.headers["content-type"] == "text/html; charset=utf-8"


async def test_the_page_may_run_and_ask_nothing_but_its_own(world: World) -> None:
    policy = (await world.nobody().get("/hub/")).headers["content-security-policy"].split("; ")
    assert {"default-src 'none'", "script-src 'self'", "connect-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"} <= set(
        policy
    )
    assert "unsafe" not in str(policy)


async def test_a_file_named_after_its_content_is_kept_for_good(world: World) -> None:
    answer = await world.nobody().get("/hub/assets/index-4f2a.js")
    assert (answer.status_code, answer.text) == (200, "export {}")
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert "javascript" in answer.headers["content-type"]
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_a_file_that_did_not_change_is_not_sent_again(world: World) -> None:
    client = world.nobody()
    tag = (await client.get("/hub/icon.svg")).headers["etag"]
    assert (await client.get("/hub/icon.svg", headers={"If-None-Match": tag})).status_code == 304


async def test_an_asset_that_is_missing_is_not_answered_with_a_page(world: World) -> None:
    answer = await world.nobody().get("/hub/assets/index-0000.js")
    assert (answer.status_code, answer.json()["code"]) == (404, "not-found")


@pytest.mark.parametrize("path", ["%2e%2e/secret", "..%2fsecret", "assets/..%2f..%2fsecret", "%00", "x" * 300, "a//b", "%ff"])
async def test_nothing_outside_of_the_folder_is_given_away(world: World, path: str) -> None:
    (world.pages.parent / "secret").write_text("the secret")
    answer = await world.nobody().get(f"/hub/{path}")
    assert answer.status_code in {200, 404}
    assert "the secret" not in answer.text


async def test_pages_that_are_not_built_say_how_to_build_them(world: World) -> None:
    for file in sorted(world.pages.rglob("*.*")):
        file.unlink()
    answer = await world.nobody().get("/hub/")
    assert answer.status_code == 503
    assert "make web" in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("path", ["/", "/hub"])
async def test_the_front_door_leads_to_the_pages(world: World, path: str) -> None:
    answer = await world.nobody().get(path)
    assert (answer.status_code, answer.headers["location"]) == (307, "/hub/")


async def test_the_head_of_a_page_has_no_body(world: World) -> None:
    answer = await world.nobody().head("/hub/")
    assert (answer.status_code, answer.content) == (200, b"")
