"""Blobs: content by its SHA-256, of which the oldest go."""

import os
from pathlib import Path

import pytest

from rspark_session.rc2.blobs import BlobStore


@pytest.mark.parametrize("another_server", [False, True])
def test_what_is_shown_again_is_not_the_oldest(tmp_path: Path, another_server: bool) -> None:
    store = BlobStore(tmp_path, most_bytes=300)
    first, second = store.add(b"a" * 100), store.add(b"b" * 100)
    for at, blob in enumerate((first, second), start=1):
        os.utime(tmp_path / blob.sha256, (at, at))
    store.add(b"a" * 100)
    (BlobStore(tmp_path, most_bytes=300) if another_server else store).add(b"c" * 200)
    assert store.path(first.sha256) is not None
    assert store.path(second.sha256) is None


def test_what_was_removed_is_written_again(tmp_path: Path) -> None:
    store = BlobStore(tmp_path)
    blob = store.add(b"a")
    (tmp_path / blob.sha256).unlink()
    store.add(b"a")
    path = store.path(blob.sha256)
    assert path is not None
    assert path.read_bytes() == b"a"


def test_a_name_leads_nowhere_else(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x")
    store = BlobStore(tmp_path / "blobs")
    assert [store.path(name) for name in ("../secret", "/etc/passwd", "", "a" * 64)] == [None] * 4
