"""Sessions as pods.

`backend` does the job that `base` describes. `objects` builds the objects that are made, `watching` follows what becomes of them,
`judging` turns that into observations and sentences. `api` speaks with the API server, over
the `connection` and with its credentials; `homes` makes volumes, `drift` makes again what is lost.
"""
