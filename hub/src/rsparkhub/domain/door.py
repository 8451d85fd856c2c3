"""What the edge and the hub agree on, letter by letter: cookies, the address of a session, and passes.

A pass is an answer of the hub that the edge may repeat by itself until the end of the second in which it was given: this
credential, at this host, may see this session, which is there. It is an empty file in a folder in memory, and its name
says everything:

    <folder>/<unix second>/<host>~<credential>~<session>/<upstream>~<secret>

The edge looks below the second that its clock shows, so a pass ends by itself, also when the hub that gave it has died.
A pass holds for plain reading only; whatever else is asked is asked of the hub (`edge/configuration.py` has the shape).
"""

import re

HUB_COOKIE = "rsparkhub"
SESSION_COOKIE = "rspark_session"
SECURE = "__Host-"  # before the name of a cookie over TLS: a browser takes it from this very host alone

#: A session's id, as it stands in an address and in a host's name.
SESSION_ID = r"[a-z][a-z0-9-]{0,40}"
#: Where a session's own host turns a ticket into its cookie.
ENTER = "/enter"

COOKIE_NAMES = rf"(?:{SECURE})?(?:{HUB_COOKIE}|{SESSION_COOKIE})"
#: A cookie that can have a pass, as it stands in the header: `name=value`.
COOKIE_PAIR = rf"{COOKIE_NAMES}=[A-Za-z0-9_.-]{{20,200}}"
#: A token that can have a pass.
TOKEN = r"[A-Za-z0-9_.-]{20,200}"  # noqa: S105  the shape of one
UPSTREAM = r"[A-Za-z0-9.:\[\]-]+"
SECRET = r"[A-Za-z0-9_-]+"  # noqa: S105  the shape of one

_CREDENTIAL = re.compile(rf"{COOKIE_PAIR}|bearer={TOKEN}")
_UPSTREAM, _SECRET = re.compile(UPSTREAM), re.compile(SECRET)
_HOST = re.compile(r"[A-Za-z0-9.:\[\]_-]+")
_LONGEST_NAME = 255  # bytes, of a file


def pass_path(*, host: str, credential: str, session: str, upstream: str, secret: str) -> tuple[str, str] | None:
    """Give the folder, below that of a second, and the file that are a pass; None for what can have none.

    `host` is a Host header without its port; `credential` is `name=value` of a cookie, or `bearer=` and a token.
    """
    if not (_CREDENTIAL.fullmatch(credential) and _HOST.fullmatch(host)):
        return None
    if not (_UPSTREAM.fullmatch(upstream) and _SECRET.fullmatch(secret)):
        return None
    folder, file = f"{host}~{credential}~{session}", f"{upstream}~{secret}"
    if max(len(folder), len(file)) > _LONGEST_NAME:
        return None
    return folder, file
