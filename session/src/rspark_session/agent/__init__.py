"""The first process of every ensemble: starts it, reports on it, is its one door, puts it to sleep, ends it with 0.

`__main__` starts the interface as early as it can and hands over to `ensemble`, which owns the lifecycle. Around it:
`spec` and `environ` say what to run, `part`, `health`, `children` and `logs` run it, `meter`, `busy` and `spark` look at
it, `status` and `record` tell about it, and `door` with `http/` lets the edge in.
"""
