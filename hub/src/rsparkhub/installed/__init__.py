"""What this installation has: services, interfaces and backends, its own and those of other packages, and what is made of them.

Only what wires (factory, command line, checks of the installation) asks here; all else is handed what it works with.
"""
