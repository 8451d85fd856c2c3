"""HDFS under `/s/<id>/hdfs/`: WebHDFS in the name of the session's person, and the NameNode's pages.

Whoever gets here is the session's person: the edge has asked. Each request gets their token, and none that it came with.
WebHDFS sends clients on to DataNodes, whose addresses nobody outside reaches; so they are sent on to a path here.

The pages are Hadoop's own. They come from its jars: the NameNode shows its own only to who has a Kerberos ticket.
"""

import json
import re
from dataclasses import replace
from http import HTTPStatus
from mimetypes import guess_type
from pathlib import Path
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from rspark_session.proxy import page
from rspark_session.proxy.fetch import fetch
from rspark_session.proxy.head import Headers
from rspark_session.proxy.server import Reply, Request
from rspark_session.proxy.upstream import Answer, Upstream, UpstreamGone, forward
from rspark_session.services.hadoop import HADOOP
from rspark_session.services.hdfs.place import Place

_WEBHDFS = "/webhdfs/v1"
_DATANODE = re.compile(r"/datanode/([0-9]{1,4})(/webhdfs/v1(?:/.*)?)")
#: What only we say: whose token it is, and of which NameNode a DataNode asks.
_OURS = frozenset({"delegation", "namenoderpcaddress"})
#: What tells who somebody is; the session's own cookies are nothing for HDFS.
_PRIVATE = frozenset({b"authorization", b"cookie"})
_PAGES = frozenset({"explorer.html", "explorer.js", "dfshealth.html", "dfshealth.js"})
#: Addresses in the pages that are meant to be the NameNode's own.
_ABSOLUTE = re.compile(rb"""(["'])/(webhdfs/v1|jmx|conf|startupProgress|static/)""")
_AWAY = page.html(
    "HDFS doesn't answer", "<p>It may be starting again. Your files are kept. Try again in a moment.</p>", refresh=5
)
_EMPTY = {"/jmx": b'{"beans": []}', "/conf": b"<configuration></configuration>"}


class HdfsPages:
    """Answers requests below the path `base`, with a token."""

    def __init__(self, *, base: str, place: Place, token: str) -> None:
        self._base = base
        self._place = place
        self._token = token
        self._tls = place.tls()

    async def answer(self, request: Request, reply: Reply, path: str) -> None:
        """Answer a request; `path` is what follows the base."""
        if path in ("", "/"):
            where = f"{self._base}/explorer.html#{quote(self._place.home)}"
            reply.send(HTTPStatus.FOUND, b"", headers=[(b"location", where.encode())])
        elif path == _WEBHDFS or path.startswith(f"{_WEBHDFS}/"):
            await self._forward(request, reply, path, f"{self._place.address.host}:{self._place.address.https}")
        elif found := _DATANODE.fullmatch(path):
            number = int(found[1])
            if number < len(self._place.datanodes):
                await self._forward(request, reply, found[2], self._place.datanodes[number], data=True)
            else:
                reply.send(HTTPStatus.NOT_FOUND, b"There is no such DataNode.\n")
        elif path == "/jmx":
            await self._bean(request, reply)
        elif path in _EMPTY:
            reply.send(HTTPStatus.OK, _EMPTY[path], kind=b"application/xml")
        else:
            self._file(reply, path.removeprefix("/"))

    async def _forward(self, request: Request, reply: Reply, path: str, server: str, *, data: bool = False) -> None:
        """Hand a request on to a server, `host:port`."""
        query = [(name, value) for name, value in _parsed(request.query) if name.lower() not in _OURS]
        query.append(("delegation", self._token))
        if data:
            query.append(("namenoderpcaddress", f"{self._place.address.host}:{self._place.address.rpc}"))
        target = f"{path}?{urlencode(query)}"
        if any(name.lower() == "noredirect" and value.lower() == "true" for name, value in query):
            await self._forward_without_redirect(request, reply, target, server)
            return
        bare = replace(request, headers=[(name, value) for name, value in request.headers if name not in _PRIVATE])
        try:
            host, _, port = server.rpartition(":")
            upstream = Upstream(host=host, port=int(port), tls=self._tls)
            await forward(bare, reply, upstream, target=target.encode("latin-1"), change=self._sent_on)
        except UpstreamGone:
            if not reply.started:
                page.send(reply, HTTPStatus.BAD_GATEWAY, _AWAY)

    async def _forward_without_redirect(self, request: Request, reply: Reply, target: str, server: str) -> None:
        """Answer where to send a file to, as JSON: what a page in a browser asks for, which can't see redirects."""
        host, _, port = server.rpartition(":")
        answer = await fetch(host, int(port), target, method=request.method.decode("latin-1"), seconds=30.0, tls=self._tls)
        if answer is None:
            page.send(reply, HTTPStatus.BAD_GATEWAY, _AWAY)
            return
        status, body = answer
        try:
            said = json.loads(body)
            if isinstance(said, dict) and isinstance(said.get("Location"), str):
                body = json.dumps({"Location": self._inside(said["Location"])}).encode()
        except ValueError:  # an error, in other words
            pass
        reply.send(HTTPStatus(status), body, kind=b"application/json")

    def _sent_on(self, answer: Answer) -> Headers:
        """Return the headers, with redirects that stay here and say nothing of the token."""
        kept = [(name, value) for name, value in answer.headers if name != b"set-cookie"]
        return [(name, self._inside(value.decode("latin-1")).encode() if name == b"location" else value) for name, value in kept]

    def _inside(self, location: str) -> str:
        parts = urlsplit(location)
        if parts.scheme != "https" or parts.netloc not in self._place.datanodes:
            return location.partition("?")[0]
        query = urlencode([(name, value) for name, value in _parsed(parts.query) if name.lower() not in _OURS])
        return f"{self._base}/datanode/{self._place.datanodes.index(parts.netloc)}{parts.path}?{query}"

    async def _bean(self, request: Request, reply: Reply) -> None:
        """Show how the file system is; for what isn't shown, nothing, with which the page gets on."""
        name = dict(_parsed(request.query)).get("qry", "")
        headers = [(b"authorization", f"Bearer {self._token}".encode())]
        target = f"/jmx?qry={quote(name, safe=':=,')}"
        host, port = self._place.address.host, self._place.steward
        answer = await fetch(host, port, target, seconds=30.0, headers=headers, tls=self._tls)
        if answer is None:
            page.send(reply, HTTPStatus.BAD_GATEWAY, _AWAY)
            return
        status, body = answer
        reply.send(HTTPStatus.OK, body if status == HTTPStatus.OK else _EMPTY["/jmx"], kind=b"application/json")

    def _file(self, reply: Reply, name: str) -> None:
        """Send a page, or what it is made of, from Hadoop's jars."""
        folder = HADOOP / "webapps"
        path = (folder / "hdfs" / name) if name in _PAGES else (folder / name)
        inside = name in _PAGES or (name.startswith("static/") and ".." not in Path(name).parts)
        if not inside or not path.is_file():
            reply.send(HTTPStatus.NOT_FOUND, b"HDFS has no such page here.\n")
            return
        kind = guess_type(name)[0] or "application/octet-stream"
        content = path.read_bytes()
        if name in _PAGES:
            content = _ABSOLUTE.sub(rb"\1\2", content)
        reply.send(HTTPStatus.OK, content, kind=kind.encode(), headers=[(b"cache-control", b"private, max-age=3600")])


def _parsed(query: str) -> list[tuple[str, str]]:
    return parse_qsl(query, keep_blank_values=True)
