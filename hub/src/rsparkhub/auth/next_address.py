"""Where a browser goes after it has signed in: only ever to an address of the hub or of a session."""

import re

from rsparkhub.auth.session_address import has_dot_segments

HOME = "/hub/"
_LONGEST = 1500
#: Printable ASCII without a backslash, which browsers take for a slash.
_OURS = re.compile(r"/(?:hub|s)/[!-\[\]-~]*")
_SIGNS_IN = "/hub/sign-in/"


def safe_next(address: str) -> str:
    """Return where somebody wanted to go, or the first page where that is no place of ours: a path below /hub/ or /s/."""
    is_ours = len(address) <= _LONGEST and _OURS.fullmatch(address) and not has_dot_segments(address)
    return address if is_ours and not address.startswith(_SIGNS_IN) else HOME
