"""An API server in memory, for tests that count what it is asked: no cluster is needed, and none answers this fast.

It follows Kubernetes' API conventions as far as the backend relies on them: versions that grow, AlreadyExists, finalizers,
owners, selectors by label, metadata alone, server-side apply (here: a merge), and watches that begin after a version.
"""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import yaml
from aiohttp import web

Object = dict[str, Any]
Key = tuple[str, str, str]  # kind in the plural, namespace, name


class StandInApiServer:
    """Objects, and what it was asked: `calls` has a word for each, such as `POST pods`; watches are not among them."""

    def __init__(self) -> None:
        self.objects: dict[Key, Object] = {}
        self.calls: list[str] = []
        self.version = 100
        self.silent = False  # whether watches tell nothing any more, as on a connection that hangs
        self.log: str | None = ""  # of every pod; None where the kubelet of its node doesn't answer
        self._events: list[tuple[int, str, str, Object]] = []  # version, kind, type, object
        self._changed = asyncio.Condition()

    def of(self, kind: str) -> dict[str, Object]:
        """Return the objects of a kind, by name."""
        return {name: item for (plural, _, name), item in self.objects.items() if plural == kind}

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if request.path.strip("/") == "version":
            return web.json_response({"major": "1", "minor": "35", "gitVersion": "v1.35.0"})
        kind, namespace, name = _where(request.path)
        if request.query.get("watch"):
            return await self._watch(request, kind, namespace)
        self.calls.append(f"{request.method} {kind}")
        body = await request.read()
        return await getattr(self, f"_{request.method.lower()}")(request, (kind, namespace, name), json.loads(body or b"null"))  # type: ignore[no-any-return]

    async def put(self, kind: str, namespace: str, name: str, item: Object, *, event: str = "MODIFIED") -> Object:
        """Write an object, as any client of the cluster may."""
        self.version += 1
        item["metadata"] |= {"name": name, "namespace": namespace, "resourceVersion": str(self.version)}
        item["metadata"].setdefault("uid", f"uid-{self.version}")
        item["metadata"].setdefault("creationTimestamp", "2026-11-01T00:00:00Z")
        for file, text in item.pop("stringData", {}).items():
            item.setdefault("data", {})[file] = base64.b64encode(text.encode()).decode()
        if kind == "services":
            item["spec"].setdefault("clusterIP", "10.96.0.7")
        gone = bool(item["metadata"].get("deletionTimestamp")) and not item["metadata"].get("finalizers")
        if gone or event == "DELETED":
            self.objects.pop((kind, namespace, name), None)
            event = "DELETED"
        else:
            self.objects[kind, namespace, name] = item
        async with self._changed:
            self._events.append((self.version, kind, event, json.loads(json.dumps(item))))
            self._changed.notify_all()
        if event == "DELETED":
            for key, other in list(self.objects.items()):
                if item["metadata"]["uid"] in {owner["uid"] for owner in other["metadata"].get("ownerReferences", [])}:
                    await self._remove(key)
        return item

    async def _remove(self, key: Key) -> None:
        item = self.objects[key]
        if item["metadata"].get("finalizers"):
            item["metadata"]["deletionTimestamp"] = "2999-01-01T00:00:00Z"
            await self.put(*key, item)
        else:
            await self.put(*key, item, event="DELETED")

    async def _post(self, _: web.Request, key: Key, body: Object) -> web.Response:
        key = (key[0], key[1], body["metadata"]["name"])
        if key in self.objects:
            return _status(409, "AlreadyExists")
        return web.json_response(await self.put(*key, body, event="ADDED"), status=201)

    async def _patch(self, request: web.Request, key: Key, body: Object) -> web.Response:
        known = self.objects.get(key)
        if known is None and "apply" not in request.headers["Content-Type"]:
            return _status(404, "NotFound")
        expected = body["metadata"].pop("resourceVersion", None)
        if known is not None and expected not in (None, known["metadata"]["resourceVersion"]):
            return _status(409, "Conflict")
        return web.json_response(await self.put(*key, _merged(known or {}, body)))

    async def _delete(self, _: web.Request, key: Key, __: Object) -> web.Response:
        if key not in self.objects:
            return _status(404, "NotFound")
        await self._remove(key)
        return web.json_response({"kind": "Status", "status": "Success"})

    async def _get(self, request: web.Request, key: Key, _: Object) -> web.Response:
        if key[2].endswith("/log"):
            return _status(500, "InternalError") if self.log is None else web.Response(text=self.log)
        if key[2]:
            return web.json_response(self.objects[key]) if key in self.objects else _status(404, "NotFound")
        wanted = request.query.get("fieldSelector", "").removeprefix("metadata.name=")
        items = [
            _shown(request, item)
            for (kind, namespace, name), item in self.objects.items()
            if kind == key[0] and key[1] in ("", namespace) and (not wanted or name == wanted) and _selected(request, item)
        ]
        return web.json_response({"metadata": {"resourceVersion": str(self.version)}, "items": items})

    async def _watch(self, request: web.Request, kind: str, namespace: str) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        after, sent = int(request.query["resourceVersion"]), 0
        while True:
            async with self._changed:
                while len(self._events) == sent or self.silent:
                    await self._changed.wait()
                events, sent = self._events[sent:], len(self._events)
            for version, what, event, item in events:
                if (
                    version > after
                    and what == kind
                    and namespace in ("", item["metadata"]["namespace"])
                    and _selected(request, item)
                ):
                    await response.write(json.dumps({"type": event, "object": _shown(request, item)}).encode() + b"\n")


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[tuple[StandInApiServer, Path]]:
    """Run one, and give it with the kubeconfig that leads to it."""
    stand_in = StandInApiServer()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", stand_in.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "test",
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
        "clusters": [{"name": "test", "cluster": {"server": f"http://{host}:{port}"}}],
        "users": [{"name": "test", "user": {"token": "test"}}],
    }
    path = folder / "kubeconfig"
    path.write_text(yaml.safe_dump(config))
    try:
        yield stand_in, path
    finally:
        await runner.cleanup()


def _where(path: str) -> Key:
    words = path.strip("/").split("/")
    words = words[2:] if words[0] == "api" else words[3:]
    if words[0] == "namespaces" and len(words) > 2:
        return words[2], words[1], "/".join(words[3:])
    return words[0], "", words[1] if len(words) > 1 else ""


def _status(code: int, reason: str) -> web.Response:
    return web.json_response({"kind": "Status", "code": code, "reason": reason, "message": reason}, status=code)


def _shown(request: web.Request, item: Object) -> Object:
    return {"metadata": item["metadata"]} if "PartialObjectMetadata" in request.headers["Accept"] else item


def _selected(request: web.Request, item: Object) -> bool:
    """Whether labels are as asked: `a=b`, `a`, and `a in (b,c)`."""
    labels = item["metadata"].get("labels") or {}
    selector = request.query.get("labelSelector", "")
    for word in filter(None, selector.replace(" in (", "=(").replace(",", " ").replace("  ", " ").split(" ")):
        key, _, values = word.partition("=")
        if values.startswith("("):
            continue  # the kinds of our own pods: all of them here
        if not values and key.endswith(")"):
            continue
        if labels.get(key) is None or (values and labels[key] != values):
            return False
    return True


def _merged(known: Any, change: Any) -> Any:
    if not isinstance(change, dict):
        return change
    merged = dict(known) if isinstance(known, dict) else {}
    for key, value in change.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = _merged(merged.get(key), value)
    return merged
