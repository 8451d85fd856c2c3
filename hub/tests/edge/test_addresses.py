"""Paths that two readers could read in two ways, and requests that two readers could count in two ways."""

import pytest
from edge_world import World, raw, status_of


def odd_paths(own: str, other: str) -> list[str]:
    return [
        f"/s/{own}/../{other}/x",
        f"/s/{own}/%2e%2e/{other}/x",
        f"/s/{own}/..%2f{other}/x",
        f"/s/{own}/..%2F..%2Fagent/stop",
        f"/s/{own}/..%5c{other}/x",
        f"/s/{own}/..\\{other}/x",
        f"/s/{own}/./../{other}/x",
        f"/s/{own}//../../s/{other}/x",
        f"/s/{own}/../../agent/stop",
        f"/s/{own}/..",
        f"/s/{own}/.",
        f"/s/{own}/x/%2e%2e",
        f"//s/{other}/x",
        f"/s//{other}/x",
        f"/./s/{other}/x",
        f"/x/../s/{other}/x",
        f"/s/%2e%2e/s/{other}/x",
        f"/s/{own}%2f..%2f{other}/x",
        f"/s/{own};/../{other}/x",
        f"/S/{other}/x",
        f"/s/{other.upper()}/x",
        f"/hub/../s/{other}/x",
    ]


@pytest.fixture
async def two(world: World) -> tuple[World, str, str, str]:
    """Ada, her session, and Bob's session, which must not be reached."""
    ada = await world.person("ada")
    await world.person("bob")
    own, other = await world.session("ada"), await world.session("bob")
    return world, ada, own.id, other.id


async def test_no_path_leads_to_another_session_or_out_of_ones_own(two: tuple[World, str, str, str]) -> None:
    world, ada, own, other = two
    for path in odd_paths(own, other):
        for _ in range(3):  # asked, and repeated if it were
            said = await raw(
                world.edge, f"GET {path} HTTP/1.1\r\nHost: {world.host}\r\nCookie: rsparkhub={ada}\r\nConnection: close\r\n\r\n"
            )
            assert status_of(said) in {400, 404}, path
    assert world.upstream.seen == []


async def test_an_odd_but_honest_path_arrives_as_it_was_sent(two: tuple[World, str, str, str]) -> None:
    world, ada, own, _ = two
    honest = [
        "//x",
        "/a%2Fb",
        "/a%20b%C3%BC",
        "/.ipynb_checkpoints/x",
        "/a..b/...",
        "/x;y=1",
        "/a+b",
        "/%E2%82%AC?q=%2F..%2F",
        "/a/?",
    ]
    for path in honest:
        said = await raw(
            world.edge,
            f"GET /s/{own}{path} HTTP/1.1\r\nHost: {world.host}\r\nCookie: rsparkhub={ada}\r\nConnection: close\r\n\r\n",
        )
        assert status_of(said) == 200, path
        seen = world.upstream.seen[-1]
        assert seen["path"] + ("?" + seen["query"] if seen["query"] else "") == f"/s/{own}{path}".rstrip("?"), path


async def test_an_address_in_full_is_the_same_address(two: tuple[World, str, str, str]) -> None:
    world, ada, own, other = two
    for session, status in ((own, 200), (other, 404)):
        said = await raw(
            world.edge,
            f"GET http://{world.host}/s/{session}/x HTTP/1.1\r\nHost: evil.example\r\n"
            f"Cookie: rsparkhub={ada}\r\nConnection: close\r\n\r\n",
        )
        assert status_of(said) == status


@pytest.mark.parametrize(
    "path", ["/hub/../metrics", "/hub/%2e%2e/metrics", "/hub/..%2fmetrics", "/hub/..", "/hub//../../metrics"]
)
async def test_what_the_hub_keeps_to_itself_is_not_reached_by_climbing(world: World, path: str) -> None:
    said = await raw(world.edge, f"GET {path} HTTP/1.1\r\nHost: {world.host}\r\nConnection: close\r\n\r\n")
    assert b"hub GET" not in said
    assert status_of(said) in {302, 400, 404}


class TestSmuggling:
    """A second request in the body of the first reaches nobody: the session sees one, or none."""

    HIDDEN = "GET /s/{other}/hidden HTTP/1.1\r\nHost: x\r\nX-Rspark-Secret: forged\r\n\r\n"

    @pytest.mark.parametrize(
        "head",
        [
            "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n",
            "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
            "Content-Length: 0\r\nContent-Length: 40\r\n",
            "Content-Length: 0, 40\r\n",
            "Content-Length: +5\r\n",
            "Transfer-Encoding: xchunked\r\n",
            "Transfer-Encoding: chunked, identity\r\n",
            "Transfer-Encoding : chunked\r\n",
            "Transfer-Encoding:\x0bchunked\r\n",
            "Content-Length: 5\r\n Transfer-Encoding: chunked\r\n",
            "X: y\rTransfer-Encoding: chunked\r\n",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        ],
    )
    async def test_two_lengths_are_one_or_none(self, two: tuple[World, str, str, str], head: str) -> None:
        world, ada, own, other = two
        hidden = self.HIDDEN.format(other=other)
        await raw(
            world.edge,
            f"POST /s/{own}/x HTTP/1.1\r\nHost: {world.host}\r\nCookie: rsparkhub={ada}\r\nOrigin: http://{world.host}\r\n"
            f"{head}\r\n0\r\n\r\n{hidden}",
        )
        assert [one for one in world.upstream.seen if "hidden" in one["path"]] == []
        assert len(world.upstream.seen) <= 1

    async def test_a_body_of_a_get_stays_a_body(self, two: tuple[World, str, str, str]) -> None:
        world, ada, own, other = two
        hidden = self.HIDDEN.format(other=other)
        said = await raw(
            world.edge,
            f"GET /s/{own}/x HTTP/1.1\r\nHost: {world.host}\r\nCookie: rsparkhub={ada}\r\n"
            f"Content-Length: {len(hidden)}\r\n\r\n{hidden}",
        )
        assert said.count(b"HTTP/1.1 200") == 1
        assert [one["path"] for one in world.upstream.seen] == [f"/s/{own}/x"]

    async def test_requests_one_after_the_other_are_asked_about_one_by_one(self, two: tuple[World, str, str, str]) -> None:
        world, ada, own, other = two
        cookie = f"Host: {world.host}\r\nCookie: rsparkhub={ada}\r\n\r\n"
        said = await raw(
            world.edge,
            f"GET /s/{own}/1 HTTP/1.1\r\n{cookie}GET /s/{other}/2 HTTP/1.1\r\n{cookie}GET /s/{own}/3 HTTP/1.1\r\n{cookie}",
        )
        assert [one["path"] for one in world.upstream.seen] == [f"/s/{own}/1", f"/s/{own}/3"]
        assert said.count(b"HTTP/1.1 404") == 1

    async def test_an_upgrade_to_something_else_opens_no_tunnel(self, two: tuple[World, str, str, str]) -> None:
        world, ada, own, other = two
        said = await raw(
            world.edge,
            f"GET /s/{own}/x HTTP/1.1\r\nHost: {world.host}\r\nCookie: rsparkhub={ada}\r\nOrigin: http://{world.host}\r\n"
            f"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n"
            + self.HIDDEN.format(other=other),
        )
        assert status_of(said) == 400
        assert world.upstream.seen == []

    async def test_a_header_with_a_line_break_in_it_is_refused(self, two: tuple[World, str, str, str]) -> None:
        world, ada, own, _ = two
        said = await raw(
            world.edge,
            f"GET /s/{own}/x HTTP/1.1\r\nHost: {world.host}\r\nCookie: rsparkhub={ada}\r\n"
            "X: a\r\n b\x00c\r\nConnection: close\r\n\r\n",
        )
        assert status_of(said) == 400
        assert world.upstream.seen == []

    async def test_two_hosts_are_none(self, two: tuple[World, str, str, str]) -> None:
        world, ada, own, _ = two
        said = await raw(
            world.edge,
            f"GET /s/{own}/x HTTP/1.1\r\nHost: {world.host}\r\nHost: {world.localhost}\r\nCookie: rsparkhub={ada}\r\n\r\n",
        )
        assert status_of(said) == 400
        assert world.upstream.seen == []


@pytest.mark.parametrize(
    "cookie",
    [
        "rsparkhub=*",
        "rsparkhub=" + "?" * 43,
        "rsparkhub=[a-z_A-Z0-9-]" + "x" * 30,
        "rsparkhub=../../../{other}~{own}/xxxxxxxxxxxxxxxxxxxxx",
        "rsparkhub={{http.request.cookie.x}}xxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "rsparkhub=xxxxxxxxxxxxxxxxxxxxxxxxxxxx~{own}",
        "rsparkhub=",
        "rsparkhub",
        "=rsparkhub",
    ],
)
async def test_no_cookie_but_the_right_one_is_let_in(two: tuple[World, str, str, str], cookie: str) -> None:
    world, ada, own, other = two
    client = world.client(cookie=ada)
    for _ in range(5):
        assert (await client.get(f"/s/{own}/")).status_code == 200
    world.upstream.seen.clear()
    forged = cookie.format(own=own, other=other)
    said = await raw(world.edge, f"GET /s/{own}/ HTTP/1.1\r\nHost: {world.host}\r\nCookie: {forged}\r\nConnection: close\r\n\r\n")
    assert status_of(said) == 401
    assert world.upstream.seen == []


@pytest.mark.parametrize("host", ["*", "?" * 9, "[0-9.]*", "..", "x/../127.0.0.1", "127.0.0.1~x"])
async def test_no_host_gets_what_was_granted_at_another(two: tuple[World, str, str, str], host: str) -> None:
    """A grant is for the host at which it was given; here that changes nothing but who is asked."""
    world, ada, own, _ = two
    client = world.client(cookie=ada)
    for _ in range(5):
        assert (await client.get(f"/s/{own}/")).status_code == 200
    await world.authenticator.sign_out(ada)
    said = await raw(
        world.edge, f"GET /s/{own}/ HTTP/1.1\r\nHost: {host}\r\nCookie: rsparkhub={ada}x\r\nConnection: close\r\n\r\n"
    )
    assert status_of(said) in {400, 421}
