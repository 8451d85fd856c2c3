"""RSparkHub: an RSpark for every person.

Read the rooms in this order: `domain` says what things are, `store` keeps them, `backends` runs sessions, `services` are
what sessions use, `auth` says who is asking, `api` is the HTTP face, `controller` makes what runs equal what is wanted,
`edge` is the one way in, `factory` wires all of it, and `cli` calls the factory.
"""

__version__ = "0.1.0"
