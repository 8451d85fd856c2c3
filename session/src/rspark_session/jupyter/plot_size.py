"""How large a plot of Matplotlib may be in a kernel of Python: it would take all memory, and the kernel with it.

Loaded with every kernel, so it loads nothing of Matplotlib: it waits until the person's code does.
"""

from functools import wraps
from types import ModuleType
from typing import Any

from rspark_session.jupyter.when_imported import prepare_when_imported

_MODULE = "matplotlib.backends.backend_agg"
#: Pixels, of four bytes each: a poster of a square metre at 300 dots an inch has 140 million.
_MOST = 150_000_000


def load(shell: Any) -> None:
    """Prepare a kernel, of which `shell` is IPython's."""
    del shell
    prepare_when_imported(_MODULE, _bound)


def _bound(module: ModuleType) -> None:
    """Have Matplotlib refuse what is larger, before it takes memory for it."""
    renderer: Any = module.RendererAgg
    begin = renderer.__init__

    @wraps(begin)
    def bounded(self: Any, width: float, height: float, dpi: float) -> None:
        if width * height > _MOST:
            raise ValueError(
                f"The plot would have {int(width):,} x {int(height):,} pixels, and {_MOST:,} is the most there may be. "
                "Take a smaller figsize= (in inches) or dpi=."
            )
        begin(self, width, height, dpi)

    renderer.__init__ = bounded
