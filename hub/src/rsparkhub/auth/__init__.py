"""Who is asking: cookies for browsers, tokens for programs, one-time links and passwords to get one.

`identity` answers it and is the face of this room; `tokens` says what a secret looks like, `passwords` how a password is
kept, `cookies` how a browser carries it. `question` is what the edge asks on each request.
"""
