"""A console: one kernel, what waits for it in a queue that everybody sees, and what it shows.

Executions are sent to the kernel one at a time. What another client of the kernel executes, such as JupyterLab, is recorded, too.
"""

import asyncio
import contextlib
import json
import re
import uuid
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from jupyter_core.utils import ensure_async

from rspark_session.jupyter.kernels import KernelEvent, Kernels
from rspark_session.rc2 import kernel_answer, kernel_code, protocol
from rspark_session.rc2.debugging import Debugging
from rspark_session.rc2.kernel_channels import KernelChannels, Message
from rspark_session.rc2.output import Output
from rspark_session.rc2.profiler.profiler import Profiler
from rspark_session.rc2.protocol import ConsoleStates, ExecutionStatus
from rspark_session.rc2.recorder import Recorder, clean
from rspark_session.rc2.refusal import Busy, Refusal

#: Executions that may wait in one console.
MOST_QUEUED = 1000
#: Executions that have ended, whose threads may still print.
_REMEMBERED = 100
#: Seconds in which a kernel has started, or answered what was asked before.
_QUESTIONS = 30.0
_ANOTHER = "another client"
_WENT_ON = "The code has gone on from there."
_LONGEST_CODE = 2**22  # characters, as of a client's
_UNSAFE = re.compile(r"[^A-Za-z0-9_-]")


@dataclass(frozen=True, kw_only=True)
class Identity:
    """What a console is: its id, that of its kernel, and what it was started for."""

    id: str
    kernel: str
    kernelspec: str
    language: str
    title: str
    project: str


@dataclass
class _Execution:
    """An execution in the queue, or one that runs. `done` is set when the kernel has both answered and come to rest."""

    request: protocol.Execute
    output: Output
    message: str = ""
    started: datetime | None = None
    reply: dict[str, Any] | None = None
    idle: bool = False
    interrupted: bool = False
    lost: str | None = None
    asks_password: bool = False
    #: What the kernel says has become of its profile.
    profile: str | None = None
    done: asyncio.Event = field(default_factory=asyncio.Event)

    def settle(self) -> None:
        if self.reply is not None and self.idle:
            self.done.set()


@dataclass(frozen=True, eq=False)
class _Question:
    """A question of the kernel's that waits for a line, and what asks."""

    execution: _Execution


class Console:
    """The console of an identity. `changed` is called after each execution, and when its kernel has been started anew."""

    def __init__(
        self,
        identity: Identity,
        *,
        kernels: Kernels,
        recorder: Recorder,
        debugging: Debugging,
        profiler: Profiler,
        changed: Callable[["Console"], None],
    ) -> None:
        self.identity = identity
        self.state: ConsoleStates = "starting"
        self.leaves = False  # whether its person has asked it to end
        self._kernels = kernels
        self._recorder = recorder
        self._debugging = debugging
        self._profiler = profiler
        self._changed = changed
        self._queue: deque[_Execution] = deque()
        self._arrived = asyncio.Event()
        self._running: _Execution | None = None
        self._foreign: dict[str, _Execution] = {}
        self._recent: OrderedDict[str, Output] = OrderedDict()
        self._hidden: dict[str, asyncio.Future[dict[str, Any]]] = {}
        #: The last executions that have begun, each with when it has ended, in a list that is empty before.
        self._spans: deque[tuple[_Execution, list[datetime]]] = deque(maxlen=_REMEMBERED)
        self._turn = asyncio.Lock()
        self._question: _Question | None = None
        self._asking = asyncio.Lock()
        #: What is asked while it waits: the number of it, and the answer.
        self._asked = 0
        self._answer: asyncio.Future[str] | None = None
        self._figure: protocol.Figure | None = None
        self._usable = asyncio.Event()
        self._channels = KernelChannels(
            self._kernel, on_output=self._take_output, on_reply=self._take_reply, on_question=self._take_question
        )
        self._tasks = [asyncio.ensure_future(self._connect()), asyncio.ensure_future(self._execute_queue())]
        self._deaths = [
            (lambda: self._died("restart"), "restart"),
            (lambda: self._died("dead"), "dead"),
        ]
        for callback, event in self._deaths:
            kernels.add_restart_callback(identity.kernel, callback, event)

    @property
    def info(self) -> protocol.ConsoleInfo:
        """What a client is told of it."""
        identity, running = self.identity, [self._running] if self._running else []
        return protocol.ConsoleInfo(
            console=identity.id,
            kernelspec=identity.kernelspec,
            language=identity.language,
            title=identity.title,
            project=identity.project,
            kernel=identity.kernel,
            state=self.state,
            queue=tuple(execution.request.id for execution in (*running, *self._queue)),
        )

    @property
    def process(self) -> int | None:
        """The process of its kernel; None where there is none now."""
        if self.identity.kernel not in self._kernels:
            return None
        pid = getattr(self._kernel.provisioner, "pid", None)
        return pid if isinstance(pid, int) else None

    def execution_at(self, when: datetime) -> str | None:
        """Return the execution that ran at a time; None where none did, or it is too long ago."""
        for execution, ended in reversed(self._spans):
            if execution.started is not None and execution.started <= when:
                return execution.request.id if not ended or when <= ended[0] else None
        return None

    @property
    def executing(self) -> bool:
        """Whether something runs that was asked for here."""
        return self._running is not None

    @property
    def queued(self) -> int:
        """How many executions wait."""
        return len(self._queue)

    # What a person asks for

    def execute(self, request: protocol.Execute, *, who: str) -> None:
        """Put code into the queue.

        Raises
        ------
        Refusal
            When too much waits, or the console has ended.
        """
        if self.state == "ended":
            raise Refusal("This console has ended. Start it again.")
        if len(self._queue) >= MOST_QUEUED:
            raise Refusal(f"{MOST_QUEUED} executions wait already. Wait until some have ended, or interrupt.")
        self._queue.append(_Execution(request=request, output=self._output(request.id)))
        self._record(
            protocol.ExecutionQueued,
            execution=request.id,
            who=who,
            code=clean(request.code),
            source=request.source,
            group=request.group,
        )
        self._arrived.set()

    def reply(self, value: str) -> None:
        """Answer the question that is open; raise `Refusal` when none is."""
        if self._question is None:
            raise Refusal("Nothing asks for input now.")
        asking = self._question.execution
        self._forget_question()
        self._channels.send("stdin", "input_reply", {"value": value})
        self._record(protocol.InputReplied, execution=asking.request.id, value=None if asking.asks_password else clean(value))
        self._kernels.ledger.clear_prompt(self.identity.kernel)
        self._kernels.reporter.changed()
        self._enter("busy")

    async def interrupt(self) -> None:
        """Interrupt what runs, and cancel what is queued of its group."""
        if self._running is not None:
            self._running.interrupted = True
            self._cancel_group(self._running.request.group)
        for execution in self._foreign.values():
            execution.interrupted = True
        self._debugging.interrupted(self)
        if self._foreign or self._running is None or self._running.message:  # else no code runs yet, and none will
            await ensure_async(self._kernel.interrupt_kernel())
        self._forget_question()
        self._kernels.ledger.clear_prompt(self.identity.kernel)

    def runs(self, execution: str) -> bool:
        """Return whether it is this that runs."""
        return self._running is not None and self._running.request.id == execution

    def cancel(self, execution: str) -> None:
        """Take an execution from the queue; raise `Refusal` when it does not wait there."""
        for queued in self._queue:
            if queued.request.id == execution:
                self._queue.remove(queued)
                self._finish(queued, "cancelled")
                return
        raise Refusal("This execution does not wait any more.")

    async def restart(self) -> None:
        """Start the kernel anew."""
        await self._kernels.restart_kernel(self.identity.kernel)
        await self._usable.wait()

    # What the server asks for

    @asynccontextmanager
    async def turn(self, *, seconds: float) -> AsyncIterator[None]:
        """Wait until the kernel has nothing to do, and keep executions away from it.

        Raises
        ------
        Busy
            When a person's code takes longer than `seconds`, or a start or questions like this one take longer than `_QUESTIONS`.
        """
        until = asyncio.get_running_loop().time() + seconds
        last = until - seconds + max(seconds, _QUESTIONS)
        while True:
            try:
                async with asyncio.timeout_at(until):
                    await self._usable.wait()
                    await self._turn.acquire()
            except TimeoutError as timeout:
                if self._running is not None or until >= last:
                    raise Busy(f"{self.identity.title} is computing. Try again when it is done.") from timeout
                until = min(until + seconds, last)
                continue
            if self._usable.is_set():
                break
            self._turn.release()  # the kernel was restarted while this waited
        try:
            yield
        finally:
            self._turn.release()

    async def ask(self, kind: str, content: dict[str, Any], *, seconds: float, channel: str = "shell") -> dict[str, Any]:
        """Send the kernel a request that nobody sees, and return the content of its reply. On `shell` it needs a `turn`.

        Raises
        ------
        Busy
            When it doesn't answer in time.
        """
        deadline = asyncio.get_running_loop().time() + seconds
        while True:
            if not self._usable.is_set():  # it is started anew, and would not hear this
                raise Busy(f"{self.identity.title} is starting. Try again when it is ready.")
            message = self._channels.send(channel, kind, content)
            reply: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
            self._hidden[message] = reply
            try:
                async with asyncio.timeout_at(deadline):
                    found = await reply
            except TimeoutError as timeout:
                raise Busy(f"{self.identity.title} does not answer. Try again, or interrupt it.") from timeout
            finally:
                asyncio.get_running_loop().call_later(60, self._hidden.pop, message, None)  # what it still says stays hidden
            if found.get("status") != "aborted":
                return dict(found)

    async def ask_at_prompt(self, question: dict[str, object], *, seconds: float) -> dict[str, Any]:
        """Ask a kernel something while it waits for input, and return its answer.

        Raises
        ------
        Busy
            When it waits no longer, or doesn't answer in time.
        Refusal
            When it can't answer: the message says why.
        """
        waits = self._question
        if waits is None:
            raise Busy(_WENT_ON)
        async with self._asking:
            if self._question is not waits:
                raise Busy(_WENT_ON)
            self._answer = asyncio.get_running_loop().create_future()
            self._asked += 1
            told = json.dumps({**question, "number": self._asked})
            self._channels.send("stdin", "input_reply", {"value": ""}, {"rspark": told})
            try:
                async with asyncio.timeout(seconds):
                    answer = kernel_answer.read(await self._answer)
            except TimeoutError as timeout:
                raise Busy(f"{self.identity.title} does not answer. Try again, or interrupt it.") from timeout
        return answer

    async def run_hidden(self, code: str, *, seconds: float) -> None:
        """Run code that nobody sees, in a `turn`."""
        content = {"code": code, "silent": True, "store_history": False, "allow_stdin": False, "stop_on_error": False}
        await self.ask("execute_request", content, seconds=seconds)

    def close(self, reason: str | None = None) -> None:
        """Record that it has ended, and let go of the kernel."""
        if self.state == "ended":
            return
        self._cancel_all()
        self._lose("The console has ended.")
        self._enter("ended", reason)
        self._debugging.ended(self)
        self.detach()

    def detach(self) -> None:
        """Let go of the kernel."""
        for task in self._tasks:
            task.cancel()
        if self.identity.kernel in self._kernels:
            for callback, event in self._deaths:
                self._kernels.remove_restart_callback(self.identity.kernel, callback, event)
        self._channels.close()

    def kernel_changed(self, event: KernelEvent) -> None:
        """Take in what somebody has done with the kernel, here or in JupyterLab."""
        match event:
            case "restarting":
                self._cancel_all()
                self._usable.clear()
                self._enter("restarting")
                self._lose("It was restarted.")
            case "restarted":
                self._tasks.append(asyncio.ensure_future(self._connect()))
            case "removed":
                self.close("Its kernel was ended.")

    # The queue

    async def _connect(self) -> None:
        await self._kernels.wait_usable(self.identity.kernel)
        await self._channels.until_heard()
        self._figure = None
        self._debugging.started(self)
        self._usable.set()
        if self._running is None:
            self._enter("idle")
        self._changed(self)

    async def _execute_queue(self) -> None:
        while True:
            await self._arrived.wait()
            if not self._queue:
                self._arrived.clear()
                continue
            await self._usable.wait()
            async with self._turn:
                if self._queue and self._usable.is_set():  # neither cancelled nor restarted while it waited for its turn
                    await self._execute(self._queue.popleft())
            self._changed(self)

    async def _execute(self, execution: _Execution) -> None:
        request = execution.request
        self._running = execution
        if request.figure is not None and request.figure != self._figure:
            code = kernel_code.set_figure(self.identity.language, request.figure)
            if code:
                with contextlib.suppress(Busy):
                    await self.run_hidden(code, seconds=5)
            self._figure = request.figure
        metadata = await self._debugging.prepare(self, request)
        profiling = await self._profiler.begin(self, request)
        if execution.interrupted and execution.lost is None:
            self._running = None
            self._finish(execution, "cancelled")
            self._enter("idle" if not self._queue else "busy")
            return
        if execution.lost is None:  # else its kernel is another one by now
            self._begin(execution)
            execution.message = self._channels.send(
                "shell",
                "execute_request",
                {
                    "code": request.code,
                    "silent": False,
                    "store_history": True,
                    "user_expressions": {},
                    "allow_stdin": True,
                    "stop_on_error": True,
                },
                {**metadata, **profiling.metadata} if profiling else metadata,
            )
            self._debugging.sent(self)
            await execution.done.wait()
        self._running = None
        self._forget_question()
        reply = execution.reply or {}
        self._show_payload(execution, reply)
        status = self._status(execution, reply)
        if status == "interrupted":  # perhaps by another client
            self._debugging.interrupted(self)
        if status not in ("ok", "lost"):
            self._cancel_group(request.group)
        if profiling is not None:
            execution.output.flush()
            found = await self._profiler.end(profiling, execution.profile)
            self._record(protocol.Profiled, execution=request.id, **found)
        self._finish(execution, status, reply)
        self._remember(execution)
        if self._usable.is_set() and not self._foreign:
            self._enter("idle" if not self._queue else "busy")

    def _begin(self, execution: _Execution) -> None:
        execution.started = datetime.now(UTC)
        self._spans.append((execution, []))
        self._record(protocol.ExecutionStarted, execution=execution.request.id)
        self._enter("busy")

    def _status(self, execution: _Execution, reply: dict[str, Any]) -> ExecutionStatus:
        if execution.lost is not None and execution.reply is None:
            return "lost"
        if reply.get("status") == "ok" and not execution.output.failed:
            return "ok"
        by_signal = reply.get("status") in ("abort", "aborted") or reply.get("ename") == "KeyboardInterrupt"
        return "interrupted" if execution.interrupted or by_signal else "error"

    def _finish(self, execution: _Execution, status: ExecutionStatus, reply: dict[str, Any] | None = None) -> None:
        execution.output.flush()
        for begun, ended in self._spans:
            if begun is execution:
                ended.append(datetime.now(UTC))
        count = (reply or {}).get("execution_count")
        self._record(
            protocol.ExecutionFinished,
            execution=execution.request.id,
            status=status,
            started=execution.started,
            count=count if isinstance(count, int) and count >= 0 else None,
            dropped=execution.output.dropped,
            reason=execution.lost if status == "lost" else None,
        )

    def _show_payload(self, execution: _Execution, reply: dict[str, Any]) -> None:
        payload = reply.get("payload")
        for entry in payload if isinstance(payload, list) else ():
            if not isinstance(entry, dict):
                continue
            if entry.get("source") == "page" and isinstance(entry.get("data"), dict):
                execution.output.page(entry["data"])
            elif entry.get("source") == "ask_exit":
                self.leaves = True
            elif entry.get("source") == "rspark_breakpoints":
                self._debugging.placed(self, entry.get("placed"))

    def _cancel_group(self, group: str | None) -> None:
        for queued in [each for each in self._queue if group is not None and each.request.group == group]:
            self._queue.remove(queued)
            self._finish(queued, "cancelled")

    def _cancel_all(self) -> None:
        while self._queue:
            self._finish(self._queue.popleft(), "cancelled")

    def _lose(self, reason: str) -> None:
        """End what runs: its kernel is gone."""
        self._forget_question()
        self._kernels.ledger.clear_prompt(self.identity.kernel)
        for foreign in list(self._foreign.values()):
            foreign.lost = reason
            self._finish(foreign, "lost")
        self._foreign.clear()
        if self._running is not None:
            self._running.lost = reason
            self._running.done.set()
        for reply in self._hidden.values():
            if not reply.done():
                reply.set_result({"status": "error"})

    def _died(self, event: str) -> None:
        title = self.identity.title
        if event == "dead":
            self.close(f"{title} stopped by itself again and again, and is not started any more.")
            return
        reason = f"{title} stopped by itself. What it had in memory is gone; it has been started anew."
        self._cancel_all()
        self._usable.clear()
        self._enter("restarting", reason)
        self._lose(f"{title} stopped by itself while this ran.")
        self._tasks.append(asyncio.ensure_future(self._connect()))

    # What the kernel says

    def _take_output(self, message: Message) -> None:
        kind, content, parent = message["msg_type"], message["content"], message["parent_header"]
        identity = parent.get("msg_id", "")
        if kind == "debug_event":
            self._debugging.heard(self, content)
            return
        if identity in self._hidden or parent.get("session") == self._kernel_session:
            return
        execution = self._running if self._running and self._running.message == identity else self._foreign.get(identity)
        if kind == "execute_input" and execution is None and parent.get("session") != self._channels.session.session:
            self._begin_foreign(identity, content)
        elif kind == "status" and content.get("execution_state") == "idle" and execution is not None:
            execution.idle = True
            execution.settle()
            if self._foreign.get(identity) is execution:
                self._end_foreign(identity, execution)
        elif kind == "rspark_profile" and execution is not None:
            execution.profile = str(content.get("outcome", ""))
        elif kind != "status":
            output = execution.output if execution is not None else self._recent.get(identity)
            if output is not None:
                output.take(kind, content)

    def _take_reply(self, message: Message) -> None:
        identity = message["parent_header"].get("msg_id", "")
        hidden = self._hidden.get(identity)
        if hidden is not None:
            if not hidden.done():
                hidden.set_result(message["content"])
        elif self._running is not None and self._running.message == identity and message["msg_type"] == "execute_reply":
            self._running.reply = message["content"]
            self._running.settle()

    def _take_question(self, message: Message) -> None:
        if message["msg_type"] == "rspark_answer":
            answers = message["content"].get("number") == self._asked
            if answers and self._answer is not None and not self._answer.done():
                self._answer.set_result(str(message["content"].get("answer", "")))
            return
        execution = self._running
        if execution is None or message["msg_type"] != "input_request":
            return
        if message["parent_header"].get("msg_id", execution.message) != execution.message:  # what asked has ended meanwhile
            return
        content = message["content"]
        self._end_answer()
        self._question = _Question(execution)
        execution.asks_password = bool(content.get("password"))
        execution.output.ask(str(content.get("prompt", "")), password=execution.asks_password)
        self._kernels.ledger.record_prompt(self.identity.kernel)
        self._kernels.reporter.changed()
        self._enter("asking")
        self._debugging.asked(self, content)

    def _forget_question(self) -> None:
        self._question = None
        self._end_answer()
        self._debugging.went_on(self)

    def _end_answer(self) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(Busy(_WENT_ON))

    def _begin_foreign(self, identity: str, content: Any) -> None:
        code = clean(str(content.get("code", "")))[:_LONGEST_CODE]
        name = _UNSAFE.sub("-", identity)[:64] or uuid.uuid4().hex
        execution = _Execution(request=protocol.Execute(id=name, console=self.identity.id, code=code), output=self._output(name))
        self._foreign[identity] = execution
        execution.message = identity
        self._record(protocol.ExecutionQueued, execution=name, who=_ANOTHER, code=code)
        self._begin(execution)

    def _end_foreign(self, identity: str, execution: _Execution) -> None:
        del self._foreign[identity]
        failed = execution.output.failed
        self._finish(execution, "interrupted" if failed and execution.interrupted else "error" if failed else "ok")
        self._remember(execution)
        if self._running is None and not self._foreign:
            self._enter("idle")
        self._changed(self)

    def _remember(self, execution: _Execution) -> None:
        self._recent[execution.message] = execution.output
        while len(self._recent) > _REMEMBERED:
            self._recent.popitem(last=False)

    # Small things

    def _output(self, execution: str) -> Output:
        return Output(self._recorder, console=self.identity.id, execution=execution, language=self.identity.language)

    def _enter(self, state: ConsoleStates, reason: str | None = None) -> None:
        if state != self.state:
            self.state = state
            self._record(protocol.ConsoleState, state=state, reason=reason)

    def _record(self, event: type[protocol.Event], **fields: Any) -> None:
        self._recorder.record(event, console=self.identity.id, **fields)

    @property
    def _kernel(self) -> Any:
        return self._kernels.get_kernel(self.identity.kernel)

    @property
    def _kernel_session(self) -> str:
        """The name of the server's own requests to the kernel, which nobody sees."""
        return str(self._kernel.session.session) if self.identity.kernel in self._kernels else ""
