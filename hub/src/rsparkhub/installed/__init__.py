"""What this installation has: services, interfaces, backends and ways to sign in, its own and those of other packages.

Only what wires (factory, command line, checks of the installation) asks here; all else is handed what it works with.
"""
