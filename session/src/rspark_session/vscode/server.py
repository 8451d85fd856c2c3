"""What code-server is started with: on a port of its own, without a sign-in, with what it keeps in the home.

It lies beside the session's Python with the Node.js that it runs on (`scripts/get-code-server`).
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path

from rspark_session.files import write_whole

FOLDER = Path(sys.prefix, "share/rspark/code-server")
NODE = FOLDER / "lib/node"
_RESOURCES = "Microsoft.VisualStudio.Code.WebResources"
_ENTRY = FOLDER / "out/node/entry.js"


def is_installed() -> bool:
    """Return whether it is there."""
    return _ENTRY.is_file() and NODE.is_file()


def command(*, title: str, port: int, home: Path, run: Path, sockets: Path) -> list[str]:
    """Write the file that it is started with into `run`, and return its command.

    Raises
    ------
    OSError
        When the file can't be written.
    """
    configuration = run / "code-server.yaml"
    write_whole(configuration, "auth: none\n")  # without one it makes up a password, and writes that into the home
    return [
        str(NODE),
        str(_ENTRY),
        f"--config={configuration}",
        f"--bind-addr=127.0.0.1:{port}",
        f"--session-socket={sockets / 'code-server.sock'}",
        f"--user-data-dir={home / '.local/share/code-server'}",
        f"--app-name={title}",
        "--disable-telemetry",
        "--disable-update-check",
        "--disable-getting-started-override",
        "--disable-workspace-trust",  # whose files these are is no question in one's own home
        "--vscode-option=disable-websocket-compression",  # else what a page sends could not be told apart
        str(home),
    ]


def environ_of(environ: Mapping[str, str], *, extensions: str | None) -> dict[str, str]:
    """Return its variables. Terminals get those of the session, and not what a login shell makes of them.

    Extensions are searched for at the Open VSX registry of the address, nowhere without one.
    """
    return {
        **environ,
        "EXTENSIONS_GALLERY": json.dumps(_gallery(extensions) if extensions else {}),
        "VSCODE_CLI": "1",
    }


def _gallery(registry: str) -> dict[str, str]:
    """Return the addresses below an Open VSX registry, as code-server has them of open-vsx.org."""
    below = f"{registry}/vscode"
    return {
        "serviceUrl": f"{below}/gallery",
        "itemUrl": f"{below}/item",
        "extensionUrlTemplate": f"{below}/gallery/{{publisher}}/{{name}}/latest",
        "resourceUrlTemplate": f"{below}/asset/{{publisher}}/{{name}}/{{version}}/{_RESOURCES}/{{path}}",
        "controlUrl": "",
        "recommendationsUrl": "",
    }
