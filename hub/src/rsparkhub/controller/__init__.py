"""Makes what runs equal what is wanted.

`app` runs all loops until it is told to stop. `reconcile` takes one session one step further and is the only one that
changes anything; `work` sees to it that no session is at work twice; `steps` does what the plan says. The other loops only
say what is worth a look: `watch` looks at what runs, `sweep` compares all that runs with all that is wanted, `cull`
puts to sleep, `services` keeps what sessions share.
"""
