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
    spare = Spare(kernelspecs.known()["r"], home=asked.home, sockets=asked.socket.parent) if "r" in asked.kernels else None
    from rspark_session.jupyter import server  # noqa: PLC0415

    server.serve(asked, spare)


if __name__ == "__main__":
    main()
