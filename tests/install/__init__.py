"""How an installation begins, ends, and refuses."""
