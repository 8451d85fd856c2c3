"""A page that stands alone, for when no other can be shown: one heading, one sentence, perhaps a link or one button."""

from collections.abc import Mapping
from html import escape

from rspark_contract.minimal_page import render

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


def minimal_page(title: str, detail: str, *, link: str | None = None, again_after: int | None = None) -> str:
    """Return the page as HTML.

    `link` is the address of a person's sessions; `again_after` is after how many seconds a browser asks again by itself.
    """
    onwards = f'<p><a href="{escape(link)}">To your sessions</a></p>' if link else ""
    return render(title, f"<p>{escape(detail)}</p>{onwards}", again_after=again_after)


def onwards_page(title: str, url: str, *, onwards: str, language: str) -> str:
    """Return a page that says something, and has a link to go on by where the browser doesn't go on by itself."""
    return render(title, f'<p><a href="{escape(url)}">{escape(onwards)}</a></p>', language=language)


def question_page(
    title: str, detail: str, *, button: str, action: str, fields: Mapping[str, str], language: str, otherwise: str = ""
) -> str:
    """Return a page that does nothing before its button is pressed, which needs no code in the browser.

    Parameters
    ----------
    action
        The address that gets `fields` by POST when the button is pressed.
    language
        What all of it is written in.
    otherwise
        What a link says that leads to a person's sessions and leaves all as it is; none by default.
    """
    hidden = "".join(f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">' for name, value in fields.items())
    form = f'<form method="post" action="{escape(action)}">{hidden}<button>{escape(button)}</button></form>'
    onwards = f'<p><a href="/hub/">{escape(otherwise)}</a></p>' if otherwise else ""
    return render(title, f"<p>{escape(detail)}</p>{form}{onwards}", language=language)
