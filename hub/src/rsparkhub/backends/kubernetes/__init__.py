"""Sessions as pods.

`backend` does the job that `base` describes. `objects` builds the objects that are made, `watching` follows what becomes of them,
`judging` turns that into observations and sentences. `api` speaks HTTP with the API server, and `drift` makes again what is lost.
"""
