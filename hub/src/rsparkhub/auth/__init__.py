"""Who is asking: cookies for browsers, tokens for programs, one-time links and passwords to get one; and who may open a session.

`identity` finds who is asking; `tokens` says what a secret looks like, `passwords` how a password is stored, `cookies` how a
browser carries a sign-in. `forward_auth` decides on each request to a session, `authorizer` looks up what that takes, and
`forward_auth_server` answers the edge.
"""
