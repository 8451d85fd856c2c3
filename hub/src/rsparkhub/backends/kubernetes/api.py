"""What is asked of the API server: plain JSON, an object a call, and what goes wrong with it."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlencode

import aiohttp

from rsparkhub.backends.kubernetes.connection import Connection
from rsparkhub.backends.kubernetes.objects.names import FIELD_MANAGER, Object
from rsparkhub.domain.errors import Unavailable
from rsparkhub.settings.kubernetes import KubernetesSettings

_SECONDS = 15.0  # for one call, all of its tries together
_LONGEST_PAUSE = 5.0  # seconds between two tries of a call that the API server has no time for
_NO_LIMIT = aiohttp.ClientTimeout(total=None)  # what calls has one
_PAGE = 500
_JSON = "application/json"
_METADATA = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
_METADATA_LIST = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
_OK, _UNAUTHORIZED, _NOT_FOUND, _CONFLICT, _TOO_MANY, _BROKEN = 200, 401, 404, 409, 429, 500

#: Where objects of each kind are found: the API's path, the kind in addresses, whether it is in a namespace.
_KINDS = {
    "ConfigMap": ("/api/v1", "configmaps", True),
    "Event": ("/api/v1", "events", True),
    "LimitRange": ("/api/v1", "limitranges", True),
    "Namespace": ("/api/v1", "namespaces", False),
    "PersistentVolumeClaim": ("/api/v1", "persistentvolumeclaims", True),
    "Pod": ("/api/v1", "pods", True),
    "ResourceQuota": ("/api/v1", "resourcequotas", True),
    "Secret": ("/api/v1", "secrets", True),
    "Service": ("/api/v1", "services", True),
    "ServiceAccount": ("/api/v1", "serviceaccounts", True),
    "EndpointSlice": ("/apis/discovery.k8s.io/v1", "endpointslices", True),
    "NetworkPolicy": ("/apis/networking.k8s.io/v1", "networkpolicies", True),
    "Role": ("/apis/rbac.authorization.k8s.io/v1", "roles", True),
    "RoleBinding": ("/apis/rbac.authorization.k8s.io/v1", "rolebindings", True),
    "StorageClass": ("/apis/storage.k8s.io/v1", "storageclasses", False),
    "SelfSubjectAccessReview": ("/apis/authorization.k8s.io/v1", "selfsubjectaccessreviews", False),
    "ValidatingAdmissionPolicy": ("/apis/admissionregistration.k8s.io/v1", "validatingadmissionpolicies", False),
    "ValidatingAdmissionPolicyBinding": (
        "/apis/admissionregistration.k8s.io/v1",
        "validatingadmissionpolicybindings",
        False,
    ),
}


class Refused(Exception):
    """The API server refused a call. `status` is HTTP's, `reason` Kubernetes' word for it, `kind` that of the object."""

    def __init__(self, status: int, reason: str, message: str, *, kind: str = "") -> None:
        super().__init__(message or reason or f"status {status}")
        self.status, self.reason, self.kind = status, reason, kind

    @property
    def already_exists(self) -> bool:
        """Whether an object of this name is there, perhaps one that is being deleted."""
        return self.status == _CONFLICT and self.reason == "AlreadyExists"


class InTrouble(Unavailable):
    """The API server was reached, and could not do what was asked: its own trouble, or that of a node it had to ask."""


@dataclass(frozen=True)
class Listed:
    """Objects, and the version of the whole list, from which a watch goes on."""

    items: list[Object]
    version: str


@dataclass(frozen=True)
class Response:
    """What the API server answered."""

    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """Return the body, parsed."""
        return json.loads(self.body)


class Api:
    """One cluster. It is made without a call; the first call finds the credentials and opens the connections."""

    def __init__(self, settings: KubernetesSettings) -> None:
        self._settings = settings
        self._connecting = asyncio.Lock()
        self._connection: Connection | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        if self._connection is not None:
            await self._connection.session.close()
            self._connection = None

    async def get(self, kind: str, namespace: str | None, name: str) -> Object | None:
        """Return one object; None when there is none of this name."""
        try:
            return (await self._call("GET", kind, _path(kind, namespace, name))).json()  # type: ignore[no-any-return]
        except Refused as refused:
            if refused.status == _NOT_FOUND:
                return None
            raise

    async def create(self, manifest: Object) -> Object:
        """Make one object, and return it as it is then.

        Raises
        ------
        Refused
            Among others when there is one of this name, see `Refused.already_exists`.
        """
        kind, meta = manifest["kind"], manifest["metadata"]
        path = _path(kind, meta.get("namespace"), "")
        answer = await self._call("POST", kind, path, query={"fieldManager": FIELD_MANAGER}, body=manifest)
        return answer.json()  # type: ignore[no-any-return]

    async def apply(self, manifest: Object) -> Object:
        """Make or mend one object by server-side apply, and return it as it is then."""
        kind, meta = manifest["kind"], manifest["metadata"]
        answer = await self._call(
            "PATCH",
            kind,
            _path(kind, meta.get("namespace"), meta["name"]),
            query={"fieldManager": FIELD_MANAGER, "force": "true"},
            body=manifest,
            content_type="application/apply-patch+yaml",
        )
        return answer.json()  # type: ignore[no-any-return]

    async def merge(self, kind: str, namespace: str, name: str, change: Object) -> Object | None:
        """Change fields of one object, and return it as it is then; None when there is none."""
        path = _path(kind, namespace, name)
        answer = await self._found("PATCH", kind, path, body=change, content_type="application/merge-patch+json")
        return None if answer is None else answer.json()

    async def delete(self, kind: str, namespace: str, name: str, *, grace: int | None = None) -> bool:
        """Delete one object, and what hangs on it in the background; `grace` is in seconds. False when there is none."""
        options: Object = {"propagationPolicy": "Background"}
        if grace is not None:
            options["gracePeriodSeconds"] = grace
        return await self._found("DELETE", kind, _path(kind, namespace, name), body=options) is not None

    async def list(
        self, kind: str, namespace: str | None, *, labels: str = "", fields: str = "", names_only: bool = False
    ) -> Listed:
        """Return objects, of all namespaces where none is given; with `names_only` their metadata alone."""
        query = {"labelSelector": labels, "fieldSelector": fields, "limit": str(_PAGE)}
        accept = _METADATA_LIST if names_only else _JSON
        found: list[Object] = []
        while True:
            page = (await self._call("GET", kind, _path(kind, namespace, ""), query=query, accept=accept)).json()
            found += page["items"] or []  # an empty list of names comes as null
            more = page["metadata"].get("continue")
            if not more:
                return Listed(found, page["metadata"]["resourceVersion"])
            query["continue"] = more

    @asynccontextmanager
    async def watch(
        self, kind: str, namespace: str | None, *, labels: str, version: str, seconds: int, names_only: bool = False
    ) -> AsyncIterator[AsyncIterator[Object]]:
        """Open a stream of what happens after a version: events as the API server sends them, bookmarks among them."""
        query = {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "labelSelector": labels,
            "resourceVersion": version,
            "timeoutSeconds": str(seconds),
        }
        patience = aiohttp.ClientTimeout(connect=_SECONDS, sock_read=seconds + _SECONDS)
        accept = _METADATA if names_only else _JSON
        path = _path(kind, namespace, "")
        with _unreachable("GET", path):
            async with self._open("GET", kind, path, query=query, accept=accept, patience=patience) as answer:
                yield _lines(answer)

    async def text(self, kind: str, namespace: str, name: str, **query: str) -> str:
        """Return what is no JSON, such as a pod's log: `kind` is its path below the namespace."""
        answer = await self._call("GET", kind, f"/api/v1/namespaces/{namespace}/{kind}/{name}", query=query)
        return answer.body.decode(errors="replace")

    async def raw(self, path: str) -> Response:
        """Return what is at any path, such as /version."""
        return await self._call("GET", "", path)

    async def _found(self, method: str, kind: str, path: str, **more: Any) -> Response | None:
        try:
            return await self._call(method, kind, path, **more)
        except Refused as refused:
            if refused.status == _NOT_FOUND:
                return None
            raise

    async def _call(self, method: str, kind: str, path: str, **more: Any) -> Response:
        """Call, and read the answer.

        A connection that was closed while nobody used it costs a second try, and an API server that has no time now (429) is
        asked again when it says: any of our calls may be made twice.

        Raises
        ------
        Refused
            The API server said no.
        Unavailable
            It can't be reached, or not with the credentials there are, or it has no time for so many seconds.
        """
        with _unreachable(method, path):
            async with asyncio.timeout(_SECONDS):
                again = False
                while True:
                    try:
                        async with self._open(method, kind, path, **more) as answer:
                            return Response(answer.headers, await answer.read())
                    except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
                        if again:
                            raise
                        again = True
                    except _Busy as busy:
                        await asyncio.sleep(busy.seconds)

    @asynccontextmanager
    async def _open(
        self,
        method: str,
        kind: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Object | None = None,
        content_type: str = _JSON,
        accept: str = _JSON,
        patience: aiohttp.ClientTimeout = _NO_LIMIT,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Call, and renew credentials that have run out, as an account's token does every hour."""
        connection = await self._connect()
        url = f"{path}?{urlencode(query)}" if query else path
        data = None if body is None else json.dumps(body, separators=(",", ":")).encode()
        headers = {"Accept": accept} | ({"Content-Type": content_type} if data else {})
        for last in (False, True):
            async with connection.request(method, url, data, headers, patience) as answer:
                if answer.status == _UNAUTHORIZED and not last:
                    await connection.renew(answer.request_info.headers.get("Authorization"))
                    continue
                await _check(answer, kind)
                yield answer
                return

    async def _connect(self) -> Connection:
        if self._connection is None:
            async with self._connecting:
                if self._connection is None:
                    self._connection = await Connection.open(self._settings)
        return self._connection


class _Busy(Exception):
    """The API server has no time, and says for how many seconds."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds


class _unreachable:  # noqa: N801  used as a statement
    """Turn what goes wrong on the way to the API server into `Unavailable`, which says at which call."""

    def __init__(self, method: str, path: str) -> None:
        self._call = f"{method} {path}"

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, aiohttp.ClientError | OSError | _Busy):  # a TimeoutError is an OSError
            raise Unavailable(f"The API server can't be reached ({self._call}): {str(error) or type(error).__name__}") from error


async def _lines(answer: aiohttp.ClientResponse) -> AsyncIterator[Object]:
    """Yield JSON lines, however long: an object may be larger than any buffer that reads lines."""
    rest = b""
    async for chunk in answer.content.iter_any():
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            if line:
                yield json.loads(line)


async def _check(answer: aiohttp.ClientResponse, kind: str) -> None:
    if _OK <= answer.status < 300:
        return
    body = await answer.read()
    try:
        details = json.loads(body)
        reason, message = str(details.get("reason", "")), str(details.get("message", ""))
    except (ValueError, AttributeError):
        reason, message = "", body[:500].decode(errors="replace")
    if answer.status == _TOO_MANY:
        raise _Busy(_pause(answer.headers.get("Retry-After")))
    if answer.status == _UNAUTHORIZED:
        raise Unavailable(f"The API server refuses the credentials of RSparkHub: {message}")
    # An object or a quota that somebody else has changed at the same instant; or the API server's own trouble.
    if answer.status >= _BROKEN or (answer.status == _CONFLICT and reason == "Conflict"):
        call = f"{answer.method} {answer.url.path}"
        raise InTrouble(f"The API server can't do it now ({call}): {message or reason or answer.status}")
    raise Refused(answer.status, reason, message, kind=kind)


def _pause(retry_after: str | None) -> float:
    """Return the seconds to wait, of a header that may hold anything."""
    try:
        return min(max(0.1, float(retry_after or 1)), _LONGEST_PAUSE)
    except ValueError:
        return 1.0


def _path(kind: str, namespace: str | None, name: str) -> str:
    base, plural, in_namespace = _KINDS[kind]
    where = f"/namespaces/{namespace}" if in_namespace and namespace else ""
    return f"{base}{where}/{plural}" + (f"/{name}" if name else "")
