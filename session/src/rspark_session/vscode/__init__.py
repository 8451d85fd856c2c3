"""VS Code in a session: how code-server is started, which of its processes are what, and what its page sends."""
