"""`python -m rspark_session.jupyter <interface.json>`: the Jupyter server of a session."""

import sys

# jsonschema loads this package to check IRIs, which nothing in Jupyter has, and loading it compiles 35 grammars: a second
# of every start (jupyter-server/jupyter_server#1559). Without it jsonschema leaves the format unchecked.
sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]

from pathlib import Path  # noqa: E402

from rspark_session.jupyter import kernelspecs, told  # noqa: E402
from rspark_session.jupyter.spare import Spare  # noqa: E402


def main() -> None:
    """Let R start while the server loads."""
    asked = told.read(Path(sys.argv[1]))
    spare = begin(asked)
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
