"""Reads the help of Python's packages for Rc²'s index; `reading.py` says what is asked and answered.

Docstrings are read in the source: nothing of a package is run, so that none starts or costs what its import does.
"""

import ast
import importlib
import inspect
import json
import os
import re
import sys
import warnings
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

_MOST_SOURCE, _MOST_TEXT, _LONGEST_TITLE = 2**21, 2**16, 200
_NOT_FOR_READERS = {"tests", "test", "testing", "idlelib", "lib2to3", "turtledemo", "vendor", "third_party", "examples"}
_SPACE = re.compile(r"\s+")
_Topic = dict[str, Any]
_Documented = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def main() -> None:
    asked = json.loads(sys.stdin.buffer.readline())
    packages = {library: dict(_packages(Path(library))) for library in asked["libraries"]}
    _answer({"present": {library: {name: _stamp(path) for name, path in found.items()} for library, found in packages.items()}})
    for library, found in packages.items():
        for name, path in found.items():
            if asked["known"].get(library, {}).get(name) != _stamp(path):
                topics = list(_topics(name, path))
                _answer({"library": library, "package": name, "stamp": _stamp(path), "topics": topics})


def _answer(value: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


def _packages(library: Path) -> Iterator[tuple[str, Path | None]]:
    """Return the packages and modules of a library with where they are; what Python is built of has no file."""
    try:
        paths = sorted(library.iterdir())
    except OSError:  # it is not there, or closed to this account
        return
    for path in paths:
        name = path.stem if path.suffix == ".py" else path.name
        if not name.isidentifier() or name.startswith("_") or name in _NOT_FOR_READERS:
            continue
        if path.suffix == ".py" or os.path.isfile(path / "__init__.py"):  # noqa: PTH113  (a folder may be closed)
            yield name, path
    if library == Path(inspect.__file__).parent:
        for name in sorted(sys.stdlib_module_names):
            if not name.startswith("_") and not (library / name).is_dir() and not (library / f"{name}.py").exists():
                yield name, None


def _stamp(path: Path | None) -> str:
    if path is None:
        return sys.version
    code = (path / "__init__.py" if path.is_dir() else path).stat()
    return f"{path.stat().st_mtime_ns} {code.st_mtime_ns} {code.st_size}"


def _topics(name: str, path: Path | None) -> Iterator[_Topic]:
    if path is None:
        yield from _of_built_in(name)
        return
    sources = {name: path} if path.is_file() else dict(_sources(path))
    inits = {module: _text(file) for module, file in sources.items() if file.name == "__init__.py"}
    for module, file in sources.items():
        yield from _of_source(module, inits.get(module) or _text(file), inits)


def _sources(package: Path) -> Iterator[tuple[str, Path]]:
    """Return the modules of a package with their files."""
    for file in sorted(package.rglob("*.py")):
        parts = file.relative_to(package.parent).with_suffix("").parts
        if _NOT_FOR_READERS.isdisjoint(parts[1:]) and not any(part.startswith("_vendor") for part in parts):
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), file


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace") if file.stat().st_size < _MOST_SOURCE else ""
    except OSError:
        return ""


def _of_source(module: str, text: str, inits: dict[str, str]) -> Iterator[_Topic]:
    """Return a module, its functions, its classes and their methods, as far as they are documented and public."""
    try:
        with warnings.catch_warnings(action="ignore"):
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    public = not any(part.startswith("_") for part in module.split("."))
    if public and (documented := ast.get_docstring(tree)):
        yield _topic(module, documented)
    for node in tree.body:
        if not isinstance(node, _Documented) or node.name.startswith("_"):
            continue
        name = _public_name(module, node.name, inits)
        if name is None:
            continue
        if documented := ast.get_docstring(node):
            yield _topic(name, documented)
        for inner in node.body if isinstance(node, ast.ClassDef) else ():
            if isinstance(inner, _Documented) and not inner.name.startswith("_") and (documented := ast.get_docstring(inner)):
                yield _topic(f"{name}.{inner.name}", documented)


def _public_name(module: str, name: str, inits: dict[str, str]) -> str | None:
    """Return how a person names it: from the outermost package that lists it, else from its module, unless that is private."""
    parts = module.split(".")
    for count in range(1, len(parts)):
        package = ".".join(parts[:count])
        if not parts[count - 1].startswith("_") and _lists(package, module, name, inits):
            return f"{package}.{name}"
    return None if any(part.startswith("_") for part in parts) else f"{module}.{name}"


def _lists(package: str, module: str, name: str, inits: dict[str, str]) -> bool:
    """Return whether a package has a name of one of its modules: it names it, or takes all that a module has."""
    if package == module:
        return True
    init = inits.get(package, "")
    if name in _words(init):
        return True
    taken = (each if each.startswith(f"{package}.") else f"{package}{each}" for each in _taken_whole(init))
    return any(f"{module}.".startswith(f"{each}.") and _lists(each, module, name, inits) for each in taken if each != package)


@cache
def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", text))


@cache
def _taken_whole(text: str) -> tuple[str, ...]:
    return tuple(re.findall(r"^\s*from (\.?[\w.]+) import \*", text, re.MULTILINE))


def _of_built_in(name: str) -> Iterator[_Topic]:
    try:
        module = importlib.import_module(name)
    except ImportError:  # of another system
        return
    if module.__doc__:
        yield _topic(name, module.__doc__)
    for own, value in sorted(vars(module).items()):
        documented = inspect.getdoc(value) if callable(value) and not own.startswith("_") else None
        if not documented:
            continue
        yield _topic(own if name == "builtins" else f"{name}.{own}", documented)
        for inner, method in sorted(vars(value).items()) if isinstance(value, type) else ():
            if not inner.startswith("_") and (documented := inspect.getdoc(method)):
                yield _topic(f"{own if name == 'builtins' else f'{name}.{own}'}.{inner}", documented)


def _topic(name: str, documented: str) -> _Topic:
    title = next((line for line in documented.splitlines() if any(map(str.isalnum, line))), "")
    body = _SPACE.sub(" ", documented[:_MOST_TEXT].encode(errors="replace").decode()).strip()
    return {"topic": name, "names": [name.rpartition(".")[2]], "title": title.strip()[:_LONGEST_TITLE], "body": body}


main()
