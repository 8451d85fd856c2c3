"""`python python_kernel.py -f FILE`: IPython's kernel, run by the Python of the person's own environment.

What a person installs comes first, also among what the kernel itself is made of. Where that breaks it, the kernel is started
again from the session's own packages, and says so in the first cell: a person's packages break no more than the code that uses
them.
"""

import contextlib
import os
import sys
import types
from typing import Any, NoReturn

# The folder of this file. The working directory, and what a person has there, comes when the kernel is loaded.
del sys.path[0]

_PROBLEM, _CULPRIT = "RSPARK_KERNEL_PROBLEM", "RSPARK_KERNEL_CULPRIT"
# As in `rspark_session.jupyter.kernelspecs`, which can't be loaded here.
_BEGUN, _WITHOUT_OWN_FILES = ".begun", "RSPARK_KERNEL_WITHOUT_OWN_FILES"
_HOOKS = "RSPARK_PYTHON_HOOKS"  # see `rspark_session.agent.lifecycle.environ`
_SENTENCE = (
    "{what} keeps Python's kernel from starting ({problem}), so it runs on the session's own packages. "
    "Remove what is at odds with it, and restart the kernel: {how}"
)
_INSTALLED, _UNKNOWN = "What you installed", "NAME  (%pip list --local names what you installed)"
_ENDED = "it ended while it loaded"
_LEAST_DEPTH = 500  # calls in each other that the kernel itself has room for
_RAISED = "Python's kernel needs sys.setrecursionlimit({depth}) or more, which is what it has now."
_NO_STREAM = "sys.{name} was nothing to write to; it is the cell's again."
_NO_PATH = "sys.path was no list; it is what it was at the kernel's start."
_LEFT_OUT = (
    "{file} keeps Python's kernel from starting ({problem}), so it runs without the rest of that file. "
    "Mend the file, and restart the kernel."
)


def main() -> None:
    """Start the kernel, and return when it has ended."""
    begun = f"{sys.argv[-1]}{_BEGUN}"
    left_out = bool(os.environ.pop(_WITHOUT_OWN_FILES, None))
    if sys.prefix != os.environ.get("VIRTUAL_ENV"):  # the home has no room for an environment, or it ends Python at its start
        application = _initialize(without_own_files=left_out)
        _load_hooks(application.shell)
        _unmark(begun)
        environment = os.environ.get("VIRTUAL_ENV", "")
        # Where there is none, it was the full disk that ended the last one: IPython writes into the home as it starts first.
        if left_out and os.path.exists(f"{environment}/bin/python"):  # noqa: PTH110
            _say_once(application.shell, _ended_sentence(f"!rm -r {environment}"))
        application.start()
        return
    _unmark(begun)
    starting = f"{sys.argv[-1]}.starting"
    descriptors = {number: os.dup(number) for number in (1, 2)}  # IPython puts pipes of its own in their place
    problem, culprit = os.environ.pop(_PROBLEM, None), os.environ.pop(_CULPRIT, None)
    ended = problem is None and os.path.exists(starting)  # noqa: PTH110  (nothing is loaded that a person may have broken)
    own = [folder for folder in sys.path if folder.startswith(f"{sys.prefix}{os.sep}")] if ended or problem else []
    sys.path[:] = [folder for folder in sys.path if folder not in own]
    try:
        _mark(starting)
        application = _initialize(without_own_files=ended)
    except SystemExit:  # a file of settings ends Python, or has a value that is none
        if ended:
            raise
        _start_again(descriptors)  # which finds that this one ended
    except Exception as failure:
        if ended or problem is not None:
            raise
        os.environ[_PROBLEM] = f"{type(failure).__name__}: {failure}"[:300]
        if package := _package_of(failure):
            os.environ[_CULPRIT] = package
        _unmark(starting)
        _start_again(descriptors)
    _unmark(starting)
    for copy in descriptors.values():
        os.close(copy)
    _load_hooks(application.shell)
    sys.path[:0] = own
    if ended:
        _say_once(application.shell, _ended_sentence(f"%pip uninstall --yes {_UNKNOWN}"))
    elif problem is not None:
        how = f"%pip uninstall --yes {culprit or _UNKNOWN}"
        _say_once(application.shell, _SENTENCE.format(what=_INSTALLED, problem=problem.rstrip("."), how=how))
    application.start()


def _initialize(*, without_own_files: bool):  # type: ignore[no-untyped-def]
    """Return the kernel's application, ready to start; where it is asked for, without what IPython reads at its start."""
    from ipykernel.ipkernel import IPythonKernel  # noqa: PLC0415
    from ipykernel.kernelapp import IPKernelApp  # noqa: PLC0415

    class Kernel(IPythonKernel):
        """Completes and inspects whatever cells made of warnings and of the working directory, and interrupts what awaits."""

        async def do_complete(self, code: str, cursor_pos: int) -> object:
            with _quiet(self.shell):
                return super().do_complete(code, cursor_pos)

        async def do_inspect(self, code: str, cursor_pos: int, detail_level: int = 0, omit_sections: object = ()) -> object:
            with _quiet(self.shell):
                return super().do_inspect(code, cursor_pos, detail_level, omit_sections)

        def _cancel_on_sigint(self, future: object) -> Any:
            return _interruptible(self.shell, future)

    left_out: list[str] = []

    class Application(IPKernelApp):
        def load_config_file(self, *arguments: object, **more: object) -> None:
            if not without_own_files:
                super().load_config_file(*arguments, **more)

        def _run_startup_files(self) -> None:
            if not without_own_files:
                super()._run_startup_files()

        def _exec_file(self, fname: str, shell_futures: bool = False) -> None:
            try:
                with _no_end(self.shell):
                    super()._exec_file(fname, shell_futures)
            except Exception:
                raise  # it is shown in the log
            except BaseException as problem:
                left_out.append(_LEFT_OUT.format(file=fname, problem=f"{type(problem).__name__} {problem}".strip()))

    application = Application.instance(kernel_class=Kernel)
    application.initialize()
    for sentence in left_out:
        _say_once(application.shell, sentence)
    _keep_answering(application.shell)
    os.register_at_fork(before=_flush_streams)
    return application


def _flush_streams() -> None:
    """Send what was printed: a forked process would have it too, and send it once more."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):  # a person's own, or closed
            stream.flush()


@contextlib.contextmanager
def _quiet(shell):  # type: ignore[no-untyped-def]
    """Let no warning be an error, and have jedi asked nothing where there is no working directory, which it needs."""
    import warnings  # noqa: PLC0415

    completer = shell.Completer
    asks_jedi = completer.use_jedi
    if "jedi" not in sys.modules:  # and not from where a person may have a file of its name
        path = list(sys.path)
        sys.path[:] = [folder for folder in path if folder not in ("", ".")]
        with contextlib.suppress(Exception):  # IPython says it
            import jedi  # type: ignore[import-untyped]  # noqa: F401, PLC0415
        sys.path[:] = path
    try:
        os.getcwd()  # noqa: PTH109
    except OSError:
        completer.use_jedi = False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        completer.use_jedi = asks_jedi


@contextlib.contextmanager
def _interruptible(shell, cell):  # type: ignore[no-untyped-def]
    """End a cell that awaits at each interrupt: where it computes itself as any other cell, and where it waits by cancelling it.

    ipykernel's own handler leaves the event loop asleep until something else wakes it, and knows of one interrupt only.
    """
    import asyncio  # noqa: PLC0415
    import signal  # noqa: PLC0415

    loop = asyncio.get_running_loop()

    def interrupt(_number: int, frame: types.FrameType | None) -> None:
        while frame is not None and frame.f_globals is not shell.user_module.__dict__:
            frame = frame.f_back
        # Raised in another task, or in none, it would end the event loop, and the kernel with it.
        if frame is not None and asyncio.current_task(loop) is cell:
            raise KeyboardInterrupt
        loop.call_soon_threadsafe(cell.cancel)

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _keep_answering(shell) -> None:  # type: ignore[no-untyped-def]
    """Set right after each cell what the kernel can't do without: room for its calls, modules, and where it writes to."""
    streams, modules = {name: getattr(sys, name) for name in ("stdout", "stderr")}, dict(sys.modules)
    import json  # noqa: PLC0415

    import jupyter_client.session  # noqa: PLC0415

    messages: Any = jupyter_client.session
    messages.json = types.SimpleNamespace(**vars(json))  # with which messages are written
    path = list(sys.path)
    threads = {name: getattr(stream, "pub_thread", None) for name, stream in streams.items()}
    depth, set_depth = sys.getrecursionlimit, sys.setrecursionlimit

    def set_right() -> None:
        said = []
        if depth() < _LEAST_DEPTH:
            set_depth(_LEAST_DEPTH)
            said.append(_RAISED.format(depth=_LEAST_DEPTH))
        if not modules.keys() & {"builtins", "sys"} <= sys.modules.keys():  # all were removed
            sys.modules.update({**modules, **sys.modules})
        if not isinstance(sys.path, list):
            sys.path = path
            said.append(_NO_PATH)
        for name, stream in streams.items():
            now = getattr(sys, name, None)
            if not (hasattr(now, "write") and hasattr(now, "flush")) or getattr(now, "closed", False):
                if threads[name] is not None:  # all that it loses when it is closed
                    stream.pub_thread = threads[name]
                setattr(sys, name, stream)
                said.append(_NO_STREAM.format(name=name))
        for sentence in said:
            print(sentence, file=streams["stderr"])

    shell.events.register("post_execute", set_right)


@contextlib.contextmanager
def _no_end(shell):  # type: ignore[no-untyped-def]
    """Let whatever would end Python raise `SystemExit` instead, with a reason: IPython passes over an end without one."""
    process, end = os.getpid(), os._exit

    def end_child_only(status: int) -> NoReturn:
        if os.getpid() != process:  # a process that the file has started ends so
            end(status)
        raise SystemExit(f"os._exit({status})")

    def ask_exit() -> None:
        raise SystemExit("exit()")

    os._exit, shell.ask_exit = end_child_only, ask_exit
    try:
        yield
    finally:
        os._exit = end
        del shell.ask_exit


def _start_again(descriptors: dict[int, int]) -> None:
    """Be the program from its start, in this process."""
    for number, copy in descriptors.items():
        os.dup2(copy, number)
    os.execv(sys.executable, [sys.executable, *sys.argv])  # noqa: S606  (the same program)


def _ended_sentence(how: str) -> str:
    """Return what says that the last kernel ended while it started: by what a person installed, or by a file of theirs."""
    profile = os.path.join(os.environ.get("IPYTHONDIR") or os.path.expanduser("~/.ipython"), "profile_default")  # noqa: PTH111, PTH118
    startup = os.path.join(profile, "startup")  # noqa: PTH118
    files = [os.path.join(profile, name) for name in ("ipython_config.py", "ipython_kernel_config.py")]  # noqa: PTH118
    with contextlib.suppress(OSError):
        files += [os.path.join(startup, name) for name in sorted(os.listdir(startup)) if name.endswith((".py", ".ipy"))]  # noqa: PTH118, PTH208
    present = [file for file in files if os.path.exists(file)]  # noqa: PTH110
    what = (
        f"{_INSTALLED}, or one of your files that IPython reads at its start ({', '.join(present)})," if present else _INSTALLED
    )
    return _SENTENCE.format(what=what, problem=_ENDED, how=how)


def _load_hooks(shell) -> None:  # type: ignore[no-untyped-def]
    """Load what the session and its services have for a kernel of Python."""
    from importlib import import_module  # noqa: PLC0415

    for hook in ("rspark_session.jupyter.plot_size", *os.environ.get(_HOOKS, "").split()):
        with contextlib.suppress(Exception):  # Python works without
            import_module(hook).load(shell)


def _package_of(failure: Exception) -> str | None:
    """Return the package of the person's in which it failed; None where it can't be seen."""
    traceback, found = failure.__traceback__, None
    while traceback is not None:
        file = traceback.tb_frame.f_code.co_filename
        if file.startswith(sys.prefix) and "/site-packages/" in file:
            found = file.split("/site-packages/", 1)[1].split("/")[0].removesuffix(".py")
        traceback = traceback.tb_next
    return found


def _say_once(shell, sentence: str) -> None:  # type: ignore[no-untyped-def]
    def say(*_: object) -> None:
        shell.events.unregister("pre_run_cell", say)
        print(sentence, file=sys.stderr)

    shell.events.register("pre_run_cell", say)


def _mark(file: str) -> None:
    with contextlib.suppress(OSError):  # a full disk: it starts all the same
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT, 0o600))


def _unmark(file: str) -> None:
    with contextlib.suppress(OSError):
        os.unlink(file)  # noqa: PTH108


if __name__ == "__main__":
    main()
