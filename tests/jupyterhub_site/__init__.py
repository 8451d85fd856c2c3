"""A real JupyterHub from PyPI beside RSparkHub: people who come over, and servers that are sessions."""
