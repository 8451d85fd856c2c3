"""The interface `terminal`: a page with a shell."""

from rspark_session.interfaces.jupyter_server import JupyterServer


class Terminal(JupyterServer):
    """A page with one shell in the whole window; its source is `web/terminal`."""

    extension = "rspark_session.terminal"
    default_url = "/terminal/"


INTERFACE = Terminal
