"""Whether a browser sent a request from one of the hub's own pages.

A cookie is sent by the browser whoever wrote the page that asks, also by a page inside a session. So whoever is known by
a cookie may change something only from the hub's own pages. `Sec-Fetch-Site` and `Origin` are written by the browser and
cannot be written by a page.
"""

from collections.abc import Mapping

from rsparkhub.auth.http_origin import Origin, origin_of


def is_foreign(headers: Mapping[str, str], own: frozenset[Origin]) -> bool:
    """Whether the browser says that another site's page asks."""
    site = headers.get("sec-fetch-site")
    if site is not None and site != "same-origin":
        return True
    origin = headers.get("origin")
    return origin is not None and origin_of(origin) not in own


def is_own(headers: Mapping[str, str], own: frozenset[Origin]) -> bool:
    """Whether the browser says that one of the hub's own pages asks; a request that says nothing is not one."""
    said = headers.get("origin") is not None or headers.get("sec-fetch-site") is not None
    return said and not is_foreign(headers, own)
