"""What the kernels of each language are told to save and to bring back, and what they say of it.

The code that does it is part of the language's own package (R: rspark, Python: rspark_session.workspace). It never raises:
it leaves `manifest.json` (`{"objects", "bytes", "lost": [{"name", "class", "why"}]}`) when it saved, `restored.json` (the
same, of what came back) when it restored, and `failed.json` (`{"why"}`) when it could do neither.
"""

import json
from pathlib import Path
from typing import Any, Literal

Doing = Literal["save", "restore"]

_R = "try(rspark:::workspace_{what}({folder}), silent = TRUE)"
_PYTHON = "__import__('rspark_session.workspace', fromlist=['{what}']).{what}({folder})"
#: By the language of the kernelspec. bash has nothing but its folder, which is kept for every kernel.
_CODE = {"R": _R, "python": _PYTHON}
_MOST_LOST = 100  # entries that are told one by one
_LEFT = {"save": "manifest.json", "restore": "restored.json"}


class MemoryFailed(Exception):
    """A workspace could not be saved or brought back. The message is a sentence."""


def code(what: Doing, language: str, folder: Path) -> str | None:
    """Give the code that saves into the folder or restores from it; None where a language has nothing to save."""
    template = _CODE.get(language)
    # a path in JSON's quotes reads the same in R and Python
    return template and template.format(what=what, folder=json.dumps(str(folder), ensure_ascii=False))


def clear(what: Doing, folder: Path) -> None:
    """Take away what an earlier run of the same said."""
    for name in (_LEFT[what], "failed.json"):
        (folder / name).unlink(missing_ok=True)


def said(what: Doing, folder: Path) -> dict[str, Any]:
    """Read what the code says of what it did.

    Raises
    ------
    MemoryFailed
        When it says that it could not, or nothing.
    """
    failed, left = folder / "failed.json", folder / _LEFT[what]
    if failed.exists():
        raise MemoryFailed(_sentence(str(json.loads(failed.read_text(encoding="utf-8"))["why"])))
    if not left.exists():
        raise MemoryFailed("The package that does it is not installed in this kernel, or broken.")
    data = json.loads(left.read_text(encoding="utf-8"))
    lost = list(data["lost"])
    if len(lost) > _MOST_LOST:
        rest = {"name": "…", "class": "", "why": f"And {len(lost) - _MOST_LOST} more."}
        lost = [*lost[:_MOST_LOST], rest]
    return {"objects": int(data["objects"]), "bytes": int(data["bytes"]), "lost": lost}


def whole_lost(kind: str, why: str) -> dict[str, str]:
    """Name a whole workspace as lost."""
    return {"name": "workspace", "class": kind, "why": why}


def _sentence(words: str) -> str:
    return " ".join(words.split())[:300].rstrip(".") + "."
