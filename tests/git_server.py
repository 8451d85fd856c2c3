"""Real Git repositories that a teacher works on, served over HTTP by Git itself."""

import os
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class Course:
    """A repository that a teacher works on, served at `url`."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self.url = url
        folder.mkdir(parents=True)
        self.git("init", "--quiet", "--initial-branch=main")
        self.git("config", "http.receivepack", "false")

    def git(self, *arguments: str) -> str:
        who = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=false"]
        done = subprocess.run(["git", *who, *arguments], cwd=self.folder, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def commit(self, files: dict[str, str | bytes | None]) -> str:
        """Write these files, remove those that are None, and return the short id of the commit."""
        for name, content in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if content is None:
                path.unlink()
            else:
                path.write_bytes(content.encode() if isinstance(content, str) else content)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message=more", "--allow-empty")
        self.git("update-server-info")
        return self.git("rev-parse", "--short=7", "HEAD")


class _Git(SimpleHTTPRequestHandler):
    """Serves repositories below `root` by `git http-backend`, and by plain files below /dumb/."""

    root: Path

    def do_GET(self) -> None:
        if self.path.startswith("/private/"):
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="course"')
            self.end_headers()
        elif self.path.startswith("/slow/"):
            time.sleep(30)
        elif self.path.startswith("/elsewhere/"):
            self.send_response(301)
            self.send_header("Location", self.path.removeprefix("/elsewhere"))
            self.end_headers()
        elif self.path.startswith("/dumb/"):
            self.directory = str(self.root)
            self.path = self.path.removeprefix("/dumb")
            super().do_GET()
        else:
            self._backend()

    def do_POST(self) -> None:
        self._backend()

    def _backend(self) -> None:
        path, _, query = self.path.partition("?")
        environ = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(self.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "safe.directory",
            "GIT_CONFIG_VALUE_0": "*",
        }
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if body:
            environ["CONTENT_LENGTH"] = str(len(body))
        answer = subprocess.run(["git", "http-backend"], input=body, env=environ, capture_output=True, check=False).stdout
        head, _, content = answer.partition(b"\r\n\r\n")
        fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if ": " in line)
        self.send_response(int(fields.pop("Status", "200").split()[0]))
        for name, value in fields.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the standard library's name
        pass


@contextmanager
def serving(root: Path) -> Iterator[str]:
    """Serve the repositories in a folder, and yield the address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Git,), {"root": root}))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
