"""Reads the pages as the repository shows them, and makes of them what Sphinx understands.

Three things differ. Chunks of R Markdown become blocks of code, not run. A link to a folder leads to the folder's README, and one
to a file outside of `docs/` to the repository's address, where the setting `repository` says one, else it becomes plain text. And
the navigation is what a person follows in the repository: the lists of links on the pages that `LISTS` names, a group for each
heading. A page that is in no list is one that nobody finds, so Sphinx warns; so does this of a link to what is not there.
"""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from sphinx.application import Sphinx
from sphinx.util import logging

logger = logging.getLogger(__name__)

#: The pages whose lists of links are the navigation.
LISTS = ("README", "how-to/README", "reference/README", "explanation", "decisions/README", "tutorial/README")
#: What a folder of decisions lists: itself.
_ALL = {"decisions/README": "\n```{toctree}\n:glob:\n\n[0-9]*\n```\n"}

_CHUNK = re.compile(r"^```\{(?P<language>\w+)(?P<options>[^}\n]*)\}\n(?P<code>.*?)^```$\n?", re.MULTILINE | re.DOTALL)
_HIDDEN = re.compile(r"\b(include|echo)\s*=\s*FALSE\b")
_CODE = re.compile(
    r"^ *(?P<fence>```+|~~~+)(?:.|\n)*?^ *(?P=fence) *$|(?<!`)(?P<tick>`+)(?!`)(?:(?!\n\n)(?:.|\n))+?(?<!`)(?P=tick)(?!`)",
    re.MULTILINE,
)
_LINK = re.compile(r"(?<!!)\[(?P<text>(?:[^\[\]]|\[[^\[\]]*\])*)\]\((?P<target>[^()\s]+)\)")
_LISTED = re.compile(r"^(?:[-*] |\|).*?\[(?P<text>[^\]]+)\]\((?P<page>[^()\s#:]+)\.(?:md|Rmd)\)", re.MULTILINE)


def without_chunks(text: str) -> str:
    """Return R Markdown with chunks as blocks of code; those that a reader of the made page does not see are left out."""

    def block(chunk: re.Match[str]) -> str:
        return "" if _HIDDEN.search(chunk["options"]) else f"```{chunk['language']}\n{chunk['code']}```\n"

    return _CHUNK.sub(block, text)


def with_links(text: str, name: str, page: Path, docs: Path, repository: str) -> Iterator[str]:
    """Yield the text in parts, with links that lead from the site to where they lead from in the repository."""
    blocks = [match.span() for match in _CODE.finditer(text)]
    end = 0
    for link in _LINK.finditer(text):
        if any(begin <= link.start() < stop for begin, stop in blocks):
            continue
        yield text[end : link.start()]
        yield _link(link, name, page, docs, repository)
        end = link.end()
    yield text[end:]


def _link(link: re.Match[str], name: str, page: Path, docs: Path, repository: str) -> str:
    address = urlsplit(link["target"])
    if address.scheme or not address.path:
        return link[0]
    target = (page.parent / address.path).resolve()
    if not target.exists():
        logger.warning("There is no %s, to which a link leads.", link["target"], location=name, type="link")
        return link["text"]
    if target.is_relative_to(docs):
        within = f"{address.path.rstrip('/')}/README.md" if target.is_dir() else address.path
        return f"[{link['text']}]({within}{'#' + address.fragment if address.fragment else ''})"
    if not repository:
        return link["text"]
    return f"[{link['text']}]({repository.rstrip('/')}/{target.relative_to(docs.parent)})"


def navigation(text: str, page: str) -> str:
    """Return the table of contents that a page's lists of links are, a group for each of its headings."""
    if page in _ALL:
        return _ALL[page]
    groups = []
    for part in re.split(r"^## ", text, flags=re.MULTILINE):
        entries = [f"{each['text']} <{each['page']}>" for each in _LISTED.finditer(part)]
        if entries:
            caption = "" if part.startswith("# ") else f":caption: {part.splitlines()[0]}\n"
            groups.append(f"\n```{{toctree}}\n:hidden:\n{caption}\n" + "\n".join(entries) + "\n```\n")
    return "".join(groups)


def read(app: Sphinx, name: str, source: list[str]) -> None:
    """Make of a page's text what Sphinx understands."""
    docs = Path(app.srcdir)
    page = Path(app.env.doc2path(name))
    text = without_chunks(source[0]) if page.suffix == ".Rmd" else source[0]
    text = "".join(with_links(text, name, page, docs, app.config.repository))
    source[0] = text + (navigation(text, name) if name in LISTS else "")


def finish(app: Sphinx, error: Exception | None) -> None:
    """Let the site open where a folder's first page is looked for."""
    if error is None and app.builder.name == "html":
        shutil.copyfile(Path(app.outdir) / "README.html", Path(app.outdir) / "index.html")


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_config_value("repository", "", "env", str)
    app.connect("source-read", read)
    app.connect("build-finished", finish)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
