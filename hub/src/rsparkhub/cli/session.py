"""`rsparkhub session`: start, look, put to sleep, wake, end."""

import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from rsparkhub.cli.output import AsJson, say
from rsparkhub.domain.session import State

if TYPE_CHECKING:
    from rsparkhub.cli.output import Progress
    from rsparkhub.client import AsyncHub
    from rsparkhub.client.waiting import News
    from rsparkhub.wire.session import SessionView

app = typer.Typer(name="session", help="Sessions: start, look, put to sleep, wake, end.", no_args_is_help=True)

Id = Annotated[str, typer.Argument(metavar="ID", help="The session's id.", show_default=False)]
Wait = Annotated[bool, typer.Option("--wait", help="Wait until it is done; the exit code is 0 only then.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="End what computes, without asking.")]
Timeout = Annotated[float, typer.Option(min=1, metavar="SECONDS", help="How long to wait.")]


@app.command()
def start(
    environment: Annotated[str, typer.Argument(metavar="ENV", help="The environment's name.", show_default=False)],
    name: Annotated[str | None, typer.Option(help="What you call it.", show_default=False)] = None,
    key: Annotated[str | None, typer.Option(help="The same key gives the same session again.", show_default=False)] = None,
    option: Annotated[
        list[str] | None,
        typer.Option(
            "--option", "-o", metavar="NAME=VALUE", help="An option of the environment; may be given again.", show_default=False
        ),
    ] = None,
    wait: Wait = False,
    timeout: Timeout = 300,
    as_json: AsJson = False,
) -> None:
    """Start a session of an environment; `rsparkhub environment list --json` says which options it has."""
    options = _options(option or ())
    _want(
        lambda hub: hub.sessions.start(environment, name=name, options=options, idempotency_key=key),
        says="is on its way", wait=wait, timeout=timeout, as_json=as_json,
    )  # fmt: skip


@app.command()
def resume(session: Id, wait: Wait = False, timeout: Timeout = 300, as_json: AsJson = False) -> None:
    """Wake a session where it was left."""
    _want(lambda hub: hub.sessions.resume(session), says="is waking", wait=wait, timeout=timeout, as_json=as_json)


@app.command()
def suspend(
    session: Id,
    yes: Yes = False,
    force: Annotated[bool, typer.Option("--force", help="Sleep also where something can't be kept; it is lost.")] = False,
    wait: Wait = False,
    timeout: Timeout = 300,
    as_json: AsJson = False,
) -> None:
    """Put a session to sleep, its work kept. Where something can't be kept it stays awake, and `show` says why."""
    _want_confirmed(
        lambda hub, confirm: hub.sessions.suspend(session, confirm=confirm, force=force),
        yes=yes or force, says="goes to sleep", wait=wait, timeout=timeout, as_json=as_json,
    )  # fmt: skip


@app.command()
def extend(
    session: Id,
    by: Annotated[str, typer.Option(metavar="DURATION", help="How much later it sleeps, such as 30m or 2h.")] = "2h",
    as_json: AsJson = False,
) -> None:
    """Put off the sleep of an idle session, as far as the installation allows."""
    from rsparkhub.cli.access import ask
    from rsparkhub.cli.output import print_json
    from rsparkhub.domain.quantity import parse_duration

    try:
        duration = parse_duration(by)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--by") from None
    view = ask(lambda hub: hub.sessions.extend(session, by=duration))
    if as_json:
        print_json(view.model_dump(mode="json"))
    else:
        say(f"{session} {_sleeps(view) or 'stays awake'}.")


@app.command()
def rename(
    session: Id,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What you call it.", show_default=False)],
    as_json: AsJson = False,
) -> None:
    """Give a session another name; its id and its addresses stay."""
    from rsparkhub.cli.access import ask
    from rsparkhub.cli.output import print_json

    view = ask(lambda hub: hub.sessions.rename(session, name))
    if as_json:
        print_json(view.model_dump(mode="json"))
    else:
        say(f"{session} is called {view.name}.")


@app.command()
def stop(session: Id, yes: Yes = False, wait: Wait = False, timeout: Timeout = 300, as_json: AsJson = False) -> None:
    """End a session; files stay, what is only in memory is lost."""
    _want_confirmed(
        lambda hub, confirm: hub.sessions.stop(session, confirm=confirm),
        yes=yes, says="is ending", wait=wait, timeout=timeout, as_json=as_json,
    )  # fmt: skip


@app.command()
def delete(session: Id, yes: Yes = False, wait: Wait = False, timeout: Timeout = 300, as_json: AsJson = False) -> None:
    """End a session and remove what it kept; the home stays."""
    from rsparkhub.cli.access import ask
    from rsparkhub.cli.output import print_json, progress

    async def work(hub: "AsyncHub") -> None:
        await _confirmed(lambda confirm: hub.sessions.delete(session, confirm=confirm), yes=yes)
        if wait:
            with progress(f"Waiting for {session} to be gone"):
                await hub.sessions.wait_until_gone(session, timeout=timeout)

    ask(work)
    if as_json:
        print_json({"deleted": session})
    else:
        say(f"{session} {'was' if wait else 'is being'} deleted.")


@app.command("list")
def list_(
    everybody: Annotated[bool, typer.Option("--all", help="Everybody's; for administrators.")] = False,
    owner: Annotated[str | None, typer.Option(help="One person's; for administrators.", show_default=False)] = None,
    state: Annotated[
        list[State] | None, typer.Option(help="Those in this state; may be given again.", show_default=False)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List sessions, the newest first."""
    from rsparkhub.cli.access import ask
    from rsparkhub.cli.output import ago, print_json, print_table, size

    found = ask(lambda hub: hub.sessions.list(everybody=everybody, owner=owner, states=tuple(state or ())))
    if as_json:
        print_json({"sessions": [session.model_dump(mode="json") for session in found]})
        return
    print_table(
        ["ID", "PERSON", "NAME", "ENVIRONMENT", "STATE", "BUSY", "MEMORY", "LAST ACTIVITY"],
        (
            [s.id, s.owner, s.name, s.environment, _state(s), "busy" if s.busy else "", size(s.memory), ago(s.last_activity)]
            for s in found
        ),
        empty="There is no session. `rsparkhub session start ENV` starts one.",
    )


@app.command()
def show(session: Id, as_json: AsJson = False) -> None:
    """Show one session: its state, its parts, how its last run ended."""
    from rsparkhub.cli.access import ask, find_access
    from rsparkhub.cli.output import print_json, print_table

    view = ask(lambda hub: hub.sessions.show(session))
    if as_json:
        print_json(view.model_dump(mode="json"))
        return
    lines = [line for line in _lines(view, find_access().url) if line[1]]
    print_table(["", view.id], lines, empty="")


@app.command()
def logs(
    session: Id,
    service: Annotated[str, typer.Option(help="Which part: `interface`, `agent`, …")] = "interface",
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what is written from now on.")] = False,
    tail: Annotated[int | None, typer.Option(metavar="BYTES", min=1, help="Only the last bytes.", show_default=False)] = None,
    as_json: AsJson = False,
) -> None:
    """Print the log of one part of a session: on a terminal without what a terminal obeys, into a pipe as it is."""
    from rsparkhub.cli.access import ask
    from rsparkhub.cli.output import print_json

    pieces: list[str] = []

    async def work(hub: "AsyncHub") -> None:
        on_screen = sys.stdout.isatty()
        async for piece in hub.sessions.logs(session, service=service, follow=follow, tail=tail):
            if as_json:
                pieces.append(piece)
            elif on_screen:
                say(piece, end="", flush=True)
            else:  # a pipe or a file gets it as it was written
                print(piece, end="", flush=True)

    ask(work)
    if as_json:
        print_json({"session": session, "service": service, "log": "".join(pieces)})


@app.command("exec", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
def exec_(
    session: Id,
    command: Annotated[list[str] | None, typer.Argument(help="A command and its arguments; without one, a shell.")] = None,
    terminal: Annotated[
        bool, typer.Option("--tty", "-t", help="Give the command a terminal, which is this one; a shell gets it anyway.")
    ] = False,
    no_stdin: Annotated[
        bool, typer.Option("--no-stdin", "-n", help="Give the command no input; else it reads what is read here.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Run a command inside a session, or open a shell there.

    It reads this command's input to its end, its output and its errors stay apart, every byte as it is, and the exit code is the
    command's own (128 and the signal's number for one that a signal ended). Ctrl+C is passed on; a second one waits no longer.
    Options of `exec` stand before the session's id.
    """
    import asyncio
    import os
    import sys

    from rsparkhub.cli.access import ask, find_access
    from rsparkhub.cli.output import print_json
    from rsparkhub.cli.shell import STDOUT, run_command
    from rsparkhub.domain.errors import Conflict

    view = ask(lambda hub: hub.sessions.show(session))
    if view.state is not State.RUNNING:
        wake = f"rsparkhub session resume {session} --wait"
        raise Conflict(f"The session {session} {view.state.in_words}. Wake it first: `{wake}`.")
    words = command[1:] if command and command[0] == "--" else command
    terminal = terminal or not words
    if terminal and not (sys.stdin.isatty() and sys.stdout.isatty()):
        if not words:
            raise typer.BadParameter("a shell needs a terminal; name a command", param_hint="COMMAND")
        raise typer.BadParameter("there is no terminal here to give it", param_hint="--tty")
    printed: dict[bool, list[bytes]] = {True: [], False: []}

    def write(channel: int, data: bytes) -> None:
        if as_json:
            printed[channel == STDOUT].append(data)
            return
        left = memoryview(data)
        while left:
            left = left[os.write(1 if channel == STDOUT else 2, left) :]

    code = asyncio.run(run_command(find_access(), view.url, words or (), terminal=terminal, stdin=not no_stdin, write=write))
    if as_json:
        output, errors = (b"".join(printed[which]).decode(errors="replace") for which in (True, False))
        print_json({"session": session, "code": code, "output": output, "errors": errors})
    raise typer.Exit(code)


def _options(given: "Sequence[str]") -> dict[str, str]:
    """Return the values of options by their names, of texts `NAME=VALUE`."""
    found: dict[str, str] = {}
    for each in given:
        name, equals, value = each.partition("=")
        if not equals or not name:
            raise typer.BadParameter(f"{each} is to be NAME=VALUE", param_hint="--option")
        found[name] = value
    return found


def _want(
    request: "Callable[[AsyncHub], Awaitable[SessionView]]", *, says: str, wait: bool, timeout: float, as_json: bool
) -> None:
    """Ask for something, wait for it where that is asked for, and tell the session."""
    from rsparkhub.cli.access import ask, find_access
    from rsparkhub.cli.output import print_json, progress

    async def work(hub: "AsyncHub") -> "SessionView":
        session = await request(hub)
        if not wait:
            return session
        with progress(f"{session.id} {says}") as shown:
            return await hub.sessions.wait(session.id, timeout=timeout, progress=_Telling(shown).take)

    session = ask(work)
    if as_json:
        print_json(session.model_dump(mode="json"))
    elif session.state is State.RUNNING:
        say(f"{session.id} is running: {find_access().url}{session.url}")
    else:
        say(f"{session.id} {session.state.in_words if wait else says}.")


def _want_confirmed(
    request: "Callable[[AsyncHub, bool], Awaitable[SessionView]]",
    *,
    yes: bool,
    says: str,
    wait: bool,
    timeout: float,
    as_json: bool,
) -> None:
    """Ask for something that would end what computes: only where its user agrees."""
    _want(
        lambda hub: _confirmed(lambda confirm: request(hub, confirm), yes=yes),
        says=says, wait=wait, timeout=timeout, as_json=as_json,
    )  # fmt: skip


async def _confirmed(request: "Callable[[bool], Awaitable[SessionView]]", *, yes: bool) -> "SessionView":
    """Ask; where something computes, ask its user before asking again. Raise `Busy` where there is nobody to ask."""
    import sys

    from rsparkhub.domain.errors import Busy

    try:
        return await request(yes)
    except Busy as busy:
        if not sys.stdin.isatty():
            raise Busy(f"{busy} Here `--yes` confirms it.", running=busy.running) from busy
        typer.confirm("This ends what computes: " + "; ".join(busy.running) + ". Go on?", abort=True, err=True)
    return await request(True)


class _Telling:
    """Shows what happens to a session; that it is still in the state it was in is no news.

    The last step of a part may come with the news that the session runs, and not before it.
    """

    def __init__(self, shown: "Progress") -> None:
        self._shown, self._state = shown, ""
        self._parts: dict[str, str] = {}

    def take(self, news: "News") -> None:
        from rsparkhub.wire.session import SessionView
        from rsparkhub.wire.stream import Progress

        text = _news(news)
        if isinstance(news, Progress):
            self._parts[news.part] = text
        if isinstance(news, SessionView):
            if text == self._state:
                return
            self._state = text
            for part in news.services if news.state is State.RUNNING else ():
                last = _part(part.title, part.state, part.reason)
                if self._parts.get(part.name) != last:
                    self._shown.say(last)
        self._shown.say(text)


def _news(news: "News") -> str:
    """Return what happened to a session, in the words of its page."""
    from rsparkhub.wire.session import SessionView
    from rsparkhub.wire.stream import Deleted, Progress, Queue

    match news:
        case SessionView():
            number = f", number {news.queue_position}" if news.queue_position else ""
            return f"{news.id} {news.state.in_words}{number}"
        case Progress():
            return _part(news.title or news.part, news.state, news.reason)
        case Queue():
            return f"{news.session} waits for its turn: number {news.position}"
        case Deleted():
            return f"{news.id} is gone"


def _part(title: str, state: str, reason: str | None) -> str:
    return f"{title}: {state}{f' ({reason})' if reason else ''}"


def _state(session: "SessionView") -> str:
    return f"{session.state}, number {session.queue_position}" if session.queue_position else str(session.state)


def _sleeps(session: "SessionView") -> str:
    """Return when it sleeps by itself, or loses what its sleep saved, in this machine's time; empty where neither is known."""
    if session.sleeps is not None:
        why = "" if session.sleeps.why == "idle" else ", after its longest run"
        late = "" if session.sleeps.can_extend or session.sleeps.why == "longest" else ", as late as it may"
        return f"sleeps at {session.sleeps.at.astimezone():%Y-%m-%d %H:%M}{why}{late}"
    if session.kept_until is not None:
        return f"is kept until {session.kept_until.astimezone():%Y-%m-%d %H:%M}"
    return ""


def _lines(session: "SessionView", hub_url: str) -> list[tuple[str, str]]:
    from rsparkhub.cli.output import ago, size

    limit = f" of {size(session.memory_limit)}" if session.memory_limit else ""
    beside = (f"{each.title}: {hub_url}{each.url}" for each in session.beside)
    parts = (_part(part.title, part.state, part.reason) for part in session.services)
    return [
        ("name", session.name),
        ("person", session.owner),
        ("environment", f"{session.environment} ({session.interface})"),
        ("options", ", ".join(f"{name}={value}" for name, value in session.options.items())),
        ("state", _state(session)),
        ("reason", session.reason or ""),
        ("detail", session.detail or ""),
        ("address", f"{hub_url}{session.url}" if session.state is State.RUNNING else ""),
        ("beside it", "\n".join(beside) if session.state is State.RUNNING else ""),
        ("parts", "\n".join(parts)),
        ("busy with", ", ".join(session.busy_with)),
        ("stays awake", f"not put to sleep: {session.sleep_refused.reason}" if session.sleep_refused else ""),
        ("last activity", ago(session.last_activity)),
        ("by itself", _sleeps(session)),
        ("memory", f"{size(session.memory)}{limit}" if session.memory else ""),
        ("ready", ago(session.ready)),
        ("last exit", f"code {session.last_exit.code}, {ago(session.last_exit.at)}" if session.last_exit else ""),
        ("it ended", ", ".join(session.last_exit.ended) if session.last_exit else ""),
        ("notes", "\n".join(warning.text for warning in session.warnings)),
    ]
