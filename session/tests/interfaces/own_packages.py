"""Packages that a person could install: a wheel for pip, a repository for `install.packages()`, made without a network."""

import subprocess
import zipfile
from collections.abc import Mapping
from pathlib import Path


def make_wheel(folder: Path, name: str, version: str, files: Mapping[str, str]) -> Path:
    """Make a wheel of pure Python that holds the files, and return it. Its program NAME prints `NAME.answer`."""
    info = f"{name}-{version}.dist-info"
    content = {
        **files,
        f"{name}_program.py": f"def main():\n    import {name}\n    print({name}.answer)\n",
        f"{info}/entry_points.txt": f"[console_scripts]\n{name} = {name}_program:main\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    content[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in content) + f"{info}/RECORD,,\n"
    folder.mkdir(parents=True, exist_ok=True)
    wheel = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, text in content.items():
            archive.writestr(path, text)
    return wheel


def make_r_repository(folder: Path, name: str, code: str) -> str:
    """Make a repository with one package of R, as CRAN has them, and return its address."""
    source, contributed = folder / name, folder / "src" / "contrib"
    (source / "R").mkdir(parents=True)
    contributed.mkdir(parents=True)
    (source / "DESCRIPTION").write_text(
        f"Package: {name}\nVersion: 1.0\nTitle: A Test\nDescription: A test.\nAuthor: Ann\nMaintainer: Ann <ann@example.org>\n"
        "License: CC0\n"
    )
    (source / "NAMESPACE").write_text('exportPattern("^[a-z]")\n')
    (source / "R" / "code.R").write_text(code)
    subprocess.run(["R", "CMD", "build", str(source)], cwd=contributed, check=True, capture_output=True)
    subprocess.run(["Rscript", "-e", f"tools::write_PACKAGES('{contributed}')"], check=True, capture_output=True)
    return f"file://{folder}"
