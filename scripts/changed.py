"""Names the checks and tests that a change can touch: what `make test-changed` runs.

A test file is touched when it changed, or when one of its own helpers did, or when a module did that it reaches by imports:
those of the packages as import-linter's library sees them, also inside functions. What is started as a program (the product as a
whole, in a browser or on a cluster) is reached by everything that is part of it; so such tests are named by folders.
"""

import ast
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import grimp

TOP = Path(__file__).resolve().parent.parent
PACKAGES = {
    "rsparkhub": "hub/src",
    "rspark_session": "session/src",
    "rspark_contract": "contract/src",
    "rsparkhub_spawner": "spawner/src",
}
SUITES = {"contract": "contract/tests", "hub": "hub/tests", "session": "session/tests"}
#: Steps that a change below these folders touches, by the step's name in testing.py. The product runs in all of them.
BY_FOLDER = {
    "pages: check": ("web/",),
    "pages: test": ("web/",),
    "pages: browser": ("web/", "tests/pages/", "hub/src/"),
    "R package": ("r/", "session/src/rspark_session/services/"),
    "end to end": (
        "hub/src/", "session/src/", "contract/src/", "spawner/src/", "web/", "r/rspark/", "edge/", "s3/", "environments/",
        "tests/", "docs/how-to/", "docs/site/",
    ),
    "cluster": ("cluster/",),
    "Kubernetes": (
        "hub/src/rsparkhub/backends/", "session/src/rspark_session/agent/", "session/src/rspark_session/services/",
        "session/src/rspark_session/proxy/", "session/src/rspark_session/processes/", "contract/src/", "images/", "deploy/",
        "cluster/", "tests/kubernetes/",
    ),
}  # fmt: skip
#: What each of these steps needs before.
FIRST = {"cluster": ("build: cluster",), "Kubernetes": ("build: cluster", "build: Helm", "build: images")}
#: A change here may touch anything.
EVERYTHING = ("requirements/", "scripts/", "pyproject.toml", "Makefile", "conftest.py", ".ci/")
#: Parts of `tests/` that are steps of their own and not run end to end.
_OWN_STEPS = ("tests/kubernetes/", "tests/pages/")


@dataclass(frozen=True, kw_only=True)
class Touched:
    """Names of steps to run; for those that are suites of tests, which files of it, None for all."""

    steps: dict[str, tuple[str, ...] | None]
    everything: bool = False


def changed_files(base: str | None = None) -> list[str]:
    """Return the files that differ from `base`, committed or not, and those that Git doesn't know yet.

    Without a base: from the place where this branch left `origin/main`, or from the last commit where there is no such branch.
    """
    start = base or _output("git", "merge-base", "HEAD", "origin/main") or "HEAD"
    known = _output("git", "diff", "--name-only", "--no-renames", start).splitlines()
    return sorted({*known, *_output("git", "ls-files", "--others", "--exclude-standard").splitlines()})


def touched_by(files: Iterable[str]) -> Touched:
    """Return what a change of these files can touch."""
    files = [file for file in files if not file.endswith(".md") or file.startswith("docs/")]
    if any(file.startswith(EVERYTHING) for file in files):
        return Touched(steps={}, everything=True)
    steps: dict[str, tuple[str, ...] | None] = {}
    for name, folders in BY_FOLDER.items():
        if any(file.startswith(folders) and not (name == "end to end" and file.startswith(_OWN_STEPS)) for file in files):
            steps |= dict.fromkeys(FIRST.get(name, ()))
            steps[name] = None
    for name, tests in touched_tests(files).items():
        steps[name] = tests
    return Touched(steps=steps)


def touched_tests(files: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return the test files of each suite that a change of these files can touch; a suite of which none is, is left out."""
    files = set(files)
    modules = {module for file in files if (module := module_of(file))}
    reached = _dependents(modules) | modules
    # What is no module (a manifest, a page, an SQL file) belongs to the package that it lies in.
    reached |= {package for file in files if not file.endswith(".py") and (package := _package_around(file))}
    found = {}
    for suite, folder in SUITES.items():
        tests = sorted(str(path.relative_to(TOP)) for path in (TOP / folder).rglob("test_*.py"))
        chosen = tuple(test for test in tests if _is_touched(TOP / test, files, reached))
        if chosen:
            found[suite] = chosen
    return found


def module_of(file: str) -> str | None:
    """Return the module that a file is, as it is imported; None for a file that is none."""
    for package, source in PACKAGES.items():
        if file.startswith(f"{source}/{package}/") and file.endswith(".py"):
            return file.removeprefix(f"{source}/").removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    return None


def _package_around(file: str) -> str | None:
    module = module_of(str(Path(file).parent / "__init__.py"))
    return module if module is not None and (TOP / file).parent.joinpath("__init__.py").is_file() else None


def _is_touched(test: Path, files: set[str], reached: set[str]) -> bool:
    for path in _helpers(test):
        if str(path.relative_to(TOP)) in files or not reached.isdisjoint(_imported(path)):
            return True
    return any(_folder_of_tests(file) == test.parent for file in files if not file.endswith(".py"))


def _folder_of_tests(file: str) -> Path | None:
    """Return the nearest folder around a file that has tests in it: they read the file, a manifest for example."""
    return next((folder for folder in (TOP / file).parents if folder != TOP and any(folder.glob("test_*.py"))), None)


@cache
def _helpers(test: Path) -> frozenset[Path]:
    """Return a test file, the conftest.py files that hold for it, and the modules beside them that these import by name."""
    folders = [folder for folder in test.parents if folder == TOP or TOP in folder.parents]
    todo, found = [test, *(folder / "conftest.py" for folder in folders)], set()
    while todo:
        path = todo.pop()
        if path in found or not path.is_file():
            continue
        found.add(path)
        for name in _imported(path):
            inside = Path(*name.split("."))
            todo += [folder / f"{inside}.py" for folder in folders]
    return frozenset(found)


@cache
def _imported(path: Path) -> frozenset[str]:
    """Return the names of all modules that a file imports anywhere; `from a import b` may mean a module `a.b`."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):  # `python -m module`, a patch by name
            found |= set(_modules_in(node.value))
    return frozenset(found)


def _modules_in(text: str) -> Iterator[str]:
    words = text.replace(":", " ").split()
    yield from (word for word in words if word.partition(".")[0] in PACKAGES and word.replace(".", "_").isidentifier())


@cache
def _graph() -> grimp.ImportGraph:
    return grimp.build_graph(*PACKAGES, cache_dir=None)


def _dependents(modules: set[str]) -> set[str]:
    graph = _graph()
    return {found for module in modules & graph.modules for found in graph.find_downstream_modules(module)}


def _output(*command: str) -> str:
    answer = subprocess.run(command, cwd=TOP, capture_output=True, text=True, check=False)
    return answer.stdout.strip() if answer.returncode == 0 else ""
