"""Vignettes of R's packages: pages and PDFs that a browser shows from a copy, since a package's folder has no address."""

from pathlib import Path

from rspark_session.rc2 import protocol
from rspark_session.rc2.blobs import BlobStore
from rspark_session.rc2.refusal import Refusal

_MOST_BYTES = 32 * 2**20
_BEGINNING_OF_A_PDF = b"%PDF-"


def keep(file: Path, blobs: BlobStore) -> protocol.Vignette:
    """Return a vignette that a browser can ask for.

    Raises
    ------
    Refusal
        When the file can't be read, is too large, or there is no room to keep it.
    """
    try:
        size = file.stat().st_size
        if size > _MOST_BYTES:
            raise Refusal(f"{file.name} has {size >> 20} MB, and a vignette is shown up to {_MOST_BYTES >> 20} MB.")
        content = file.read_bytes()
        form = "pdf" if content.startswith(_BEGINNING_OF_A_PDF) else "html"
        return protocol.Vignette(blob=blobs.add(content), form=form)
    except OSError as problem:
        raise Refusal(f"{file.name} can't be shown: {problem.strerror}.") from problem
