"""The code that kernels run for the server, unseen: by language, a call that writes its answer as JSON into a file.

R's side is in the package rspark (`rc2_answer`), Python's in `python_side`. A kernel of any other language has none.
"""

import json
from pathlib import Path

from rspark_session.rc2.protocol import Figure

_R = "try(rspark:::rc2_answer({file}, {question}), silent = TRUE)"
#: A module of ours, which is loaded once and is no name of a person's.
_PYTHON_MODULE = (
    "(lambda modules, kind: modules.get({name}) or ["
    "exec(compile(open({script}, encoding='utf-8').read(), {script}, 'exec'), "
    "modules.setdefault({name}, kind({name})).__dict__), modules[{name}]][1])"
    "(__import__('sys').modules, type(__import__('sys')))"
)


def answer(language: str, file: Path, question: dict[str, object]) -> str | None:
    """Return the code that answers a question into a file; None where a language can't."""
    asked = _quoted(json.dumps(question, ensure_ascii=True))
    match language:
        case "R":
            return _R.format(file=_quoted(str(file)), question=asked)
        case "python":
            return _python(file, asked, call="")
    return None


def answer_in_call(file: Path, question: dict[str, object]) -> str:
    """Return the code that answers a question about one of the calls in which Python waits while it evaluates it."""
    return _python(file, _quoted(json.dumps(question, ensure_ascii=True)), call=", __import__('sys')._getframe(), locals()")


def in_python(script: Path, call: str) -> str:
    """Return the code that calls a function of a script of ours in Python's kernel."""
    return f"{_PYTHON_MODULE.format(name=_quoted(f'_rspark_rc2_{script.stem}'), script=_quoted(str(script)))}.{call}"


def _python(file: Path, asked: str, *, call: str) -> str:
    return in_python(Path(__file__).with_name("python_side.py"), f"answer({_quoted(str(file))}, {asked}{call})")


def set_figure(language: str, figure: Figure) -> str | None:
    """Return the code after which plots have a size; None where a language has none."""
    match language:
        case "R":
            size = f"repr.plot.width = {figure.width}, repr.plot.height = {figure.height}, repr.plot.res = {figure.density}"
            return f"options({size})"
        case "python":
            values = {"figure.figsize": [figure.width, figure.height], "figure.dpi": figure.density}
            return f"(lambda plots: plots and plots.rcParams.update({values!r}))(__import__('sys').modules.get('matplotlib'))"
    return None


def _quoted(value: str) -> str:
    """Return it in JSON's quotes, which read the same in R and Python."""
    return json.dumps(value, ensure_ascii=True)
