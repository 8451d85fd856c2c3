"""A plot of Matplotlib that would take all memory is an error, and the kernel lives."""

from pathlib import Path

from session.tests.jupyter.odd_settings import kernel
from session.tests.jupyter.test_odd_python import COMMAND

LARGE = "plt.figure(figsize=(130, 130), dpi=100); plt.plot([1, 2])"
SAYS = (
    "The plot would have 13,000 x 13,000 pixels, and 150,000,000 is the most there may be. "
    "Take a smaller figsize= (in inches) or dpi=."
)


def test_a_plot_that_is_too_large_is_an_error_in_a_sentence(tmp_path: Path) -> None:
    with kernel("python", COMMAND, tmp_path) as python:
        python.shown("import matplotlib.pyplot as plt; kept = 42")
        for code in (LARGE, f"{LARGE}; plt.savefig('large.png')", f"{LARGE}; plt.gcf().canvas.draw()"):
            assert SAYS in python.shown(code)
            assert python.shown("plt.close('all'); plt.plot([1, 2]); plt.show()").startswith("<Figure size")
        assert python.shown("kept") == "42"
