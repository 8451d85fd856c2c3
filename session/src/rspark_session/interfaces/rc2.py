"""The interface `rc2`: the room where a person works with R, Python and bash."""

from urllib.parse import quote

from rspark_session.interfaces.jupyter_server import JupyterServer


class Rc2(JupyterServer):
    """Rc², with an R that waits for its first console; the source of its page is `web/rc2`."""

    extension = "rspark_session.rc2.extension"
    default_url = "/rc2/"
    warms_r = True

    def document_url(self, path: str) -> str:
        """Return the address by which Rc² opens a file, or shows a folder."""
        return f"rc2/?open={quote(path)}"


INTERFACE = Rc2
