"""`python -m rspark_session.jupyter <interface.json>`: the Jupyter server of a session."""

import sys

# jsonschema loads this package to check IRIs, which nothing in Jupyter has, and loading it compiles 35 grammars: a second
# of every start (jupyter-server/jupyter_server#1559). Without it jsonschema leaves the format unchecked.
sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]

from rspark_session.jupyter.server import main  # noqa: E402

if __name__ == "__main__":
    main()
