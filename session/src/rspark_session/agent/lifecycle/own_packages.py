"""Where a person's own packages of R and Python are: in the home, out of sight, before those of the product.

R has a library there (`R_LIBS_USER`). Python has a virtual environment that stands on the session's: what a person installs into
it comes first, and everything else is found in the session's, which nobody writes to. There is one of each for every version,
machine and image, since a package is built for the libraries that it finds there.
"""

# ruff: noqa: PLC0415  (R waits while this is loaded)

import contextlib
import os
import re
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from rspark_contract.ensemble import EnsembleDocument

#: The file by which the environment of Python finds the session's packages.
_LAYER = "_rspark_session.pth"
_MARK = "# Written by the session: "
_STAMP = ".rspark-session"
#: What a script of Python's begins with where its interpreter's path may be long or hold a space; see pip's `distlib`.
_INTERPRETER = "#!/bin/sh\n'''exec' \"{python}\" \"$0\" \"$@\"\n' '''\n"


def r_library(document: EnsembleDocument) -> Path:
    """Return the library into which `install.packages()` installs."""
    return _lib(document) / "R" / _name(r_version() or "R", document)


def python_environment(document: EnsembleDocument) -> Path:
    """Return the virtual environment into which `pip` installs."""
    return _lib(document) / "python" / _name(f"{sys.version_info.major}.{sys.version_info.minor}", document)


def make_r_library(document: EnsembleDocument) -> None:
    """Make the library of R's packages: an R that starts before it is there doesn't use it. A full home goes without."""
    try:
        r_library(document).mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        print(f"There is no place for R packages in the home: {problem}", file=sys.stderr)


def make_python_environment(document: EnsembleDocument) -> None:
    """Make the environment on top of the Python that runs this, or bring it up to date.

    A full home goes without: kernels then run the session's Python, and nothing can be installed.
    """
    try:
        _make_environment(python_environment(document))
    except OSError as problem:
        print(f"There is no place for Python packages in the home: {problem}", file=sys.stderr)


def _make_environment(folder: Path) -> None:
    stamp, made_from = folder / _STAMP, f"{folder}\n{sys.prefix}\n{_base()}\n{sys.version}\n{_scripts().stat().st_mtime_ns}\n"
    with contextlib.suppress(OSError):
        if stamp.read_text(encoding="utf-8") == made_from:
            return
    if folder.exists():
        _fill(folder, folder, made_from)
        return
    growing = folder.with_name(f".{folder.name}.{os.getpid()}")
    try:
        _fill(growing, folder, made_from)
        growing.rename(folder)
    except OSError:
        shutil.rmtree(growing, ignore_errors=True)
        if not folder.exists():  # another session of the person's may have been faster
            raise


def _fill(place: Path, folder: Path, made_from: str) -> None:
    """Write into a place what the environment in the folder consists of; the stamp last."""
    python = place / "bin" / "python"
    for part in (python.parent, _site_packages(place)):
        part.mkdir(parents=True, exist_ok=True)
    _link(python, _base())
    for name in ("python3", f"python3.{sys.version_info.minor}"):
        _link(python.with_name(name), Path("python"))
    for path, content in _files(folder):
        _write(place / path.relative_to(folder), content)
    _write(place / _STAMP, made_from)


def r_version() -> str | None:
    """Read R's version, such as 4.2, where R itself has it: starting R to ask takes longer than all else."""
    program = shutil.which("R")  # a script of the shell that names its home
    try:
        home = re.search(r"^R_HOME_DIR=(\S+)", Path(program or "").read_text(encoding="utf-8"), re.MULTILINE)
        text = Path(home[1] if home else "", "library/base/DESCRIPTION").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    found = re.search(r"^Version: (\d+\.\d+)", text, re.MULTILINE)
    return found[1] if found else None


def image_mark(image: str, inherited: Mapping[str, str]) -> str:
    """Return twelve letters that differ for each image: of its digest, or of its name and of what it was built from."""
    _, _, digest = image.partition("@sha256:")
    if digest:
        return digest[:12]
    import hashlib  # (not needed for an image with a digest, and R waits while it is loaded)

    built = f"{image} {inherited.get('RSPARK_IMAGE', '')}"
    return hashlib.sha256(built.encode()).hexdigest()[:12]


def _lib(document: EnsembleDocument) -> Path:
    return document.places.home / ".local" / "lib"


def _name(version: str, document: EnsembleDocument) -> str:
    words = [version, os.uname().machine]
    if document.image:
        words.append(image_mark(document.image, os.environ))
    return "-".join(words)


def _site_packages(prefix: Path) -> Path:
    return prefix / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"


def _base() -> Path:
    """Return the Python that the session's own environment was made from."""
    return Path(getattr(sys, "_base_executable", sys.executable))


def _scripts() -> Path:
    return Path(sys.executable).parent


def _files(folder: Path) -> Iterator[tuple[Path, str]]:
    """Return the files of the environment and what is in them."""
    import sysconfig

    # With user packages, which are the environment's own (PYTHONUSERBASE), so that `pip install --user` does the same as without.
    yield (
        folder / "pyvenv.cfg",
        f"home = {_base().parent}\ninclude-system-site-packages = true\nversion = {sys.version.split()[0]}\n",
    )
    # Both lines are for this environment alone: other Pythons of the same version read this folder as that of user packages.
    here, product = str(folder), sysconfig.get_path("purelib")
    yield (
        _site_packages(folder) / _LAYER,
        "".join(
            f"import sys, site; sys.prefix == {here!r} and {what}\n"
            for what in ("site.PREFIXES.__setitem__(slice(None), [sys.prefix])", f"site.addsitedir({product!r})")
        ),
    )
    interpreter = _INTERPRETER.format(python=folder / "bin" / "python")
    for script in sorted(_scripts().iterdir()):
        code = _python_code(script)
        if code is not None:
            yield folder / "bin" / script.name, f"{interpreter}{_MARK}{script.name}, with a person's own packages.\n{code}"


def _python_code(script: Path) -> str | None:
    """Return the code of a script that the session's Python runs; None for other programs."""
    with contextlib.suppress(OSError), script.open("rb") as file:
        if file.read(2) != b"#!":
            return None
    text = script.read_text(encoding="utf-8", errors="replace")
    first, _, code = text.partition("\n")
    if first == "#!/bin/sh" and code.startswith("'''exec'"):
        first, _, code = code.partition("\n' '''\n")
    return code if str(_scripts()) in first else None


def _link(link: Path, target: Path) -> None:
    with contextlib.suppress(OSError):
        if link.readlink() == target:
            return
    beside = link.with_name(f".{link.name}.{os.getpid()}")
    beside.symlink_to(target)
    beside.replace(link)


def _write(path: Path, content: str) -> None:
    """Write a file of ours where it differs; what a person installed under its name stays."""
    try:
        old = path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        old = None
    if old == content or (old is not None and path.parent.name == "bin" and _MARK not in old):
        return
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.write_text(content, encoding="utf-8")
    beside.chmod(0o755 if path.parent.name == "bin" else 0o644)
    beside.replace(path)
