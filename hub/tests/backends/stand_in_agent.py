"""A stand-in for `rspark_session.agent` in tests of the backend and the controller: small, and it does what it is told.

It follows the contract between the agent and the process backend (its files, its HTTP, its signals), and saves one number
where the agent saves workspaces. `<home>/behaviour.json` tells it how to behave: `ready_after` and `save_takes` in seconds,
`deaf` (doesn't end when asked), `fails` (a reason to fail with once ready), `exits` (ends at once with this code), `hangs`
(is never ready), `slow` (why it takes long to start, which it does until a file `quick` is in the home), `hides` (starts a
process that leaves its session and its parent), `busy` (what it says it computes), `loses` (what it can't keep: then it
refuses to sleep, and ends with 1 when it must).
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
from dataclasses import replace

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "contract/src"))  # this Python has no packages

from rspark_contract.ensemble import read_document
from rspark_contract.http import SECRET_HEADER, requested_ending
from rspark_contract.notification import Notification
from rspark_contract.reading import Json
from rspark_contract.record import How, Record
from rspark_contract.saved import LostObject, Restored, RestoredKernel, Saved, SavedKernel, SleepRefusal
from rspark_contract.status import AgentState, AgentStatus, ComponentState, ComponentStatus

SPEC = read_document(pathlib.Path(sys.argv[-1]))
RUN, KEEP, HOME = SPEC.places.run, SPEC.places.keep, SPEC.places.home
try:
    BEHAVIOUR = json.loads((HOME / "behaviour.json").read_text())
except FileNotFoundError:
    BEHAVIOUR = {}
ENDING = threading.Event()
STATUS = AgentStatus(
    session=SPEC.id, generation=SPEC.generation, state=AgentState.STARTING, pid=os.getpid(), memory=2**20, cpu=0.0
)
ASKED: list[How] = []  # how it was asked to end


def write(path: pathlib.Path, data: Json) -> None:
    new = path.with_name(f".{path.name}.{os.getpid()}")
    new.write_text(json.dumps(data))
    new.replace(path)


def publish(state: AgentState, **more: object) -> None:
    global STATUS  # noqa: PLW0603
    component_state = {
        AgentState.STARTING: ComponentState.STARTING, AgentState.READY: ComponentState.READY,
        AgentState.FAILED: ComponentState.FAILED,
    }.get(state, ComponentState.ENDED)  # fmt: skip
    titles = {component.name: component.title for component in SPEC.components} or {"interface": "Stand-in"}
    listens = SPEC.kind == "service" and state is AgentState.READY
    STATUS = replace(
        STATUS,
        state=state,
        updated=datetime.datetime.now(datetime.UTC),
        components=tuple(
            ComponentStatus(
                name=name,
                title=title,
                state=component_state,
                reason=BEHAVIOUR.get("slow") if state is AgentState.STARTING else None,
                endpoint={"host": "127.0.0.1", "port": 1} if listens else None,
            )
            for name, title in titles.items()
        ),
        **more,  # type: ignore[arg-type]
    )
    write(RUN / "status.json", STATUS.to_json())
    news = Notification(session=SPEC.id, generation=SPEC.generation).to_bytes()
    assert SPEC.places.notify is not None
    for listener in SPEC.places.notify.glob("*.sock"):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as sender:
            try:
                sender.sendto(news, str(listener))
            except OSError:
                continue


class Requests(http.server.BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        known = self.headers.get(SECRET_HEADER) == SPEC.secret
        self.send_response(202 if known else 401)
        self.end_headers()
        if known and not BEHAVIOUR.get("deaf"):
            path, _, query = self.path.partition("?")
            ending = requested_ending(path, query)
            if ending in ("sleep", "sleep-if-idle") and (BEHAVIOUR.get("loses") or (ending != "sleep" and "busy" in BEHAVIOUR)):
                refuse(BEHAVIOUR.get("loses"))
                return
            ASKED.append(How.STOPPED if ending == "stop" else How.SUSPENDED)
            ENDING.set()

    def log_message(self, *message: object) -> None:
        print(*message, flush=True)


def refuse(lost: str | None) -> None:
    number = STATUS.refusal.number + 1 if STATUS.refusal else 1
    failed = (LostObject(name=lost, class_name="list", why="No space.", failed=True),) if lost else ()
    reason = f"could not keep `{lost}` (No space)." if lost else "it computes."
    now = datetime.datetime.now(datetime.UTC)
    publish(AgentState.READY, refusal=SleepRefusal(number=number, at=now, reason=reason, lost=failed))


def told_to_end(*_: object) -> None:
    if not BEHAVIOUR.get("deaf"):
        ENDING.set()


def leave(code: int, how: How, saved: Saved | None = None, reason: str | None = None) -> None:
    record = Record(
        session=SPEC.id, generation=SPEC.generation, how=how, reason=reason, code=code, saved=saved,
        at=datetime.datetime.now(datetime.UTC),
    )  # fmt: skip
    write(KEEP / "record.json", record.to_json())
    write(RUN / "record.json", record.to_json())
    publish(AgentState.FAILED if how is How.FAILED else AgentState.ENDED)
    sys.exit(code)


signal.signal(signal.SIGTERM, told_to_end)
print("stand-in agent", os.getpid(), flush=True)
if "exits" in BEHAVIOUR:
    print("Traceback: told to exit", flush=True)
    sys.exit(BEHAVIOUR["exits"])
server = http.server.ThreadingHTTPServer((SPEC.places.host, SPEC.places.port), Requests)
threading.Thread(target=server.serve_forever, daemon=True).start()
interface = subprocess.Popen(["sleep", "1000"])
if BEHAVIOUR.get("hides"):
    subprocess.run(["setsid", "sh", "-c", "sleep 1000 & env -u RSPARK_ENSEMBLE sleep 1001 &"], check=True)
publish(AgentState.STARTING, address=f"127.0.0.1:{server.server_port}")
saved_file = KEEP / "saved.json"
value = json.loads(saved_file.read_text()) if SPEC.resume and saved_file.exists() else 0
if BEHAVIOUR.get("hangs"):
    ENDING.wait()
ENDING.wait(BEHAVIOUR.get("ready_after", 0))
while "slow" in BEHAVIOUR and not (HOME / "quick").exists() and not ENDING.wait(0.05):
    pass
if not ENDING.is_set():
    value += 1
    (HOME / "value").write_text(str(value))
    restored = Restored(kernels=(RestoredKernel(id="1", name="ir", language="R", objects=value),)) if SPEC.resume else None
    publish(AgentState.READY, restored=restored, busy="busy" in BEHAVIOUR, busy_with=tuple(BEHAVIOUR.get("busy", ())))
    if BEHAVIOUR.get("fails"):
        interface.kill()
        leave(1, How.FAILED, reason=BEHAVIOUR["fails"])
    ENDING.wait()
    how = ASKED[-1] if ASKED else How.SUSPENDED
    publish(AgentState.SUSPENDING if how is How.SUSPENDED else AgentState.STOPPING)
    if how is How.SUSPENDED:
        time.sleep(BEHAVIOUR.get("save_takes", 0))
        write(saved_file, value)
else:
    how = ASKED[-1] if ASKED else How.SUSPENDED
interface.kill()
kernel = SavedKernel(id="1", name="ir", language="R", objects=value)
lost = BEHAVIOUR.get("loses") if how is How.SUSPENDED else None
reason = f"Your session could not keep `{lost}`." if lost else None
leave(int(lost is not None), how, saved=Saved(kernels=(kernel,)) if how is How.SUSPENDED else None, reason=reason)
