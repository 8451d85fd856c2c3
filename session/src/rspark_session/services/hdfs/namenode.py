"""The NameNode as its administrator sees it: WebHDFS with Kerberos, by Debian's curl, which knows both.

No Java is started for it, and there is no wheel of a Kerberos client.
"""

import json
import os
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote, urlencode

from rspark_session.services.hdfs import programs
from rspark_session.services.hdfs.kerberos import SUPERUSER, Domain
from rspark_session.services.problem import ServiceProblem

_SECONDS = 30
_TICKET = 4 * 3600.0  # seconds after which a new ticket is got; it is good for a day


class Refused(Exception):
    """The NameNode refused. `kind` is the name of its exception, without a package."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class Away(Exception):
    """The NameNode doesn't answer."""


@dataclass(kw_only=True)
class NameNode:
    """Requests to the NameNode at port `port`, in the name of a principal of the domain."""

    domain: Domain
    port: int
    certificate: Path
    tickets: Path
    _got: dict[str, float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def ask(self, method: str, path: str, operation: str, *, principal: str, **parameters: str) -> Mapping[str, Any]:
        """Send one request to WebHDFS; return the JSON of its answer.

        Raises
        ------
        Refused
            When the NameNode refused it.
        Away
            When it doesn't answer.
        """
        query = urlencode({"op": operation, **parameters})
        status, body = self._curl(method, f"/webhdfs/v1{quote(path)}?{query}", principal=principal)
        try:
            answer = json.loads(body) if body else {}
        except ValueError:
            answer = {}
        if status >= HTTPStatus.BAD_REQUEST or not isinstance(answer, dict):
            problem = answer.get("RemoteException", {}) if isinstance(answer, dict) else {}
            raise Refused(str(problem.get("exception", status)), str(problem.get("message", f"It answered {status}.")))
        return answer

    def page(self, path: str, *, principal: str) -> bytes:
        """Return a page of the NameNode, beginning with a slash.

        Raises
        ------
        Away
            When it doesn't answer, or has no such page.
        """
        status, body = self._curl("GET", path, principal=principal)
        if status != HTTPStatus.OK:
            raise Away(f"The NameNode answered {status}.")
        return body

    def live_datanodes(self) -> list[str]:
        """Return the hosts of the DataNodes that it hears of.

        Raises
        ------
        Away
            When it doesn't answer, or not as expected.
        """
        try:
            beans = json.loads(self.page("/jmx?qry=Hadoop:service=NameNode,name=NameNodeInfo", principal=SUPERUSER))["beans"]
            return sorted({node.rpartition(":")[0] for node in json.loads(beans[0]["LiveNodes"])})
        except (ValueError, LookupError, TypeError) as problem:
            raise Away("The NameNode does not say which DataNodes it has.") from problem

    def stream(self, path: str, *, principal: str) -> "subprocess.Popen[bytes]":
        """Return a process that writes the content of a file to its output; it ends with 0 when that was all of it."""
        environ = self._with_ticket(principal)
        command = [*self._command(), "--fail", "--location"]
        process = subprocess.Popen(command, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert process.stdin is not None
        process.stdin.write(self._url(f"/webhdfs/v1{quote(path)}?op=OPEN"))
        process.stdin.close()
        return process

    def write(self, path: str, content: IO[bytes], *, principal: str) -> None:
        """Write a file, in place of one that is there.

        Raises
        ------
        Away
            When it could not be written to its end.
        """
        environ = self._with_ticket(principal)
        target = f"/webhdfs/v1{quote(path)}?op=CREATE&overwrite=true"
        asked = [*self._command(), "--request", "PUT", "--output", os.devnull, "--write-out", "%{redirect_url}"]
        found = subprocess.run(asked, env=environ, input=self._url(target), capture_output=True, check=False, timeout=_SECONDS)
        location = found.stdout.decode()
        if found.returncode or not location.startswith("https://"):
            raise Away(f"{path} could not be written: {found.stderr.decode(errors='replace').strip() or 'no DataNode takes it'}")
        # The address has a token in it, so it is in a file: the input is the content.
        with tempfile.NamedTemporaryFile("w", dir=self.tickets, suffix=".url") as address:
            address.write(f'url = "{location}"\n')
            address.flush()
            command = [*self._command(config=address.name), "--fail", "--upload-file", "-"]
            process = subprocess.Popen(command, env=environ, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
            assert process.stdin is not None
            with suppress(BrokenPipeError):
                shutil.copyfileobj(content, process.stdin)
                process.stdin.close()
            if process.wait():
                raise Away(f"{path} could not be written to its end.")

    def _curl(self, method: str, target: str, *, principal: str) -> tuple[int, bytes]:
        environ = self._with_ticket(principal)
        command = [*self._command(), "--max-time", str(_SECONDS), "--request", method, "--write-out", "\n%{http_code}"]
        try:
            done = subprocess.run(
                command,
                env=environ,
                input=self._url(target),
                capture_output=True,
                check=False,
                timeout=_SECONDS + 10,
            )
        except subprocess.TimeoutExpired as problem:
            raise Away("The NameNode does not answer.") from problem
        body, _, code = done.stdout.rpartition(b"\n")
        if done.returncode or not code.isdigit():
            raise Away(f"The NameNode does not answer: {done.stderr.decode(errors='replace').strip()}")
        return int(code), body

    def _command(self, config: str = "-") -> list[str]:
        return [
            programs.program("curl"), "--silent", "--show-error", "--ipv4", "--noproxy", "*", "--negotiate", "--user", ":",
            "--cacert", str(self.certificate), "--config", config,
        ]  # fmt: skip

    def _url(self, target: str) -> bytes:
        """Return what curl is told on its input: on its command line everybody on the machine could read a token."""
        return f'url = "https://localhost:{self.port}{target}"\n'.encode()

    def _with_ticket(self, principal: str) -> dict[str, str]:
        """Return the environment of a program that acts as a principal."""
        cache = self.tickets / f"{principal}.ticket"
        environ = {**os.environ, **self.domain.environ, "KRB5CCNAME": f"FILE:{cache}"}
        with self._lock:
            now = time.monotonic()
            if now - self._got.get(principal, -_TICKET) >= _TICKET:
                self.tickets.mkdir(mode=0o700, exist_ok=True)
                command = [programs.program("kinit"), "-k", "-t", str(self.domain.keytab(principal))]
                done = subprocess.run(
                    [*command, self.domain.principal(principal)],
                    env=environ,
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                    text=True,
                    check=False,
                )
                if done.returncode:
                    raise ServiceProblem(f"HDFS gets no ticket for {principal}: {done.stderr.strip()}")
                self._got[principal] = now
        return environ
