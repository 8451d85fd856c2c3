"""The data systems that sessions use, as they run: each a command that starts one, reports where it listens, and ends it."""
