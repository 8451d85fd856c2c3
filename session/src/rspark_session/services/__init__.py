"""The data systems that sessions use, one module each: `base` is its face towards the agent, `registry` finds it by name.

A module does what a session needs of its service: variables, files, pages under the session's path. A service that runs here
has its command in the same place: `python -m rspark_session.services.postgres` starts one, reports where it listens, and ends it.
"""
