"""A page that stands alone, for when no other can be shown: one heading, one sentence, perhaps a link or one button."""

from collections.abc import Mapping
from html import escape

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
#: What a browser is told of such a page: it loads nothing, runs nothing, and stands in no frame.
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": _POLICY,
    "Content-Type": "text/html; charset=utf-8",
    "Referrer-Policy": "same-origin",
}
#: The same of a page with a button, which asks this very host alone.
HEADERS_OF_QUESTION = HEADERS | {"Content-Security-Policy": f"{_POLICY}; form-action 'self'; base-uri 'none'"}
_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
{refresh}<title>{title} · RSparkHub</title>
<style>
  :root {{ color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }}
  body {{ max-width: 32rem; margin: 20vh auto 0; padding: 0 1rem }}
  h1 {{ font-size: 1.25rem }}
  form {{ margin: 1.5rem 0 1rem }}
  button {{ font: inherit; padding: .5rem 1rem }}
</style>
<main><h1>{title}</h1><p>{detail}</p>{form}{link}</main>
</html>
"""


def minimal_page(title: str, detail: str, *, link: str | None = None, again_after: int | None = None) -> str:
    """Return the page as HTML.

    `link` is the address of a person's sessions; `again_after` is after how many seconds a browser asks again by itself.
    """
    return _PAGE.format(
        title=escape(title),
        detail=escape(detail),
        form="",
        link=f'<p><a href="{escape(link)}">To your sessions</a></p>' if link else "",
        refresh=f'<meta http-equiv="refresh" content="{again_after}">\n' if again_after else "",
    )


def question_page(title: str, detail: str, *, button: str, action: str, fields: Mapping[str, str], otherwise: str = "") -> str:
    """Return a page that does nothing before its button is pressed, which needs no code in the browser.

    Parameters
    ----------
    action
        The address that gets `fields` by POST when the button is pressed.
    otherwise
        What a link says that leads to a person's sessions and leaves all as it is; none by default.
    """
    hidden = "".join(f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">' for name, value in fields.items())
    form = f'<form method="post" action="{escape(action)}">{hidden}<button>{escape(button)}</button></form>'
    return _PAGE.format(
        title=escape(title),
        detail=escape(detail),
        form=form,
        link=f'<p><a href="/hub/">{escape(otherwise)}</a></p>' if otherwise else "",
        refresh="",
    )
