"""Rc²: the room where a person works with R, Python and bash, as an `extension` of the session's Jupyter server.

The page is built from `web/rc2` into `static/`. `protocol` is what it and the server say to each other. `consoles` have a kernel
each, `console` its queue; what they show is recorded by `recorder` in the `event_log`, from which each client's `socket` is
served. `git` is the folders' repositories. `introspection` asks kernels what they have in memory, for `variables` and for what
`handlers` answer over HTTP.
"""
