"""What each path on the agent's port leads to: the agent itself, a service, the interface."""
