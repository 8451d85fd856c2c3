"""What sessions use: how each data system starts, and how a session gets an account on it."""
