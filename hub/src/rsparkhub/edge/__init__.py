"""The edge: Caddy, the one way in. It keeps no table of routes: on each request to a session it asks the hub who may go where.

`configuration` says what Caddy does, as pure data; `pages` what it says when something is down; `process` runs it.
"""
