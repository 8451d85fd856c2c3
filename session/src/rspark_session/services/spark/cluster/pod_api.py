"""What of the cluster's API a session's workers need: four calls for pods, with the account of the session's own pod."""

import json
import ssl
from collections.abc import Mapping, Sequence
from contextlib import closing
from http.client import HTTPSConnection
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from rspark_contract import reading
from rspark_contract.reading import Fields, Unreadable

#: Where Kubernetes puts what an account needs.
ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_HOST = "kubernetes.default.svc"
_SECONDS = 5.0
_MOST_BYTES = 2**24
_GONE = 404


class Refused(Exception):
    """The API server's own words on why it doesn't do what it was asked for."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class PodApi:
    """The pods of one namespace, as the account in the folder `account` may see and change them."""

    def __init__(self, namespace: str, *, account: Path = ACCOUNT, host: str = _HOST) -> None:
        self._path = f"/api/v1/namespaces/{quote(namespace)}/pods"
        self._account = account
        self._host = host
        self._trusted = ssl.create_default_context(cafile=account / "ca.crt")

    def uid(self, name: str) -> str:
        """Return what tells a pod from others of its name."""
        answer = self._ask("GET", f"{self._path}/{quote(name)}")
        return Fields(answer.get("metadata")).required("uid", reading.verbatim(64))

    def labelled(self, labels: Mapping[str, str]) -> Sequence[dict[str, Any]]:
        """Return the pods that have some labels."""
        selector = urlencode({"labelSelector": ",".join(f"{name}={value}" for name, value in labels.items())})
        found: list[dict[str, Any]] = self._ask("GET", f"{self._path}?{selector}").get("items") or []
        return found

    def create(self, pod: Mapping[str, Any]) -> None:
        """Make a pod."""
        self._ask("POST", self._path, pod)

    def delete(self, name: str, *, grace: int) -> None:
        """Delete a pod, in so many seconds; one that is gone is no matter."""
        try:
            self._ask("DELETE", f"{self._path}/{quote(name)}?gracePeriodSeconds={grace}")
        except Refused as refused:
            if refused.status != _GONE:
                raise

    def _ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        token = (self._account / "token").read_text(encoding="ascii").strip()  # it is another one from time to time
        headers = {
            "Authorization": f"Bearer {token}",
            "Accept": "application/json",
            "Content-Type": "application/json",
            "User-Agent": "rspark-session",  # so that the cluster's audit says who asked
        }
        with closing(HTTPSConnection(self._host, timeout=_SECONDS, context=self._trusted)) as connection:
            connection.request(method, path, body=json.dumps(body) if body is not None else None, headers=headers)
            answer = connection.getresponse()
            text = answer.read(_MOST_BYTES)
        try:
            said = json.loads(text)
        except ValueError as problem:
            raise Unreadable(f"it answers with no JSON: {problem}") from problem
        if not isinstance(said, dict):
            raise Unreadable("it answers with no object")
        if answer.status >= 400:
            raise Refused(answer.status, str(said.get("message", answer.reason)))
        return said
