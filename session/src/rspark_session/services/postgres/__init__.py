"""The shared PostgreSQL server, from the binaries of a wheel.

`__main__` is the command. `cluster` makes the data folder once and keeps it sound, `server` starts and ends the server,
`account` finds whom it runs as when we are root, `binaries` finds its programs and `passage` opens the way to them, and
`samples` fills the sample database.
"""
