"""A page that stands alone, for when no other can be shown: one heading, one sentence, perhaps a link."""

from html import escape

#: What a browser is told of such a page: it loads nothing, runs nothing, and stands in no frame.
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "Content-Type": "text/html; charset=utf-8",
    "Referrer-Policy": "same-origin",
}
_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
{refresh}<title>{title} · RSparkHub</title>
<style>
  :root {{ color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }}
  body {{ max-width: 32rem; margin: 20vh auto 0; padding: 0 1rem }}
  h1 {{ font-size: 1.25rem }}
</style>
<main><h1>{title}</h1><p>{detail}</p>{link}</main>
</html>
"""


def minimal_page(title: str, detail: str, *, link: str | None = None, again_after: int | None = None) -> str:
    """Return the page as HTML.

    `link` is the address of a person's sessions; `again_after` is after how many seconds a browser asks again by itself.
    """
    return _PAGE.format(
        title=escape(title),
        detail=escape(detail),
        link=f'<p><a href="{escape(link)}">To your sessions</a></p>' if link else "",
        refresh=f'<meta http-equiv="refresh" content="{again_after}">\n' if again_after else "",
    )
