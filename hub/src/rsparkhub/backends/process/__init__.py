"""Sessions as processes of this machine: they outlive the hub and are found again.

`backend` does the job that `base` describes. `run_folder` knows the files of one generation, `shim` is the process that
watches over it, `proc` reads what the kernel knows of processes, `start` prepares a start, `observation` is what is seen of one,
and `notifications` receives what agents and shims send.
"""
