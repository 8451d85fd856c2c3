"""`python -m rspark_session.jupyter <interface.json>`: the Jupyter server of a session."""

import gc
import sys
from pathlib import Path

from rspark_session.jupyter import deferred_imports


def main() -> None:
    """Load the server, and serve until the agent ends it."""
    gc.disable()  # what is loaded stays: looking for garbage in it is a good part of the start
    deferred_imports.install()
    from rspark_session.jupyter import server  # noqa: PLC0415  (after what is deferred)
    from rspark_session.jupyter.options import ServerOptions  # noqa: PLC0415

    server.serve(ServerOptions.read(Path(sys.argv[1])))


if __name__ == "__main__":
    main()
