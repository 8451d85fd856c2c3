"""The session's HDFS for a job: WebHDFS in the person's name, with the token that the session has."""

import http.client
import json
import os
import re
import shutil
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import IO
from urllib.parse import quote, urlencode, urlsplit

from rspark_contract import reading
from rspark_contract.reading import Fields, Unreadable

_MOST_BYTES = 2**26
_SECONDS = 60.0
_WORD = reading.verbatim(2**16)
_SIZE = reading.integer(0, 2**62)


#: What a person can do about what HDFS refuses, by what its exception says.
_REFUSALS = {
    "QuotaExceeded": 'There is no room for "{path}": your home in HDFS would hold more than its quota. Its trash counts too.',
    "could only be written to 0 of|No space left|Not enough free space": (
        "The disk of HDFS is full. Ask the administrator of this hub to make room; then try again."
    ),
    "SafeMode|safe mode": "HDFS is in safe mode: files can be read, and not written. Try again in a moment.",
    "^AccessControlException": 'You may not use "{path}" in HDFS: it is someone else\'s.',
    "^FileNotFoundException": 'There is no "{path}" in HDFS. `hdfs dfs -ls` names what is in your home.',
    "InvalidToken|token .*expired|can't be found in cache": (
        "This session's access to HDFS has ended. Put the session to sleep and resume it, which makes it anew."
    ),
}


class HdfsRefused(Exception):
    """HDFS doesn't do it, or doesn't answer. The message says what is wrong, and what to do."""

    def __init__(self, message: str, *, missing: bool = False) -> None:
        super().__init__(message)
        self.missing = missing


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What is in HDFS at a path; `size` is in bytes."""

    path: str
    is_folder: bool
    size: int


class HdfsClient:
    """Requests to the session's HDFS."""

    def __init__(self, access: Fields) -> None:
        address = urlsplit(access.required("url", _WORD))
        self._address = (address.hostname or "localhost", address.port or 443)
        self._prefix = address.path
        self._token = Path(access.required("token", _WORD))
        self._tls = ssl.create_default_context(cafile=access.required("certificate", _WORD))
        self.home = access.required("home", _WORD)

    @classmethod
    def of_session(cls) -> "HdfsClient | None":
        """Return the session's; None where it has none."""
        file = os.environ.get("RSPARK_HDFS")
        if not file:
            return None
        try:
            return cls(Fields(reading.decode(Path(file).read_bytes(), most=2**16)))
        except (OSError, Unreadable, ValueError) as problem:
            raise HdfsRefused("HDFS is not set up in this session. Start the session again.") from problem

    def path(self, path: str) -> str:
        """Return a path from the root."""
        path = urlsplit(path).path if path.startswith("hdfs://") else path
        absolute = path if path.startswith("/") else f"{self.home}/{path}"
        parts = [part for part in absolute.split("/") if part not in ("", ".")]
        if ".." in parts:
            raise HdfsRefused('A path in HDFS has no ".." in it.')
        return "/" + "/".join(parts)

    def status(self, path: str) -> Entry | None:
        """Return what is at a path; None where nothing is."""
        try:
            fields = Fields(self._ask("GET", path, "GETFILESTATUS").required("FileStatus", lambda value: value))
        except HdfsRefused as problem:
            if problem.missing:
                return None
            raise
        return _entry(path, fields)

    def list(self, path: str) -> list[Entry]:
        """Return what is in a folder, by name."""
        statuses = Fields(self._ask("GET", path, "LISTSTATUS").required("FileStatuses", lambda value: value))
        found = []
        for value in statuses.required("FileStatus", reading.items(lambda each: each, most=10**6)):
            fields = Fields(value)
            found.append(_entry(f"{path.rstrip('/')}/{fields.required('pathSuffix', _WORD)}", fields))
        return sorted(found, key=lambda entry: entry.path)

    def read(self, path: str, to: IO[bytes]) -> None:
        """Write the content of a file into an open one."""
        connection, answer = self._send("GET", path, "OPEN", {})
        try:
            if location := self._location(answer, path):
                connection.close()
                connection, answer = self._follow("GET", location)
                self._check(answer, path)
            shutil.copyfileobj(answer, to, 2**20)
            if answer.length not in (0, None):
                raise HdfsRefused(f'"{path}" could not be read to its end. Try again in a moment.')
        except (OSError, http.client.HTTPException) as problem:
            raise _away(problem) from problem
        finally:
            connection.close()

    def write(self, path: str, content: IO[bytes], size: int) -> None:
        """Make a file of so many bytes; there must be none yet."""
        options = {"permission": "660", "overwrite": "false"}
        connection, answer = self._send("PUT", path, "CREATE", options)
        try:
            location = self._location(answer, path)
            connection.close()
            if location is None:
                raise HdfsRefused(f"HDFS answers what can't be understood ({answer.status}). Try again in a moment.")
            connection, answer = self._follow("PUT", location, content, size)
            self._check(answer, path)
        except (OSError, http.client.HTTPException) as problem:
            raise _away(problem) from problem
        finally:
            connection.close()

    def make_folder(self, path: str) -> None:
        """Make a folder, and those above it."""
        self._ask("PUT", path, "MKDIRS", {"permission": "770"})

    def rename(self, path: str, to: str) -> None:
        """Move what is at a path to another, where nothing is."""
        if not self._ask("PUT", path, "RENAME", {"destination": to}).required("boolean", reading.flag):
            raise HdfsRefused(f'"{to}" is there already in HDFS. Choose another -output.')

    def delete(self, path: str) -> None:
        """Delete what is at a path, with all in it; there may be nothing."""
        self._ask("DELETE", path, "DELETE", {"recursive": "true"})

    def _ask(self, method: str, path: str, operation: str, options: Mapping[str, str] | None = None) -> Fields:
        connection, answer = self._send(method, path, operation, options or {})
        try:
            self._check(answer, path)
            return Fields(reading.decode(answer.read(_MOST_BYTES), most=_MOST_BYTES))
        except (OSError, http.client.HTTPException, Unreadable) as problem:
            raise _away(problem) from problem
        finally:
            connection.close()

    def _send(
        self, method: str, path: str, operation: str, options: Mapping[str, str]
    ) -> tuple[http.client.HTTPSConnection, http.client.HTTPResponse]:
        try:
            token = self._token.read_text(encoding="ascii").strip()
            query = urlencode({"op": operation, **options, "delegation": token})
            connection = http.client.HTTPSConnection(*self._address, context=self._tls, timeout=_SECONDS)
            connection.request(method, f"{self._prefix}{quote(path)}?{query}")
            return connection, connection.getresponse()
        except (OSError, http.client.HTTPException) as problem:
            raise _away(problem) from problem

    def _follow(
        self, method: str, location: str, content: IO[bytes] | None = None, size: int = 0
    ) -> tuple[http.client.HTTPSConnection, http.client.HTTPResponse]:
        parts = urlsplit(location)
        connection = http.client.HTTPSConnection(parts.hostname or "", parts.port, context=self._tls, timeout=_SECONDS)
        headers = {"Content-Length": str(size), "Content-Type": "application/octet-stream"} if content else {}
        connection.request(method, f"{parts.path}?{parts.query}", content, headers)
        return connection, connection.getresponse()

    def _location(self, answer: http.client.HTTPResponse, path: str) -> str | None:
        self._check(answer, path)
        return answer.getheader("Location") if answer.status == HTTPStatus.TEMPORARY_REDIRECT else None

    def _check(self, answer: http.client.HTTPResponse, path: str) -> None:
        """Raise `HdfsRefused` where an answer is a refusal."""
        if answer.status < HTTPStatus.BAD_REQUEST:
            return
        try:
            remote = json.loads(answer.read(_MOST_BYTES))["RemoteException"]
            kind, message = str(remote["exception"]), str(remote["message"]).partition("\n")[0]
        except (ValueError, KeyError, TypeError):
            kind, message = "", f"it answered {answer.status}"
        raise HdfsRefused(_refusal(kind, message, path), missing=kind == "FileNotFoundException")


def _entry(path: str, fields: Fields) -> Entry:
    return Entry(path=path, is_folder=fields.required("type", _WORD) == "DIRECTORY", size=fields.required("length", _SIZE))


def _refusal(kind: str, message: str, path: str) -> str:
    """Return what a person can do about what HDFS refuses."""
    for pattern, sentence in _REFUSALS.items():
        if re.search(pattern, f"{kind}: {message}"):
            return sentence.format(path=path)
    return f'HDFS refuses that for "{path}": {message}'


def _away(problem: Exception) -> HdfsRefused:
    return HdfsRefused(f"HDFS does not answer. Try again in a moment. ({type(problem).__name__})")
