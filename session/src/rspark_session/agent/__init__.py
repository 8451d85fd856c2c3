"""The first process of every ensemble: starts it, reports on it, answers for it, puts it to sleep, ends it with 0.

`__main__` starts the interface as early as it can, then hands over to `lifecycle.ensemble`. The rooms, of which each
knows only those after it:

- `lifecycle`: what is to run, how it starts, what is kept of it, and how it ends;
- `routing`: what each path on the agent's port leads to;
- `reporting`: what the ensemble uses, computes and does, reported to the hub as status and record;
- `components`: the processes with a name, each started on the health of others, with its log.

No room knows an interface or a service by its name; their modules are in `rspark_session.interfaces` and
`rspark_session.services`.
"""
