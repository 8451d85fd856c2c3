"""Makes what runs equal what is wanted.

`app` runs all loops until it is asked to stop. `reconcile` takes one session one step further and is the only one that
changes anything; `work_queue` sees to it that no session is at work twice, `batch` that what is asked at once is done at once;
`steps` does what the plan says, under a `lease`. The other loops only enqueue sessions: `watch` observes what runs, a `share`
of it where there are several controllers; `sweep` compares all that runs with all that is wanted; `shared_services` restarts
what sessions share. `credentials` renews and revokes what sessions sign in with on it, `leaving` sees to the accounts and homes
of who leaves. `retention` deletes old events.
"""
