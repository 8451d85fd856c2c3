"""A stand-in for `rspark_session.agent` in tests of the backend and the controller: small, and it does what it is told.

It follows the contract between the agent and the process backend (its files, its HTTP, its signals), and saves one number
where the agent saves workspaces. `<home>/behaviour.json` tells it how to behave: `ready_after` and `save_takes` in seconds,
`deaf` (doesn't end when asked), `fails` (a reason to fail with once ready), `exits` (ends at once with this code), `hangs`
(is never ready), `hides` (starts a process that leaves its session and its parent), `busy` (what it says it computes).
"""

import datetime
import http.server
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import threading
import time

SPEC = json.loads(pathlib.Path(sys.argv[-1]).read_text())
RUN, KEEP, HOME = (pathlib.Path(SPEC[name]) for name in ("run", "keep", "home"))
try:
    BEHAVIOUR = json.loads((HOME / "behaviour.json").read_text())
except FileNotFoundError:
    BEHAVIOUR = {}
ENDING = threading.Event()
STATUS = {
    "session": SPEC["id"], "generation": SPEC["generation"], "state": "starting", "reason": None, "detail": None,
    "address": None, "pid": os.getpid(), "busy": False, "busy_with": [], "last_activity": None, "memory": 2**20, "cpu": 0.0,
    "parts": [], "restored": None,
}  # fmt: skip
ASKED = []  # how it was asked to end


def write(path: pathlib.Path, data: object) -> None:
    new = path.with_name(f".{path.name}.{os.getpid()}")
    new.write_text(json.dumps(data))
    new.replace(path)


def tell(state: str, **more: object) -> None:
    STATUS.update(more, state=state, updated=datetime.datetime.now(datetime.UTC).isoformat())
    part_state = {"starting": "starting", "ready": "ready", "failed": "failed"}.get(state, "ended")
    parts = SPEC["parts"] or [{"name": "interface", "title": "Stand-in"}]
    endpoint = {"host": "127.0.0.1", "port": 1} if SPEC["kind"] == "service" and state == "ready" else None
    STATUS["parts"] = [
        {"name": part["name"], "title": part["title"], "state": part_state, "reason": None, "endpoint": endpoint}
        for part in parts
    ]
    write(RUN / "status.json", STATUS)
    for listener in pathlib.Path(SPEC["bells"]).glob("*.sock"):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as notifier:
            try:
                notifier.sendto(json.dumps({"session": SPEC["id"]}).encode(), str(listener))
            except OSError:
                continue


class Requests(http.server.BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        known = self.headers.get("X-Rspark-Secret") == SPEC["secret"]
        self.send_response(202 if known else 401)
        self.end_headers()
        if known and not BEHAVIOUR.get("deaf"):
            ASKED.append("suspended" if self.path.endswith("/suspend") else "stopped")
            ENDING.set()

    def log_message(self, *message: object) -> None:
        print(*message, flush=True)


def told_to_end(*_: object) -> None:
    if not BEHAVIOUR.get("deaf"):
        ENDING.set()


def leave(code: int, how: str, saved: object = None, reason: str | None = None) -> None:
    record = {
        "session": SPEC["id"], "generation": SPEC["generation"], "how": how, "reason": reason, "code": code, "saved": saved,
        "at": datetime.datetime.now(datetime.UTC).isoformat(), "parts": [],
    }  # fmt: skip
    write(KEEP / "record.json", record)
    write(RUN / "record.json", record)
    tell("failed" if how == "failed" else "ended")
    sys.exit(code)


def kernel(value: int) -> dict[str, object]:
    return {"id": "1", "name": "ir", "language": "R", "objects": value}


signal.signal(signal.SIGTERM, told_to_end)
print("stand-in agent", os.getpid(), flush=True)
if "exits" in BEHAVIOUR:
    print("Traceback: told to exit", flush=True)
    sys.exit(BEHAVIOUR["exits"])
server = http.server.ThreadingHTTPServer((SPEC["listen"]["host"], SPEC["listen"]["port"]), Requests)
threading.Thread(target=server.serve_forever, daemon=True).start()
interface = subprocess.Popen(["sleep", "1000"])
if BEHAVIOUR.get("hides"):
    subprocess.run(["setsid", "sh", "-c", "sleep 1000 & env -u RSPARK_ENSEMBLE sleep 1001 &"], check=True)
tell("starting", address=f"127.0.0.1:{server.server_port}")
saved = KEEP / "saved.json"
value = json.loads(saved.read_text()) if SPEC["resume"] and saved.exists() else 0
if BEHAVIOUR.get("hangs"):
    ENDING.wait()
ENDING.wait(BEHAVIOUR.get("ready_after", 0))
if not ENDING.is_set():
    value += 1
    (HOME / "value").write_text(str(value))
    STATUS.update(busy="busy" in BEHAVIOUR, busy_with=BEHAVIOUR.get("busy", []))
    tell("ready", restored={"kernels": [kernel(value)]} if SPEC["resume"] else None)
    if BEHAVIOUR.get("fails"):
        interface.kill()
        leave(1, "failed", reason=BEHAVIOUR["fails"])
    ENDING.wait()
    how = ASKED[-1] if ASKED else "suspended"
    tell("suspending" if how == "suspended" else "stopping")
    if how == "suspended":
        time.sleep(BEHAVIOUR.get("save_takes", 0))
        write(saved, value)
else:
    how = ASKED[-1] if ASKED else "suspended"
interface.kill()
leave(0, how, saved={"kernels": [kernel(value)]} if how == "suspended" else None)
