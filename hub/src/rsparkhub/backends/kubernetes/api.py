"""Speaks with the API server: plain JSON, over the connection and with the credentials that the library kr8s finds."""

import json
import ssl
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import kr8s.asyncio
from kr8s import ServerError

from rsparkhub.backends.kubernetes.names import FIELD_MANAGER
from rsparkhub.domain.errors import Unavailable
from rsparkhub.settings.kubernetes import KubernetesSettings

# The library warns of every version that is newer than itself.
warnings.filterwarnings("ignore", message="Kubernetes version", module="kr8s")

_SECONDS = 15.0
_PAGE = 500

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
    """The API server said no. `status` is HTTP's, `reason` Kubernetes' word for it."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(message or reason or f"status {status}")
        self.status, self.reason = status, reason


@dataclass(frozen=True)
class Listed:
    """Objects, and the version of the whole list, from which a watch goes on."""

    items: list[dict[str, Any]]
    version: str


class Api:
    """One cluster. Made without a call; the first call finds the credentials."""

    def __init__(self, settings: KubernetesSettings) -> None:
        self._settings = settings
        self._api: kr8s.asyncio.Api | None = None

    async def get(self, kind: str, namespace: str | None, name: str) -> dict[str, Any] | None:
        """Give one object; None when there is none of this name."""
        try:
            return (await self._call("GET", _path(kind, namespace, name))).json()  # type: ignore[no-any-return]
        except Refused as refused:
            if refused.status == httpx.codes.NOT_FOUND:
                return None
            raise

    async def apply(self, manifest: dict[str, Any]) -> dict[str, Any]:
        """Make or mend one object by server-side apply, and give it as it is then."""
        meta = manifest["metadata"]
        answer = await self._call(
            "PATCH",
            _path(manifest["kind"], meta.get("namespace"), meta["name"]),
            params={"fieldManager": FIELD_MANAGER, "force": "true"},
            content=json.dumps(manifest),
            headers={"Content-Type": "application/apply-patch+yaml"},
        )
        return answer.json()  # type: ignore[no-any-return]

    async def create(self, manifest: dict[str, Any]) -> dict[str, Any]:
        """Make an object that is only a question, such as a review."""
        path = _path(manifest["kind"], manifest["metadata"].get("namespace"), "").rstrip("/")
        return (await self._call("POST", path, content=json.dumps(manifest))).json()  # type: ignore[no-any-return]

    async def merge(self, kind: str, namespace: str, name: str, change: dict[str, Any]) -> bool:
        """Change fields of one object; False when there is none."""
        headers = {"Content-Type": "application/merge-patch+json"}
        return await self._found("PATCH", _path(kind, namespace, name), content=json.dumps(change), headers=headers)

    async def delete(self, kind: str, namespace: str, name: str, *, grace: int | None = None) -> bool:
        """Delete one object, and what hangs on it in the background; `grace` in seconds. False when there is none."""
        options: dict[str, Any] = {"propagationPolicy": "Background"}
        if grace is not None:
            options["gracePeriodSeconds"] = grace
        return await self._found("DELETE", _path(kind, namespace, name), content=json.dumps(options))

    async def list(
        self, kind: str, namespace: str | None, *, labels: str = "", fields: str = "", names_only: bool = False
    ) -> Listed:
        """List objects, of all namespaces where none is given; `names_only` gives their metadata alone."""
        params = {"labelSelector": labels, "fieldSelector": fields, "limit": str(_PAGE)}
        accept = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1" if names_only else "application/json"
        found: list[dict[str, Any]] = []
        while True:
            page = (await self._call("GET", _path(kind, namespace, ""), params=params, headers={"Accept": accept})).json()
            found += page["items"] or []  # an empty list of names comes as null
            more = page["metadata"].get("continue")
            if not more:
                return Listed(found, page["metadata"]["resourceVersion"])
            params["continue"] = more

    @asynccontextmanager
    async def watch(
        self, kind: str, namespace: str | None, *, labels: str, version: str, seconds: int
    ) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
        """Open a stream of what happens after a version: events as the API server sends them, bookmarks among them."""
        params = {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "labelSelector": labels,
            "resourceVersion": version,
            "timeoutSeconds": str(seconds),
        }
        timeout = httpx.Timeout(_SECONDS, read=seconds + _SECONDS)
        async with self._open("GET", _path(kind, namespace, ""), stream=True, params=params, timeout=timeout) as answer:
            yield (json.loads(line) async for line in answer.aiter_lines() if line)

    async def text(self, kind: str, namespace: str, name: str, **params: str) -> str:
        """Give what is no JSON, such as a pod's log: `kind` is its path below the namespace."""
        return (await self._call("GET", f"/api/v1/namespaces/{namespace}/{kind}/{name}", params=params)).text

    async def raw(self, path: str) -> httpx.Response:
        """Ask for any path, such as /version."""
        return await self._call("GET", path)

    async def _found(self, method: str, path: str, **more: Any) -> bool:
        try:
            await self._call(method, path, **more)
        except Refused as refused:
            if refused.status == httpx.codes.NOT_FOUND:
                return False
            raise
        return True

    async def _call(self, method: str, path: str, **more: Any) -> httpx.Response:
        async with self._open(method, path, timeout=_SECONDS, **more) as answer:
            return answer

    @asynccontextmanager
    async def _open(self, method: str, path: str, *, stream: bool = False, **more: Any) -> AsyncIterator[httpx.Response]:
        """Call.

        Raises
        ------
        Refused
            The API server said no.
        Unavailable
            It can't be reached, or not with the credentials there are.
        """
        api = await self._connected()
        base, _, rest = path.rpartition("/")
        if not base:
            base, rest = path, ""
        call = {"method": method, "version": "", "base": base, "url": rest, "stream": stream, **more}
        try:
            async with api.call_api(raise_for_status=False, **call) as answer:
                if answer.status_code != httpx.codes.UNAUTHORIZED:
                    await _check(answer)
                    yield answer
                    return
            # An account's token is exchanged every hour: the library reads it anew when it may raise.
            async with api.call_api(raise_for_status=True, **call) as answer:
                yield answer
        except ServerError as error:
            raise Unavailable(f"The API server refuses the credentials of RSparkHub: {error}") from error
        except (httpx.HTTPError, OSError, ssl.SSLError, kr8s.APITimeoutError) as error:
            raise Unavailable(f"The API server can't be reached: {error or type(error).__name__}") from error

    async def _connected(self) -> kr8s.asyncio.Api:
        if self._api is None:
            file = self._settings.kubeconfig
            try:
                self._api = await kr8s.asyncio.api(kubeconfig=str(file) if file else None, context=self._settings.context)
            except (httpx.HTTPError, OSError, ValueError, ServerError, kr8s.APITimeoutError) as error:
                raise Unavailable(f"There is no way to a Kubernetes API server: {error}") from error
        return self._api


async def _check(answer: httpx.Response) -> None:
    if answer.status_code < httpx.codes.BAD_REQUEST:
        return
    await answer.aread()
    try:
        said = answer.json()
    except ValueError:
        said = {"message": answer.text[:500]}
    raise Refused(answer.status_code, str(said.get("reason", "")), str(said.get("message", "")))


def _path(kind: str, namespace: str | None, name: str) -> str:
    base, plural, in_namespace = _KINDS[kind]
    where = f"/namespaces/{namespace}" if in_namespace and namespace else ""
    return f"{base}{where}/{plural}" + (f"/{name}" if name else "")
