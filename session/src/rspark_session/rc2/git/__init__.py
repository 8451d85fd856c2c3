"""Git for the folders of the home: `command` runs the real git, `repository` does with it what a person asks.

`transfer` talks to remotes, `status` reads what git says of files, `sentences` turns its refusals into words, and `handlers`
serves all of it over HTTP.
"""
