"""What is too large for an event: content by its SHA-256, in files of a folder, up to a bound, beyond which the oldest go."""

import hashlib
import os
import re
from pathlib import Path

from rspark_session.rc2.protocol import Blob

_MOST_BYTES = 256 * 2**20
_NAME = re.compile(r"[0-9a-f]{64}")


class BlobStore:
    """Writes and reads blobs."""

    def __init__(self, folder: Path, *, most_bytes: int = _MOST_BYTES) -> None:
        self._folder = folder
        self._most_bytes = most_bytes
        self._sizes: dict[str, int] | None = None  # oldest first; read when the first is written
        self._bytes = 0

    def add(self, content: bytes) -> Blob:
        """Write content, and return its name.

        Raises
        ------
        OSError
            When the disk is full.
        """
        blob = Blob(sha256=hashlib.sha256(content).hexdigest(), bytes=len(content))
        sizes = self._read_sizes()
        path, new = self._folder / blob.sha256, self._folder / f"{blob.sha256}.new"
        if blob.sha256 in sizes and path.is_file():  # shown again, it is as new as what is shown now
            sizes[blob.sha256] = sizes.pop(blob.sha256)
            os.utime(path)
            return blob
        self._bytes -= sizes.pop(blob.sha256, 0)
        try:
            new.write_bytes(content)
            new.replace(path)
        except OSError:
            new.unlink(missing_ok=True)
            raise
        sizes[blob.sha256] = blob.bytes
        self._bytes += blob.bytes
        while self._bytes > self._most_bytes and len(sizes) > 1:
            oldest = next(iter(sizes))
            self._bytes -= sizes.pop(oldest)
            (self._folder / oldest).unlink(missing_ok=True)
        return blob

    def path(self, sha256: str) -> Path | None:
        """Return the file of a blob; None when there is none of that name."""
        path = self._folder / sha256
        return path if _NAME.fullmatch(sha256) and path.is_file() else None

    def _read_sizes(self) -> dict[str, int]:
        if self._sizes is None:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with os.scandir(self._folder) as entries:
                found = sorted((entry.stat().st_mtime, entry.name, entry.stat().st_size) for entry in entries)
            self._sizes = {name: size for _, name, size in found}
            self._bytes = sum(self._sizes.values())
        return self._sizes
