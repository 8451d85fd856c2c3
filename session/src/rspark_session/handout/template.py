"""Files of a template: a folder of the session's image."""

import hashlib
import json
import os
from pathlib import Path

from rspark_contract.handout import is_inside
from rspark_session.handout.files import Contents, Entry, HandoutProblem, Kind, Source, blob_hash, leads_outside


class Template(Source):
    """A folder below the templates of this image, or a folder of that."""

    def __init__(self, name: str, folder: str | None, *, templates: Path) -> None:
        self._name = name
        self._top = templates / name / (folder or ".")

    def contents(self) -> Contents:
        """Return what is in it.

        Raises
        ------
        HandoutProblem
            When this image has no such template.
        """
        if not self._top.is_dir():
            raise HandoutProblem(f"This environment has no template {self._name}. Ask who sent you the link.")
        entries: dict[str, Entry] = {}
        left_out: list[str] = []
        for folder, folders, names in os.walk(self._top):
            for name in sorted([*names, *(each for each in folders if os.path.islink(os.path.join(folder, each)))]):  # noqa: PTH114, PTH118
                file = Path(folder) / name
                path = str(file.relative_to(self._top))
                if not is_inside(path):
                    continue
                if file.is_symlink() and leads_outside(path, os.readlink(file)):  # noqa: PTH115
                    left_out.append(f"{path} is left out: it is a link that leads out of its folder.")
                    continue
                content = _content(file)
                kind = Kind.LINK if file.is_symlink() else Kind.PROGRAM if os.access(file, os.X_OK) else Kind.FILE
                entries[path] = Entry(kind=kind, hash=blob_hash(content), size=len(content))
        listing = json.dumps({path: entry.hash for path, entry in sorted(entries.items())})
        version = hashlib.sha256(listing.encode()).hexdigest()[:7]
        return Contents(version=version, entries=dict(sorted(entries.items())), left_out=left_out)

    def read(self, path: str, entry: Entry) -> bytes:
        """Return the content of a file."""
        return _content(self._top / path)


def _content(file: Path) -> bytes:
    return os.fsencode(os.readlink(file)) if file.is_symlink() else file.read_bytes()  # noqa: PTH115
