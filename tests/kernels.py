"""A small Jupyter client over HTTP and websocket, as any program outside would write it: the door a user takes."""

import json
import time
import uuid
from typing import Any, Self

import httpx
from websockets.sync.client import ClientConnection, connect


class KernelError(Exception):
    """The code that was run raised an error."""


class RemoteKernel:
    """One kernel of a Jupyter server at `url`, in either a session of RSparkHub or a plain server.

    Parameters
    ----------
    url
        The server's address with its base path, without a slash at the end.
    headers
        What signs the caller in.
    http
        A client that signs the caller in, to be used and closed with the kernel; one is made by default.
    """

    def __init__(
        self,
        url: str,
        headers: dict[str, str],
        *,
        name: str = "ir",
        kernel_id: str | None = None,
        http: httpx.Client | None = None,
    ) -> None:
        self.url, self.headers, self.name = url, headers, name
        self.http = http or httpx.Client(headers=headers, timeout=60)
        self.id = kernel_id or self._start()
        self.session = uuid.uuid4().hex
        self.socket: ClientConnection = connect(
            f"ws{url.removeprefix('http')}/api/kernels/{self.id}/channels?session_id={self.session}",
            additional_headers=headers,
            max_size=None,
            compression=None,
            open_timeout=60,
        )

    def _start(self) -> str:
        answer = self.http.post(f"{self.url}/api/kernels", json={"name": self.name})
        answer.raise_for_status()
        return str(answer.json()["id"])

    def send(self, code: str, *, silent: bool = False) -> str:
        """Send code to the kernel; gives the message's id."""
        message = uuid.uuid4().hex
        header = {
            "msg_id": message,
            "msg_type": "execute_request",
            "session": self.session,
            "username": "",
            "version": "5.3",
            "date": "",
        }
        content = {
            "code": code,
            "silent": silent,
            "store_history": not silent,
            "user_expressions": {},
            "allow_stdin": False,
            "stop_on_error": True,
        }
        self.socket.send(
            json.dumps(
                {
                    "header": header,
                    "parent_header": {},
                    "metadata": {},
                    "content": content,
                    "channel": "shell",
                    "buffers": [],
                }
            )
        )
        return message

    def run(self, code: str, *, within: float = 120) -> "Outputs":
        """Run code to its end: the reply came, and the kernel is idle again.

        Raises
        ------
        KernelError
            With the traceback, when the code raised.
        TimeoutError
            When it has not ended within the given seconds.
        """
        message, outputs, replied, idle = self.send(code), Outputs(), False, False
        deadline = time.monotonic() + within
        while not (replied and idle):
            received = self.socket.recv(timeout=max(0.0, deadline - time.monotonic()))
            data = json.loads(received)
            if data["parent_header"].get("msg_id") != message:
                continue
            kind, content = data["header"]["msg_type"], data["content"]
            replied = replied or kind == "execute_reply"
            idle = idle or (kind == "status" and content["execution_state"] == "idle")
            outputs.take(kind, content)
        if outputs.error:
            raise KernelError(outputs.error)
        return outputs

    def close(self) -> None:
        self.socket.close()
        self.http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Outputs:
    """What a cell printed, showed and returned."""

    def __init__(self) -> None:
        self.text = ""
        self.data: list[dict[str, Any]] = []
        self.error = ""

    def take(self, kind: str, content: dict[str, Any]) -> None:
        if kind == "stream":
            self.text += content["text"]
        elif kind in {"display_data", "execute_result"}:
            self.data.append(content["data"])
            self.text += content["data"].get("text/plain", "")
        elif kind == "error":
            self.error = "\n".join([f"{content['ename']}: {content['evalue']}", *content["traceback"]])
