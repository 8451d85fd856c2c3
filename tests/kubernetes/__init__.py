"""On a real Kubernetes, which `make cluster` brings up on this machine."""
