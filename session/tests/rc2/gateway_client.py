"""`python gateway_client.py KERNEL`: nbclient and jupyter_client at a session's address, as a person's own Jupyter is one.

The address and what signs in are in the environment, as Jupyter documents it: JUPYTER_GATEWAY_URL and JUPYTER_GATEWAY_HEADERS.
nbclient runs a notebook on a kernel of its own, then jupyter_client runs code on KERNEL, which others use. Prints both as JSON.
"""

import asyncio
import json
import os
import sys
from functools import partial

import nbformat
import websocket
from jupyter_server.gateway.managers import GatewayKernelClient, GatewayKernelManager
from nbclient import NotebookClient

WAIT = 180  # seconds


class OnSession(NotebookClient):
    """nbclient, whose kernels are a session's."""

    kernel_manager_class = GatewayKernelManager


def executed() -> list[object]:
    """Run a notebook, and return what its cells show."""
    sources = ["x <- 6 * 7\nx", "cat('printed\\n')", "plot(1:3)", "stop('broken')"]
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    notebook = nbformat.v4.new_notebook(cells=cells)
    OnSession(notebook, kernel_name="ir", allow_errors=True, timeout=WAIT, startup_timeout=WAIT).execute(kernel_name="ir")
    return [[dict(output) for output in cell["outputs"]] for cell in notebook["cells"]]


async def run_on(kernel: str) -> str:
    """Run code on a kernel that runs, and return what it prints."""
    client = GatewayKernelClient(kernel)
    await client.start_channels()
    message = client.execute("cat('Rc2 has', shared, '\\n'); own <- 'from jupyter_client'")
    printed, idle = "", False
    while not idle:
        shown = await client.get_iopub_msg(timeout=WAIT)
        if shown["parent_header"].get("msg_id") == message:
            printed += shown["content"].get("text", "")
            idle = shown["content"].get("execution_state") == "idle"
    client.stop_channels()
    return printed


if __name__ == "__main__":
    # Jupyter's client of a gateway signs in with each request, and not with the websocket, which any other client does.
    headers = json.loads(os.environ["JUPYTER_GATEWAY_HEADERS"])
    websocket.create_connection = partial(websocket.create_connection, header=headers)
    print(json.dumps({"notebook": executed(), "printed": asyncio.run(run_on(sys.argv[1]))}))
