"""A stand-in for RStudio Server, which can't be installed where these tests run. It is not RStudio.

It follows what was seen on the real server (2022.07): the processes rserver → rsession, how each meets signals, the files of
state in `~/.local/share/rstudio`, the sign-in without a page, the paths, headers and errors of its calls, and what a sleep saves.
Of R it knows an assignment, a name, `Sys.sleep(N)`, `Sys.getenv("NAME")` and `Sys.getpid()`. Run by its name: `rserver` or
`rsession`.
"""

# ruff: noqa: RET503

import base64
import hashlib
import http.client
import json
import os
import re
import signal
import socket
import socketserver
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

OPTIONS = dict(re.fullmatch("--([^=]+)=?(.*)", word).groups() for word in sys.argv[1:] if word.startswith("--"))


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def address_string(self):
        return "here"

    def body(self):
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            for each in value if isinstance(value, list) else [value]:
                self.send_header(name.replace("_", "-"), each)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def json(self, value):
        self.answer(200, json.dumps(value).encode(), Content_Type="application/json")


class Front(Handler):
    """What `rserver` answers."""

    def cookies(self):
        return dict(pair.strip().split("=", 1) for pair in self.headers.get("Cookie", "").split(";") if "=" in pair)

    def do_GET(self):
        root = self.headers.get("X-RStudio-Root-Path", OPTIONS["www-root-path"].rstrip("/"))
        if self.path.startswith("/p/") and self.headers.get("Upgrade") == "websocket":
            return self.terminal()
        if self.path.startswith("/auth-sign-in"):
            if OPTIONS["auth-none"] != "1":
                return self.answer(200, b"Username, Password")
            signed = hashlib.sha256(Path(OPTIONS["secure-cookie-key-file"]).read_bytes()).hexdigest()
            cookies = [
                f"{name}={value}; path={root}; HttpOnly" for name, value in (("user-id", signed), ("rs-csrf-token", "token"))
            ]
            return self.answer(302, Location=f"{root}/", Set_Cookie=cookies)
        if self.path != "/":
            return self.answer(404)
        if "user-id" not in self.cookies():
            return self.answer(302, Location=f"{root}/auth-sign-in?appUri=%2F")
        self.answer(200, b'<meta name="rs-csrf-token" content="token">')

    def do_POST(self):
        if not self.path.startswith(("/rpc/", "/events/", "/upload")):
            return self.answer(404)
        body = self.body()
        cookies = self.cookies()
        signed = hashlib.sha256(Path(OPTIONS["secure-cookie-key-file"]).read_bytes()).hexdigest()
        events = self.path.startswith("/events/")
        wrong_token = not events and self.headers.get("X-RS-CSRF-Token", "") != cookies.get("rs-csrf-token")
        if cookies.get("user-id") != signed or wrong_token:
            return self.json({"error": {"code": 3, "message": "Client unauthorized"}})
        for _ in range(100):
            try:
                status, answer = ask(self.path, body)
                return self.answer(status, answer, Content_Type="application/json")
            except OSError:
                if events:
                    return self.json({"error": {"code": 2, "message": "Service currently unavailable"}})
                start_session()
                time.sleep(0.1)
        self.answer(503)

    def terminal(self):
        """Echo what is typed, as a terminal's websocket."""
        key = self.headers["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        self.send_response(101)
        accept = base64.b64encode(hashlib.sha1(key.encode()).digest()).decode()
        for header in (("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Accept", accept)):
            self.send_header(*header)
        self.end_headers()
        while head := self.rfile.read(6):
            length = head[1] & 0x7F
            typed = bytes(byte ^ head[2 + place % 4] for place, byte in enumerate(self.rfile.read(length)))
            self.wfile.write(bytes([head[0], length]) + typed)  # text, or the end
            if head[0] & 0x0F != 1:
                break
        self.close_connection = True


def socket_of_session():
    return Path(OPTIONS["server-data-dir"]) / "rstudio-rsession" / f"{OPTIONS['server-user']}-d"


def ask(path, body):
    connection = http.client.HTTPConnection("localhost", timeout=60)
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.connect(str(socket_of_session()))
    connection.request("POST", path, body)
    answer = connection.getresponse()
    return answer.status, answer.read()


CHILDREN, LOCK = [], threading.Lock()


def start_session():
    with LOCK:
        if any(child.poll() is None for child in CHILDREN):
            return
        environ = {name: os.environ[name] for name in ("PATH", "RSPARK_ENSEMBLE")} | {
            "HOME": "/nonexistent",
            "TMPDIR": "/nowhere",
        }
        command = [
            OPTIONS["rsession-path"],
            f"--config-file={OPTIONS['rsession-config-file']}",
            f"--socket={socket_of_session()}",
        ]
        CHILDREN.append(subprocess.Popen(command, env=environ))


def rserver():
    socket_of_session().parent.mkdir(parents=True, exist_ok=True)
    ThreadingHTTPServer((OPTIONS["www-address"], int(OPTIONS["www-port"])), Front).serve_forever()


class Interrupted(Exception):
    pass


class R:
    """The R of `rsession`."""

    def __init__(self):
        lines = Path(OPTIONS["config-file"]).read_text().splitlines()
        self.settings = dict(line.split("=", 1) for line in lines)
        self.active = Path(os.environ["HOME"]) / ".local/share/rstudio/sessions/active"
        found = list(self.active.glob("session-*"))
        self.folder = found[0] if len(found) == 1 else self.active / f"session-{os.getpid():08x}"
        (self.folder / "properites").mkdir(parents=True, exist_ok=True)
        persistent = self.folder / "session-persistent-state"
        self.warning = persistent.exists() and 'abend="1"' in persistent.read_text()
        self.suspended = self.folder / "suspended-session-data"
        self.resumed = self.suspended.exists()
        self.variables, self.events, self.busy = {}, [], False
        self.suspend = self.force = False
        self.lines = []
        if self.resumed:
            self.variables = json.loads((self.suspended / "environment").read_text())
            fleeting = self.settings.get("session-ephemeral-env-vars", "").split(":")
            saved = json.loads((self.suspended / "environment_vars").read_text())
            os.environ.update({name: value for name, value in saved.items() if name not in fleeting})

    def write(self, name, value):
        (self.folder / "properites" / name).write_text(value)

    def abend(self, value):
        (self.folder / "session-persistent-state").write_text(f'abend="{value}"')

    def run(self):
        self.write("activity_state", "running")
        self.write("executing", "0")
        self.abend(1)
        while True:
            if self.force or (self.suspend and not self.busy):
                self.sleep(101 if self.force else 0)
            if not self.lines:
                time.sleep(0.02)
                continue
            self.execute(self.lines.pop(0))

    def execute(self, line):
        self.write("executing", "1")
        self.busy = True
        try:
            if waits := re.fullmatch(r"Sys.sleep\((\d+)\)", line):
                end = time.monotonic() + int(waits[1])
                while time.monotonic() < end:
                    time.sleep(0.02)
                    if self.force:
                        raise Interrupted
            elif assigns := re.fullmatch(r"(\w+) <- (.*)", line):
                self.variables[assigns[1]] = assigns[2]
            elif variable := re.fullmatch(r'Sys.getenv\("(\w+)"\)', line):
                self.print(f'"{os.environ[variable[1]]}"')
            else:
                self.print(os.getpid() if line == "Sys.getpid()" else self.variables[line])
        except Interrupted:
            self.print("interrupted")
        self.busy = False
        self.write("executing", "0")

    def print(self, text):
        self.events.append({"id": len(self.events), "type": "console_output", "data": {"text": f"[1] {text}\n"}})

    def sleep(self, code):
        try:
            self.suspended.mkdir(exist_ok=True)
            (self.suspended / "environment").write_text(json.dumps(self.variables))
            (self.suspended / "environment_vars").write_text(json.dumps(dict(os.environ)))
        except OSError:
            if code == 0:
                self.suspend = False
                return
        self.abend(0)
        self.write("activity_state", "saved")
        os._exit(code)


class Back(Handler):
    """What `rsession` answers."""

    r: "R"

    def do_POST(self):
        body = self.body()
        if self.path == "/upload":
            (Path(os.environ["HOME"]) / "uploaded").write_bytes(body)
            return self.json({"result": len(body)})
        if self.path.startswith("/events/"):
            after = json.loads(body)["params"][0]
            end = time.monotonic() + 1
            while not (events := self.r.events[after + 1 :]) and time.monotonic() < end:
                time.sleep(0.02)
            return self.json({"result": events})
        asked = json.loads(body)
        if self.path == "/rpc/client_init":
            events = ["abend_warning"] if self.r.warning and not self.r.resumed else []
            return self.json({"result": {"clientId": "one", "resumed": self.r.resumed, "events": events}})
        if self.path == "/rpc/console_input":
            self.r.lines.append(asked["params"][0])
            return self.json({"result": None})
        self.answer(404)


class UnixServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


def rsession():
    Path(OPTIONS["socket"]).unlink(missing_ok=True)
    time.sleep(0.5)  # starting: here SIGUSR1 kills it
    Back.r = session = R()
    signal.signal(signal.SIGUSR1, lambda *_: setattr(session, "suspend", True))
    signal.signal(signal.SIGUSR2, lambda *_: setattr(session, "force", True))
    server = UnixServer(OPTIONS["socket"], Back)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    session.run()


{"rserver": rserver, "rsession": rsession}[Path(sys.argv[0]).name]()
