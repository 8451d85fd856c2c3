"""The calls of the API, one module a resource: routes and their answers, and nothing else."""
