"""`python -m rspark_session.jupyter <interface.json>`: the Jupyter server of a session."""

import gc
import sys
from pathlib import Path

from rspark_session.jupyter import kernelspecs, told, unneeded
from rspark_session.jupyter.spare import Spare


def main() -> None:
    """Let R start while the server loads."""
    gc.disable()  # what is loaded stays: looking for garbage in it is a tenth of the start
    asked = told.read(Path(sys.argv[1]))
    spare = begin(asked)
    unneeded.leave_out()
    from rspark_session.jupyter import server  # noqa: PLC0415

    server.serve(asked, spare)


def begin(asked: told.Told) -> Spare | None:
    """Start the spare kernel where a page asks for one soon. Without it a session goes as well, only later."""
    if asked.kind != "jupyterlab" or "r" not in asked.kernels:
        return None
    try:
        return Spare(kernelspecs.known()["r"], home=asked.home, sockets=asked.socket.parent)
    except OSError as problem:
        print(f"R is not started ahead: {problem}", file=sys.stderr)
        return None


if __name__ == "__main__":
    main()
