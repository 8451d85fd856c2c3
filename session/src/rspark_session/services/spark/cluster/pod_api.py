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
_SECONDS = 5.0  # for each part of an answer
_MOST_BYTES = 2**24
_GONE = 404


class Refused(Exception):
    """The API server's own words on why it doesn't do what it was asked for."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class PodApi:
    """The pods of one namespace, as the account in the folder `account` may see and change them."""

    def __init__(self, namespace: str, *, account: Path = ACCOUNT, host: str = _HOST, seconds: float = _SECONDS) -> None:
        self._path = f"/api/v1/namespaces/{quote(namespace)}/pods"
        self._account = account
        self._host = host
        self._seconds = seconds
        self._trusted = ssl.create_default_context(cafile=account / "ca.crt")

    def uid(self, name: str) -> str:
        """Return what tells a pod from others of its name."""
        answer = self._ask("GET", f"{self._path}/{quote(name)}")
        return Fields(answer.get("metadata")).required("uid", reading.verbatim(64))

    def labelled(self, labels: Mapping[str, str], *, cached: bool) -> Sequence[dict[str, Any]]:
        """Return the pods that have some labels; `cached` as the server remembers them, which may be a while ago."""
        query = {"labelSelector": ",".join(f"{name}={value}" for name, value in labels.items())}
        if cached:
            query["resourceVersion"] = "0"
        answer = self._ask("GET", f"{self._path}?{urlencode(query)}")
        return Fields(answer).get("items", reading.items(_pod, most=10**4), ())

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
        with closing(HTTPSConnection(self._host, timeout=self._seconds, context=self._trusted)) as connection:
            connection.request(method, path, body=json.dumps(body) if body is not None else None, headers=headers)
            answer = connection.getresponse()
            text = answer.read(_MOST_BYTES + 1)
        if answer.status >= 400:
            raise Refused(answer.status, _message(text) or f"{answer.status} {answer.reason}")
        said = reading.decode(text, most=_MOST_BYTES)
        if not isinstance(said, dict):
            raise Unreadable("it answers with no object")
        return said


def _message(text: bytes) -> str:
    """Return why the server refuses, in its own words; nothing where there are none, as from what is between us and it."""
    try:
        return Fields(reading.decode(text, most=_MOST_BYTES)).get("message", reading.text(), "")
    except Unreadable:
        return ""


def _pod(value: object) -> dict[str, Any]:
    """Read a pod as the documented API gives it, as far as anybody here looks at it."""
    if not isinstance(value, dict):
        raise Unreadable("one of the pods is no object")
    Fields(value.get("metadata")).required("name", reading.verbatim(253))
    Fields(value.get("status", {})).get("phase", reading.verbatim(64), "")
    return value
