"""What reads a JupyterHub, against answers that no JupyterHub gives. The real one is met in tests/jupyterhub_site."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from rsparkhub.domain.errors import InvalidInput, NotAllowed, Unavailable
from rsparkhub.domain.newcomers import Outsider
from rsparkhub.jupyterhub import MOST_BYTES, JupyterHub, read_export

#: Status, headers and body for a path with its query.
Reply = tuple[int, dict[str, str], bytes]


class Server:
    """An HTTP server that answers as a test says, and notes which tokens it was shown."""

    def __init__(self) -> None:
        self.answer: Callable[[str], Reply] = lambda path: (404, {}, b"")
        self.asked: list[tuple[str, str | None]] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.asked.append((self.path, self.headers.get("Authorization")))
                status, headers, body = server.answer(self.path)
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                try:
                    self.wfile.write(body)
                except OSError:
                    self.close_connection = True  # the other side has had enough

            def log_message(self, *_: Any) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,))
        self._thread.start()

    def close(self) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.close()


async def people(server: Server, *, at: str = "") -> tuple[list[Outsider], frozenset[str]]:
    async with JupyterHub(server.url + at, token="s3cret") as hub:
        return await hub.people()


def says(body: object, *, status: int = 200, headers: dict[str, str] | None = None) -> Callable[[str], Reply]:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return lambda _: (status, headers or {}, raw)


async def test_a_jupyterhub_without_pages_is_read_too(server: Server) -> None:
    users = [{"kind": "user", "name": "ada", "admin": True, "groups": ["lab"], "servers": {}}, {"name": "bob"}]
    groups = [{"name": "stats", "users": ["bob", "gone"]}, {"name": "empty", "users": []}]
    server.answer = lambda path: (200, {}, json.dumps(users if "/users" in path else groups).encode())
    for at in ("", "/", "/hub", "/hub/", "/hub/api", "/hub/api/"):
        found, names = await people(server, at=at)
        assert found == [
            Outsider(name="ada", admin=True, groups=frozenset({"lab"})),
            Outsider(name="bob", groups=frozenset({"stats"})),
        ]
        assert names == {"stats", "empty"}
    assert {path for path, _ in server.asked} == {f"/hub/api/{what}?offset=0&limit=200" for what in ("users", "groups")}


async def test_an_address_with_a_path_before_the_hub_is_kept(server: Server) -> None:
    server.answer = says([])
    await people(server, at="/teaching/hub/")
    assert server.asked[0][0].startswith("/teaching/hub/api/users?")


async def test_a_redirect_is_not_followed_with_the_token(server: Server) -> None:
    thief = Server()
    try:
        thief.answer = says([])
        server.answer = says(b"", status=302, headers={"Location": f"{thief.url}/hub/api/users"})
        with pytest.raises(Unavailable, match=r"leads on to 127\.0\.0\.1, and the token is not sent there"):
            await people(server)
        assert not thief.asked
    finally:
        thief.close()


async def test_the_next_page_is_asked_for_at_the_same_address_whatever_the_answer_says(server: Server) -> None:
    thief = Server()
    try:
        first = {"items": [{"name": "ada"}], "_pagination": {"next": {"offset": 1, "url": f"{thief.url}/hub/api/users"}}}
        last = {"items": [{"name": "bob"}], "_pagination": {"next": None}}
        server.answer = lambda path: (
            200, {}, json.dumps([] if "/groups" in path else first if "offset=0" in path else last).encode(),
        )  # fmt: skip
        found, _ = await people(server)
        assert [each.name for each in found] == ["ada", "bob"]
        assert not thief.asked
    finally:
        thief.close()


@pytest.mark.parametrize("offset", [0, -1, 10**9])
async def test_pages_that_never_end_are_not_followed(server: Server, offset: int) -> None:
    server.answer = says({"items": [{"name": "ada"}], "_pagination": {"next": {"offset": offset}}})
    with pytest.raises(Unavailable, match="which can't be followed"):
        await people(server)
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"", b"<html>", b"null", b"7", b'"x"', b"{}", b"[7]", b"[[]]", b'[{"name": 7}]', b'[{"name": ""}]', b'[{"admin": true}]',
        b'[{"name": "ada", "admin": "yes"}]', b'[{"name": "ada", "groups": "lab"}]', b'[{"name": "ada", "groups": [1]}]',
        b'{"items": {"name": "ada"}}', b'{"items": [], "_pagination": {"next": {"offset": "2"}}}',
        b'{"items": [], "_pagination": []}', b"\xff\xfe", b'[{"name": "\xff"}]', b'[{"name": "ada"}', b"[" * 100_000,
        b'{"items":' * 50_000, json.dumps([{"name": "a" * 256}]).encode(),
        json.dumps([{"name": "ada", "x": [[[[]]]]}]).encode().replace(b"[[[[]]]]", b"[" * 5000 + b"]" * 5000),
    ],
    ids=lambda body: body[:40].decode("latin-1"),
)  # fmt: skip
async def test_what_is_no_list_of_people_is_refused_with_a_sentence(server: Server, body: bytes) -> None:
    server.answer = says(body)
    with pytest.raises(Unavailable, match=r"is no JupyterHub that can be read: .+ Check the address") as caught:
        await people(server)
    assert len(str(caught.value)) < 500
    with pytest.raises(InvalidInput, match="is not what JupyterHub's /hub/api/users answers"):
        read_export(body)


async def test_an_answer_without_end_is_cut_off(server: Server) -> None:
    body = b"[" + b" " * (MOST_BYTES + 2**20)
    server.answer = says(body)
    with pytest.raises(Unavailable, match="more than 32 MiB"):
        await people(server)
    with pytest.raises(InvalidInput, match="larger than 32 MiB"):
        read_export(body)


async def test_a_small_answer_that_unpacks_to_a_huge_one_is_cut_off(server: Server) -> None:
    import gzip

    server.answer = says(gzip.compress(b"[" + b" " * (8 * MOST_BYTES)), headers={"Content-Encoding": "gzip"})
    with pytest.raises(Unavailable, match="more than 32 MiB"):
        await people(server)


@pytest.mark.parametrize(
    ("status", "kind", "sentence"),
    [
        (401, NotAllowed, "refuses the token for its list of users. It needs the scopes list:users, read:users"),
        (403, NotAllowed, "refuses the token"),
        (404, Unavailable, "answers with status 404 for its list of users"),
        (500, Unavailable, "answers with status 500"),
        (503, Unavailable, "answers with status 503"),
    ],
)
async def test_a_refusal_is_told_in_a_sentence_without_the_token(
    server: Server, status: int, kind: type[Exception], sentence: str
) -> None:
    server.answer = says({"message": "s3cret"}, status=status)
    with pytest.raises(kind, match=sentence) as caught:
        await people(server)
    assert "s3cret" not in str(caught.value)


async def test_nobody_there_is_told_in_a_sentence(server: Server) -> None:
    server.close()
    server.close = lambda: None  # type: ignore[method-assign]  # it is closed
    with pytest.raises(Unavailable, match="There is no JupyterHub to be reached at"):
        await people(server)


@pytest.mark.parametrize(
    "address",
    [
        "ftp://x",
        "https://",
        "https://ada:secret@x",
        "https://x/?a=1",
        "https://x/#a",
        "http://[",
        "http://x:99999",
        "x://",
        "https://x y",
        "https://x\n/",
    ],
)
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(InvalidInput, match="The address of a JupyterHub is like"):
        JupyterHub(address, token="t")


@pytest.mark.parametrize("token", ["", "two words", "a\nb", "é", "a\x00"])
def test_what_is_no_token_is_refused(token: str) -> None:
    with pytest.raises(InvalidInput, match="A token of JupyterHub is one word"):
        JupyterHub("https://x", token=token)


def test_a_file_with_one_page_of_several_is_refused() -> None:
    page = {"items": [{"name": "ada"}], "_pagination": {"total": 2, "next": {"offset": 1, "limit": 1, "url": "https://x"}}}
    with pytest.raises(InvalidInput, match="one page of several"):
        read_export(json.dumps(page).encode())
    whole = {**page, "_pagination": {"total": 1, "next": None}}
    assert read_export(json.dumps(whole).encode())[0] == [Outsider(name="ada")]


def test_somebody_who_is_listed_twice_is_one_person() -> None:
    twice = [{"name": "ada", "groups": ["a"]}, {"name": "ada", "admin": True, "groups": ["b"]}]
    people, groups = read_export(json.dumps(twice).encode())
    assert people == [Outsider(name="ada", admin=True, groups=frozenset({"a", "b"}))]
    assert groups == {"a", "b"}
