"""How an ensemble starts, fails and ends."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from session.tests.running import CHECKOUT, HEADERS, PYTHON, Running, command_of, interface, members, part, until

Start = Callable[..., Running]

FOREVER = ("{python}", "-c", "import signal; signal.pause()")


def python(code: str) -> tuple[str, str, str]:
    return ("{python}", "-c", code)


def states(running: Running) -> dict[str, str]:
    return {part["name"]: part["state"] for part in running.status()["parts"]}


async def test_a_service_without_an_interface_is_ready_when_its_parts_are(start: Start) -> None:
    running = start(kind="service", parts=[part("one", *FOREVER), part("two", *FOREVER)])
    status = await running.until_state("ready")
    assert states(running) == {"one": "ready", "two": "ready"}
    assert status["session"] == running.asked["id"]
    assert status["generation"] == 1
    assert status["pid"] == running.process.pid
    assert await running.suspend() == 0
    assert running.status()["state"] == "ended"
    assert states(running) == {"one": "ended", "two": "ended"}
    assert not members(running.name)


async def test_a_part_waits_until_those_before_it_are_ready(start: Start, tmp_path: Path) -> None:
    running = start(
        parts=[
            part("late", *FOREVER, after=["early"]),
            part("early", *FOREVER, ready={"file": "{run}/early.json"}),
            part("aside", *FOREVER),
        ]
    )
    await until(lambda: states(running) == {"late": "waiting", "early": "starting", "aside": "ready"}, "only one part waits")
    assert running.status()["state"] == "starting"
    (running.run / "early.json").write_text(json.dumps({"host": "127.0.0.1", "port": 5432}))
    await running.until_state("ready")
    assert running.part("early")["endpoint"] == {"host": "127.0.0.1", "port": 5432}


async def test_a_part_is_ready_when_it_answers(start: Start) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    running = start(
        parts=[
            part("web", "{python}", "-m", "http.server", str(port), ready={"http": f"http://127.0.0.1:{port}/"}),
            part("port", *FOREVER, ready={"tcp": f"127.0.0.1:{port}"}),
        ]
    )
    await running.until_state("ready")


async def test_a_port_is_chosen_before_anything_starts_and_is_the_same_wherever_it_is_named(start: Start) -> None:
    serve = ("{python}", "-m", "http.server", "{port:store}", "--bind", "{host}")
    shows = python("import os, signal; print(os.environ['STORE'], os.environ['OTHER'], flush=True); signal.pause()")
    running = start(
        parts=[
            part("store", *serve, ready={"http": "http://{host}:{port:store}/"}),
            part("user", *shows, environ={"OTHER": "{port:other}"}, after=["store"]),
        ],
        environ={"STORE": "{host}:{port:store}"},
        files=[{"path": "store.conf", "content": "port={port:store} {braces}"}],
    )
    await running.until_state("ready")
    await until(lambda: running.log("user"), "it has shown its variables")
    address, other = running.log("user").split()
    host, _, port = address.partition(":")
    assert host == "127.0.0.1"
    assert other != port
    assert (running.run / "store.conf").read_text() == f"port={port} {{braces}}"
    async with httpx.AsyncClient() as client:
        assert (await client.get(f"http://{address}/")).status_code == 200


async def test_parts_that_wait_for_each_other_are_refused(start: Start) -> None:
    running = start(parts=[part("one", *FOREVER, after=["two"]), part("two", *FOREVER, after=["one"])])
    assert await running.ended() == 1
    assert "these components wait for each other" in running.log("agent")


@pytest.mark.parametrize("name", ["agent", "interface", "../elsewhere", "", "Part"])
async def test_a_name_that_can_not_be_one_is_refused(start: Start, name: str) -> None:
    running = start(parts=[part(name, *FOREVER)])
    assert await running.ended() == 1
    refused = (f"{name!r} can't be the name of another component", f"name: {name!r} doesn't match")
    assert any(sentence in running.log("agent") for sentence in refused)


async def test_a_file_that_is_no_spec_is_refused_in_a_sentence(tmp_path: Path) -> None:
    file = tmp_path / "ensemble.json"
    for content, sentence in [("{", "isn't JSON"), ("{}", "id is missing"), ("[]", "is no object")]:
        file.write_text(content)
        ran = subprocess.run([PYTHON, "-m", "rspark_session.agent", file], capture_output=True, text=True, check=False)
        assert (ran.returncode, sentence in ran.stderr) == (1, True), ran.stderr
        assert "Traceback" not in ran.stderr


async def test_a_home_that_can_not_be_made_fails_the_session_in_a_sentence(start: Start, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    running = start(interface=interface("jupyterlab"), home=str(tmp_path / "file/home"))
    assert await running.ended() == 1
    assert running.status()["reason"] == "The session could not be set up: Not a directory."
    assert running.record()["how"] == "failed"


async def test_a_first_start_says_why_it_takes_longer_until_it_is_over(start: Start, tmp_path: Path) -> None:
    why = "Store formats its disk."
    first_start = {"path": str(tmp_path / "disk"), "reason": why}
    store = part("store", *FOREVER, ready={"file": "{run}/store.json"}, first_start=first_start)
    running = start(kind="service", parts=[store, part("late", *FOREVER, after=["store"], first_start=first_start)])
    await until(lambda: running.part("store")["state"] == "starting", "it is being started")
    assert (running.part("store")["reason"], running.part("late")["reason"]) == (why, None)
    (tmp_path / "disk").mkdir()
    (running.run / "store.json").write_text("{}")
    await running.until_state("ready")
    assert running.part("store")["reason"] is None
    assert await running.suspend() == 0
    again = start(kind="service", parts=[store], generation=2)
    await until(lambda: again.part("store")["state"] == "starting", "it is being started for the second time")
    assert again.part("store")["reason"] is None


async def test_a_part_that_dies_fails_the_ensemble_with_its_last_words(start: Start) -> None:
    words = python("import sys, time; print('no space left on device', flush=True); time.sleep(0.2); sys.exit(3)")
    running = start(parts=[part("store", *words), part("other", *FOREVER)])
    assert await running.ended() == 1
    status = running.status()
    assert status["state"] == "failed"
    assert status["reason"] == "Store stopped by itself, with the code 3."
    assert status["detail"] == "no space left on device"
    assert states(running) == {"store": "failed", "other": "ended"}
    record = running.record()
    assert (record["how"], record["code"]) == ("failed", 1)
    assert {"name": "store", "code": 3} in record["parts"]
    assert not members(running.name)


async def test_beside_an_interface_a_part_that_fails_is_named_and_started_again(start: Start) -> None:
    words = python(
        "import json, os, pathlib, signal, sys\n"
        "tried = pathlib.Path(os.environ['HOME'], 'tried')\n"
        "tried.write_text(tried.read_text() + 'x' if tried.exists() else 'x')\n"
        "mended = pathlib.Path(os.environ['HOME'], 'mended')\n"
        "if not mended.exists(): sys.exit('no space left on device')\n"
        "pathlib.Path(sys.argv[1]).write_text(json.dumps({'port': 5432}))\n"
        "signal.pause()"
    )
    running = start(
        interface=interface("terminal"),
        parts=[
            part("store", *words, "{run}/store.json", ready={"file": "{run}/store.json"}),
            part("index", *FOREVER, after=["store"]),
            part("other", *FOREVER),
        ],
    )
    await running.until_state("ready")
    await until(lambda: len((running.home / "tried").read_text()) > 1, "it is started again")
    assert (states(running)["other"], states(running)["interface"], states(running)["index"]) == ("ready", "ready", "waiting")
    again = "Store stopped by itself, with the code 1. The session goes on without it, and it is started again."
    await until(lambda: running.part("store")["reason"] == again, "it failed once more")
    (running.home / "mended").touch()
    await until(lambda: set(states(running).values()) == {"ready"}, "it is mended, and what waited for it runs")
    assert running.part("store")["reason"] is None
    next(process for process in members(running.name) if "store.json" in " ".join(command_of(process))).kill()
    await until(lambda: running.part("store")["state"] != "ready", "it is gone")
    await until(lambda: running.part("store")["state"] == "ready", "it is there again")
    assert running.status()["state"] == "ready"
    assert await running.suspend() == 0


async def test_a_part_that_is_killed_says_so(start: Start) -> None:
    running = start(parts=[part("store", *FOREVER)])
    await running.until_state("ready")
    victim = next(process for process in members(running.name) if process.pid != running.process.pid)
    victim.kill()
    assert await running.ended() == 1
    assert running.status()["reason"] == "Store was killed, as happens when the memory of the machine runs out."


async def test_a_command_that_is_not_there_is_named(start: Start) -> None:
    running = start(parts=[part("store", "/no/such/program")])
    assert await running.ended() == 1
    assert running.status()["reason"] == "Store can't be started: No such file or directory."


async def test_an_interface_of_another_version_is_refused_in_a_sentence(start: Start) -> None:
    running = start(interface=interface("holodeck"))
    assert await running.ended() == 1
    assert running.status()["state"] == "failed"
    assert running.status()["reason"] == "There is no interface 'holodeck' in this version."
    assert running.record()["how"] == "failed"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_puts_it_to_sleep(start: Start, number: signal.Signals) -> None:
    running = start(parts=[part("one", *FOREVER)])
    await running.until_state("ready")
    running.process.send_signal(number)
    assert await running.ended() == 0
    assert running.record()["how"] == "suspended"


async def test_it_stops_when_asked(start: Start) -> None:
    running = start(parts=[part("one", *FOREVER)])
    await running.until_state("ready")
    assert (await running.get("agent/stop")).status_code == 405
    assert (await running.post("agent/stop")).status_code == 202
    assert await running.ended() == 0
    assert running.record()["how"] == "stopped"
    assert json.loads((running.keep / "record.json").read_text()) == running.record()


async def test_parts_end_in_the_reverse_of_their_order(start: Start) -> None:
    waits = (
        "import signal, time, pathlib\ndef end(*_):\n pathlib.Path('{run}/order').open('a').write('NAME '); raise SystemExit\n"
    )
    waits += "signal.signal(signal.SIGTERM, end)\npathlib.Path('{run}/NAME.json').write_text('1')\nsignal.pause()"

    def one(name: str, *after: str) -> dict:
        return part(name, *python(waits.replace("NAME", name)), after=after, ready={"file": f"{{run}}/{name}.json"})

    running = start(parts=[one("hdfs"), one("hive", "hdfs"), one("query", "hive")])
    await running.until_state("ready")
    assert await running.suspend() == 0
    assert (running.run / "order").read_text().split() == ["query", "hive", "hdfs"]


async def test_a_part_that_does_not_end_is_made_to(start: Start) -> None:
    deaf = python("import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); open('{run}/deaf', 'w'); signal.pause()")
    running = start(parts=[part("deaf", *deaf, stop_timeout=0.3, ready={"file": "{run}/deaf"})])
    await running.until_state("ready")
    assert await running.suspend() == 0
    assert running.record()["parts"] == [{"name": "deaf", "code": -signal.SIGKILL}]


async def test_orphans_are_reaped_and_ended(start: Start) -> None:
    """A process that hides behind a double fork, in a session of its own, is still seen and ended."""
    hides = "import os, time, signal\nif os.fork() == 0:\n os.setsid()\n"
    hides += (
        " if os.fork() == 0:\n  open('{run}/hidden', 'w').write(str(os.getpid())); signal.pause()\n os._exit(0)\nsignal.pause()"
    )
    running = start(parts=[part("one", *python(hides), ready={"file": "{run}/hidden"})])
    await running.until_state("ready")
    hidden = int((running.run / "hidden").read_text())
    await until(lambda: Path(f"/proc/{hidden}/stat").read_text().split()[3] == str(running.process.pid), "the agent has it")
    assert await running.suspend() == 0
    assert not Path(f"/proc/{hidden}").exists()


async def test_zombies_of_others_do_not_pile_up(start: Start) -> None:
    leaves = "import os, time, signal\nfor _ in range(20):\n if os.fork() == 0:\n  os.fork(); os._exit(0)\n os.wait()\n"
    leaves += "open('{run}/done', 'w'); signal.pause()"
    running = start(parts=[part("one", *python(leaves), ready={"file": "{run}/done"})])
    await running.until_state("ready")

    def zombies() -> list[str]:
        children = Path(f"/proc/{running.process.pid}/task/{running.process.pid}/children").read_text().split()
        return [child for child in children if Path(f"/proc/{child}/stat").read_text().split()[2] == "Z"]

    await until(lambda: not zombies(), "no zombie is left")
    assert await running.suspend() == 0


async def test_it_sleeps_when_its_parent_dies(prepare: Start) -> None:
    running = prepare(parts=[part("one", *FOREVER)])
    (running.run / "log").mkdir(parents=True)
    (running.run / "ensemble.json").write_text(json.dumps(running.asked))
    command = [str(PYTHON), "-m", "rspark_session.agent", str(running.run / "ensemble.json")]
    parent = subprocess.Popen(
        [sys.executable, "-c", f"import subprocess, signal; subprocess.Popen({command!r}); signal.pause()"],
        env={**os.environ, "RSPARK_ENSEMBLE": running.name},
    )
    try:
        await until(lambda: running.status()["state"] == "ready", "it is ready")
    finally:
        parent.kill()
        parent.wait()
    await until((running.run / "record.json").exists, "it has ended")
    assert running.record()["how"] == "suspended"
    await until(lambda: not members(running.name), "nothing is left")


async def test_a_killed_agent_takes_everything_with_it(prepare: Start, tmp_path: Path) -> None:
    """With the shim of the process backend, which watches over the agent."""
    running = prepare(parts=[part("one", *FOREVER), part("two", *FOREVER)])
    (running.run / "log").mkdir(parents=True)
    running.home.mkdir()
    (running.run / "ensemble.json").write_text(json.dumps(running.asked))
    shim = CHECKOUT / "hub/src/rsparkhub/backends/process/shim.py"
    command = [str(PYTHON), "-m", "rspark_session.agent", str(running.run / "ensemble.json")]
    watcher = [sys.executable, "-I", "-S", str(shim), str(running.run), running.name, str(tmp_path / "home"), str(tmp_path)]
    subprocess.run([*watcher, "", *command], check=True, env={**os.environ, "HOME": str(running.home)}, timeout=30)
    await until(lambda: running.status()["state"] == "ready", "it is ready")
    os.kill(running.status()["pid"], signal.SIGKILL)
    left = await until(lambda: (running.run / "exit.json").exists() and json.loads((running.run / "exit.json").read_text()), "")
    assert left["signal"] == signal.SIGKILL
    assert not members(running.name)


async def test_it_notifies_every_socket(prepare: Start, tmp_path: Path) -> None:
    notify_dir = tmp_path / "notify_dir"
    notify_dir.mkdir()
    (notify_dir / "gone.sock").touch()  # nobody listens here
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notified:
        notified.bind(str(notify_dir / "controller.sock"))
        notified.setblocking(False)
        running = prepare(parts=[part("one", *FOREVER)], bells=str(notify_dir))
        running.start()
        heard = await asyncio.wait_for(asyncio.get_running_loop().sock_recv(notified, 1000), 30)
        assert json.loads(heard) == {"session": running.asked["id"], "generation": 1}
        await running.until_state("ready")
        assert await running.suspend() == 0


async def test_everything_sees_its_session_and_nothing_of_the_hub(prepare: Start, tmp_path: Path) -> None:
    telling = python("import json, os, signal; json.dump(dict(os.environ), open('{run}/environ.json', 'w')); signal.pause()")
    running = prepare(
        parts=[part("one", *telling, environ={"OWN": "{home}/x"}, ready={"file": "{run}/environ.json"})],
        environ={"PGHOST": "127.0.0.1", "PGPASSFILE": "{run}/pgpass"},
        spark={"mode": "local", "memory": 2**30, "cores": 2},
    )
    running.start(
        RSPARKHUB_STORE_URL="a secret",
        PGPASSWORD="a secret",
        RSPARK_R_LIBS="/opt/r",
        JUPYTER_TOKEN="x",
        PYTHONPATH="/x",
        TZ="Asia/Tokyo",
    )
    await running.until_state("ready")
    seen = json.loads((running.run / "environ.json").read_text())
    expected = {
        "RSPARK_SESSION": running.asked["id"],
        "RSPARK_USER": "ann",
        "RSPARK_HOME": str(running.home),
        "HOME": str(running.home),
        "USER": "ann",
        "LOGNAME": "ann",
        "TZ": "Asia/Tokyo",
        "RSPARK_HUB_URL": "http://localhost:8000/hub/",
        "RSPARK_ENSEMBLE": running.name,
        "RSPARK_TOKEN_FILE": str(running.run / "token"),
        "R_LIBS_SITE": "/opt/r:/usr/local/lib/R/site-library:%S",
        "PGHOST": "127.0.0.1",
        "PGPASSFILE": str(running.run / "pgpass"),
        "OWN": f"{running.home}/x",
        "SPARK_CONF_DIR": str(running.run / "spark/conf"),
    }
    assert {name: seen.get(name) for name in expected} == expected
    assert Path(seen["SPARK_HOME"], "jars").is_dir()
    assert Path(seen["JAVA_HOME"], "bin/java").exists()
    assert seen["PATH"].split(":")[:2] == [f"{seen['VIRTUAL_ENV']}/bin", str(PYTHON.parent)]
    assert seen["VIRTUAL_ENV"].startswith(f"{running.home}/.local/lib/python/3.")
    assert not {"RSPARKHUB_STORE_URL", "PGPASSWORD", "RSPARK_R_LIBS", "JUPYTER_TOKEN", "PYTHONPATH"} & set(seen)
    token = running.run / "token"
    assert token.read_text() == "a token"
    assert token.stat().st_mode & 0o777 == 0o600


async def test_the_status_is_the_same_by_file_and_by_address(start: Start) -> None:
    running = start(parts=[part("one", *FOREVER)])
    await running.until_state("ready")
    by_address = (await running.http.get(f"http://{running.status()['address']}/agent/status")).json()
    by_file = running.status()
    for moving in ("updated", "memory", "cpu"):
        by_address.pop(moving), by_file.pop(moving)
    assert by_address == by_file
    assert (await running.get("agent/status")).json()["pid"] == running.process.pid


async def test_what_is_the_hubs_to_ask_is_not_below_the_sessions_own_path(start: Start) -> None:
    """Where the edge leads: a viewer would read logs there, and an editor end the session."""
    running = start(parts=[part("one", *FOREVER)])
    await running.until_state("ready")
    below = f"http://{running.status()['address']}{running.asked['base_path']}agent/"
    for path in ("healthz", "status", "logs?service=one", "stop", "suspend"):
        for method in ("GET", "POST"):
            answer = await running.http.request(method, below + path)
            assert (answer.status_code, "RSparkHub" in answer.text) == (503, True), path  # as of any page: no interface is here
    assert running.status()["state"] == "ready"


async def test_who_knows_the_status_waits_for_another(start: Start) -> None:
    slow = python("import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); open('{run}/deaf', 'w'); signal.pause()")
    running = start(parts=[part("slow", *slow, ready={"file": "{run}/deaf"}, stop_timeout=2.0)])
    await running.until_state("ready")
    first = await running.get("agent/status")
    known = {"If-None-Match": first.headers["etag"]}
    assert (await running.get("agent/status", headers=known)).status_code == 304
    assert (await running.get("agent/status", headers=known | {"Prefer": "wait=1"})).status_code == 304
    assert (await running.get("agent/status", headers=known | {"Prefer": "wait=no number"})).status_code == 304
    waiting = asyncio.ensure_future(running.get("agent/status", headers=known | {"Prefer": "wait=30"}, timeout=40))
    await asyncio.sleep(0.2)  # it waits
    assert not waiting.done()
    assert (await running.post("agent/suspend")).status_code == 202
    news = await asyncio.wait_for(waiting, 10)
    assert (news.status_code, news.json()["state"]) == (200, "suspending")
    assert news.headers["etag"] != first.headers["etag"]
    assert await running.ended() == 0


async def test_memory_and_processor_are_measured(start: Start) -> None:
    works = python("x = bytearray(200 * 2**20)\nwhile True: pass")
    running = start(parts=[part("one", *works)])
    await running.until_state("ready")
    await until(lambda: running.status()["memory"] > 200 * 2**20 and running.status()["cpu"] > 0.2, "its use is seen")
    assert running.status()["memory"] < 400 * 2**20


async def test_logs_are_given_and_followed(start: Start) -> None:
    talks = python("import time\nfor n in range(10**6):\n print(f'line {n}', flush=True); time.sleep(0.05)")
    running = start(parts=[part("one", *talks)])
    await running.until_state("ready")
    await until(lambda: "line 3" in running.log("one"), "it talks")
    whole = (await running.get("agent/logs?service=one&tail=1000000")).text
    assert whole.startswith("line 0\n")
    assert len((await running.get("agent/logs?service=one&tail=5")).text) == 5
    assert (await running.get("agent/logs?service=agent")).status_code == 200
    assert "There are: agent, one." in (await running.get("agent/logs?service=two")).text
    async with running.http.stream("GET", running.url("agent/logs?service=one&tail=0&follow=1"), headers=HEADERS) as answer:
        lines = answer.aiter_lines()
        first = int((await anext(lines)).split()[-1])
        assert [await anext(lines) for _ in range(3)] == [f"line {first + n}" for n in (1, 2, 3)]


async def test_it_can_be_put_to_sleep_at_any_moment_of_its_start(start: Start) -> None:
    for generation, delay in enumerate((0.05, 0.08, 0.12, 0.2, 0.4, 0.8), start=1):
        running = start(interface=interface("jupyterlab"), generation=generation)
        await asyncio.sleep(delay)
        running.process.send_signal(signal.SIGTERM)
        code = await running.ended()
        if code == -signal.SIGTERM:  # so early that nothing had been started
            assert running.status()["state"] is None
        else:
            assert (code, running.record()["how"]) == (0, "suspended")
        assert not members(running.name)
