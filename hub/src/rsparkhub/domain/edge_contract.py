"""What the edge and the hub agree on, letter by letter: cookies, the address of a session, and the socket between them.

The edge asks the hub about each request to a session over a Unix socket. Both write lines of JSON; many questions may be under
way on one connection, and answers come in any order. The other side of it is `edge/internal/forwardauth`, in Go.

- The edge writes a question: an `id`, the `uri`, and the fields of a request that the hub decides on (`auth/forward_auth.py`).
- The hub writes an answer with the same `id`: either `upstream`, `secret`, `sandboxed`, `keys` and `keep_ms` (the request may
  pass, and for so many milliseconds from when it asked the edge may repeat the answer to requests that differ in the path
  alone; with `ends_ms` it is ended so many milliseconds from then, also a websocket), or `status`, `headers` and `body` for the
  client.
- The hub writes `{"forget": ID}` when a session has changed: what was granted of it before may not be repeated.
- The hub writes `{"recheck": KEY}` when what lets somebody in may have been taken away: no grant from before may be repeated, and
  for each request with this one among the `keys` of its grant, which goes on (a websocket, a stream, a download), the edge asks
  again: a question with `recheck` true. The answer to that has `good`, and a request of which that is false is ended. The edge
  asks so every now and then too, also for what it wasn't told.
"""

FORWARD_AUTH_SOCKET = "forward-auth.sock"
#: Bytes of the longest line that either side writes; a request's header has at most 64 KiB.
LONGEST_LINE = 2**20

HUB_COOKIE = "rsparkhub"
SESSION_COOKIE = "rspark_session"
#: Binds to a browser what it has begun at another site where people sign in.
SIGN_IN_COOKIE = "rsparkhub_sign_in"
SECURE = "__Host-"  # before the name of a cookie over TLS: a browser takes it from this very host alone
#: Every cookie of ours, by the name that a browser sends, which may have a hyphen and a port after it. None of them reaches a
#: session, whichever hub of this host it is of.
OWN_COOKIES = tuple(prefix + name for name in (HUB_COOKIE, SESSION_COOKIE, SIGN_IN_COOKIE) for prefix in ("", SECURE))

#: A session's id, as it stands in an address and in a host's name.
SESSION_ID = r"[a-z][a-z0-9-]{0,40}"
#: Where a session's own host turns a ticket into its cookie.
ENTER = "/enter"
#: The calls of the hub's API that a session's own host has too, for the page of a session to say how that session is, to wake it
#: and to put it to sleep. It matches a whole path.
CALLS_AT_ITS_HOST = rf"/hub/api/sessions/(?P<session>{SESSION_ID})(?:/(?P<change>suspend|resume|extend))?"
