"""The code that saves and restores the workspace of each language's kernels, and what that code reports.

The code is part of the language's own package (R: rspark, Python: rspark_session.workspace). It never raises: it writes
`manifest.json` (`{"objects", "bytes", "lost": [{"name", "class", "why", "failed"}]}`) when it saved, `restored.json` (the same,
of what was restored) when it restored, and `failed.json` (`{"why"}`) when it could do neither. `failed` is true of data that
could not be kept, and false, or not there, of what is never kept (`rspark_contract.saved.LostObject`). `restored.json` may say
`kept`: that something could not be read and has to stay where it is.
"""

import json
import shlex
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from rspark_contract import reading
from rspark_contract.reading import Fields, Unreadable
from rspark_contract.saved import MOST_LOST, LostObject, first_lost

Action = Literal["save", "restore"]

#: The first line has the package rspark run it where no name is the person's, as `try` may be.
_R = "# rspark\ntry(rspark:::workspace_{action}({folder}{within}), silent = TRUE)"
#: No name is looked up where cells run: `open`, `exec` or `__builtins__` may be anything there. A class of Python's has its own.
_PYTHON = (
    "(lambda names: names['__builtins__']['exec']("
    "names['__builtins__']['__import__']('pathlib').Path({script}).read_text(encoding='utf-8'), names) or "
    "names['run']('{action}', {places}, {folder}{within}))"
    "({{'__name__': 'rspark_session.jupyter.borrowed_workspace', '__builtins__': "
    "(each for each in ().__class__.__base__.__subclasses__() if each.__name__ == 'ModuleSpec').__next__()"
    ".__init__.__globals__['__builtins__']}})"
)
#: Traps and positional parameters are the caller's: a sourced file has its own. A function `builtin`, which is lifted as in
#: `workspace.sh`, comes before the traps: what follows these may run them. In POSIX's mode `trap` also names all that there
#: are not.
_BASH = {
    "save": (
        "( POSIXLY_CORRECT=; \\unset -f declare; __rspark_builtin=$(\\declare -pf builtin 2> /dev/null) || \\builtin :; "
        "\\unset -f builtin; \\unset -v POSIXLY_CORRECT; \\builtin printf '%s ' '\\builtin set --' \"${{@@Q}}\"; "
        "\\builtin printf '\\n%s\\n' \"$__rspark_builtin\"; __rspark_call=; "
        "[[ $__rspark_builtin ]] || __rspark_call='\\builtin '; "  # a function `trap` is there again by then
        f"for __rspark_trap in {' '.join(map(str, range(65)))} ERR RETURN DEBUG; do "
        '__rspark_said=$(\\builtin trap -p "$__rspark_trap" 2> /dev/null) || \\builtin :; '
        '[[ -z $__rspark_said ]] || \\builtin printf \'%s%s\\n\' "$__rspark_call" "$__rspark_said"; done ) >| {quoted}/caller; '
        ". {bash} save {quoted}"
    ),
    "restore": '. {bash} restore {quoted}; [[ ! -r {quoted}/caller ]] || \\builtin eval "$(< {quoted}/caller)"',
}
#: By the language of the kernelspec. A kernel of any other has nothing but its folder, which is saved for every kernel.
_CODE = {"R": dict.fromkeys(_BASH, _R), "python": dict.fromkeys(_BASH, _PYTHON), "bash": _BASH}
_BASH_SCRIPT = Path(__file__).parents[1] / "workspace" / "workspace.sh"
_REPORTS = {"save": "manifest.json", "restore": "restored.json"}
_FAILURE = "failed.json"
_MOST_BYTES = 2**24
_COUNT = reading.number(0, 2**53)  # R has no whole numbers of 64 bits
#: Every lost object is read, and the first are named.
_LOST = reading.readable_items(LostObject.parse, most=2**16)


class SnapshotFailed(Exception):
    """A workspace could not be saved or restored. The message is a sentence."""


@dataclass(frozen=True, kw_only=True)
class SnapshotReport:
    """What was saved or restored of one kernel; `bytes` is the size of its files.

    `kept` is true where something could not be read, and is still in the folder.
    """

    objects: int = 0
    bytes: int = 0
    lost: tuple[LostObject, ...] = ()
    kept: bool = False


def code(action: Action, language: str, folder: Path, *, within: float | None = None) -> str | None:
    """Return the code that saves into the folder or restores from it, or None where a language has nothing to save.

    `within` are the seconds that a save may take: small objects come first, and what there was no time for is named.
    """
    if language not in _CODE:
        return None
    script = Path(__file__).with_name("borrowed_workspace.py")
    time = "" if within is None else f", {within:.1f}"
    return _CODE[language][action].format(
        action=action,
        folder=_quoted(str(folder)),
        within=time,
        script=_quoted(str(script)),
        places=_quoted(_places()),
        bash=shlex.quote(str(_BASH_SCRIPT)),
        quoted=shlex.quote(str(folder)),
    )


def _places() -> dict[str, str]:
    """Return the folders of the packages that `borrowed_workspace` needs."""
    found = {name: find_spec(name) for name in ("rspark_session", "cloudpickle", "dill")}
    return {name: str(Path(spec.origin).parents[1]) for name, spec in found.items() if spec and spec.origin}


def _quoted(value: str | dict[str, str]) -> str:
    """Return it in JSON's quotes, which read the same in R and Python."""
    return json.dumps(value, ensure_ascii=False)


def clear_report(action: Action, folder: Path) -> None:
    """Remove what an earlier run of the same code reported."""
    for name in (_REPORTS[action], _FAILURE):
        (folder / name).unlink(missing_ok=True)


def read_report(action: Action, folder: Path) -> SnapshotReport:
    """Read what the code reports.

    Raises
    ------
    SnapshotFailed
        When it reports a failure, or nothing, or something that can't be read.
    """
    failure, report = folder / _FAILURE, folder / _REPORTS[action]
    if failure.exists():
        raise SnapshotFailed(_sentence(_fields(failure).get("why", reading.text(2**16), "It didn't say why")))
    if not report.exists():
        raise SnapshotFailed("The package that does it is not installed in this kernel, or broken.")
    fields = _fields(report)
    try:
        return SnapshotReport(
            objects=int(fields.required("objects", _COUNT)),
            bytes=int(fields.required("bytes", _COUNT)),
            lost=first_lost(fields.get("lost", _LOST, ()), MOST_LOST - 1),
            kept=fields.get("kept", reading.flag, False),
        )
    except Unreadable as problem:
        raise _unreadable(report, problem) from problem


def read_unfinished(folder: Path) -> SnapshotReport | None:
    """Return what a kernel reported of a save that didn't end; None when there is no such report, or none that can be read."""
    try:
        return read_report("save", folder)
    except SnapshotFailed:
        return None


def lost_workspace(language: str, why: str, *, failed: bool) -> LostObject:
    """Return the entry of a whole workspace that was lost; `failed` where it was there, and could not be kept."""
    return LostObject(name="workspace", class_name=language, why=why, failed=failed)


def _fields(file: Path) -> Fields:
    try:
        return Fields(reading.decode(file.read_bytes(), most=_MOST_BYTES))
    except Unreadable as problem:
        raise _unreadable(file, problem) from problem


def _unreadable(file: Path, problem: Unreadable) -> SnapshotFailed:
    return SnapshotFailed(f"What the kernel wrote into {file.name} can't be read: {problem}.")


def _sentence(words: str) -> str:
    return " ".join(words.split())[:300].rstrip(".") + "."
