"""Sessions as pods.

`backend` does the job that `base` describes. `objects` turns a spec into the objects that are applied, one module a kind:
`secret`, `claim`, `pod`, `spark`, `service`; `standing` makes what a namespace of sessions has once. All of these are pure.
`api` speaks with the API server, `pods` remembers what it said of pods, `look` makes an observation
of both, `troubles` puts what Kubernetes says into sentences, `rights` lists what the controller may do.
"""
