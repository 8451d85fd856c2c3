"""The session's own pandoc: Debian's doesn't write for Typst."""

from importlib.util import find_spec
from pathlib import Path

_HERE = Path(__file__).parent
#: What documents say in LaTeX or HTML becomes what Typst sets, by this filter.
FILTER = _HERE / "typst.lua"
#: How code, tables and remarks look.
STYLE = _HERE / "style.typ"
#: Elements of citations are set as pandoc has written them, since a mark like `@fig-1` is often none.
WRITER = "typst-citations"


def folder() -> Path:
    """Return the folder of the program, which `pypandoc-binary` brings."""
    package = find_spec("pypandoc")
    assert package is not None, "the session's requirements have it"
    assert package.origin is not None
    return Path(package.origin).parent / "files"
