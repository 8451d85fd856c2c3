"""What a browser has to fetch stays small, and knows no other place than this hub."""

import gzip
import re
from pathlib import Path

from tests.installation import ROOT


def test_all_scripts_together_are_small(pages: Path) -> None:
    scripts = [len(gzip.compress(path.read_bytes())) for path in (pages / "assets").glob("*.js")]
    assert sum(scripts) < 150_000


def test_another_language_is_no_part_of_english_and_brings_little_more(pages: Path) -> None:
    english = [path.read_text(encoding="utf-8") for path in (pages / "assets").glob("*.js")]
    assert not any("Warteschlange" in text for text in english)
    german = [path.read_bytes() for path in (pages / "assets" / "de").glob("*.js")]
    assert any(b"Warteschlange" in text for text in german)
    assert not any(b"In the queue" in text for text in german)
    assert sum(len(gzip.compress(text)) for text in german) < 175_000


def test_nothing_is_fetched_from_elsewhere(pages: Path) -> None:
    for path in [*pages.glob("index*.html"), *(pages / "assets").glob("*.css")]:
        addresses = re.findall(r"(?:src|href)=\"([^\"]+)\"|url\(([^)]+)\)", path.read_text(encoding="utf-8"))
        assert all((one or other).startswith("/hub/") for one, other in addresses), path


def test_jupyterlab_fetches_little_more() -> None:
    built = ROOT / "session/src/rspark_session/jupyter/labextensions/@rsparkhub/lab/static"
    assert 0 < sum(path.stat().st_size for path in built.glob("*.js")) < 50_000
