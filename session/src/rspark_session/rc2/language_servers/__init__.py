"""Language servers: programs that mark mistakes in code as it is typed, and bring it into form (the Language Server Protocol)."""
