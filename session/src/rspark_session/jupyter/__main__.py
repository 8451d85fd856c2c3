"""`python -m rspark_session.jupyter <interface.json>`: the Jupyter server of a session."""

import gc
import sys
from pathlib import Path

from rspark_session.jupyter import unneeded


def main() -> None:
    """Load the server, and serve."""
    gc.disable()  # what is loaded stays: looking for garbage in it is a good part of the start
    unneeded.leave_out()
    from rspark_session.jupyter import server, told  # noqa: PLC0415  (after what is left out)

    server.serve(told.read(Path(sys.argv[1])))


if __name__ == "__main__":
    main()
