"""Shared services as people use them: through sessions of a whole RSparkHub."""
