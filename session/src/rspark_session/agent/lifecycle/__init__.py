"""What is to run, how it starts, what is kept of it, and how it ends."""
