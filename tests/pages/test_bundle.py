"""What a browser has to fetch stays small, and knows no other place than this hub."""

import gzip
import re
from pathlib import Path


def test_all_scripts_together_are_small(pages: Path) -> None:
    scripts = [len(gzip.compress(path.read_bytes())) for path in (pages / "assets").glob("*.js")]
    assert sum(scripts) < 150_000


def test_nothing_is_fetched_from_elsewhere(pages: Path) -> None:
    for path in [pages / "index.html", *(pages / "assets").glob("*.css")]:
        addresses = re.findall(r"(?:src|href)=\"([^\"]+)\"|url\(([^)]+)\)", path.read_text(encoding="utf-8"))
        assert all((one or other).startswith("/hub/") for one, other in addresses), path
