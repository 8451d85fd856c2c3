"""Pages of the HTML that code shows, which is a fragment as a rule: a table, a paragraph, a widget."""

import re

#: Whatever a fragment says of its own looks comes before this; a page of its own has none of it.
_FRAGMENT_STYLE = b"""<!doctype html><meta charset="utf-8"><style>
:where(body) { margin: 10px; font: 13px/1.5 system-ui, sans-serif; color: #1b1b1a; background: #fff }
:where(table) { border-collapse: collapse; font-variant-numeric: tabular-nums }
:where(th, td) { padding: 3px 12px 3px 0; border-bottom: 1px solid #e5e4e2; text-align: left; vertical-align: top }
:where(th, td) { white-space: nowrap }
:where(th) { font-weight: 600 }
:where(caption) { padding-bottom: 6px; color: #6b6a67; text-align: left }
</style>
"""
#: Comments before its first tag are each gone through once, however many there are.
_IS_PAGE = re.compile(rb"\s*+(?:(?><!--.*?-->)\s*+)*+<(?:!doctype|html|head|body)\b", re.IGNORECASE | re.DOTALL)


def page_of(html: bytes) -> bytes:
    """Return a page of what may be a fragment of one."""
    return html if _IS_PAGE.match(html) else _FRAGMENT_STYLE + html
