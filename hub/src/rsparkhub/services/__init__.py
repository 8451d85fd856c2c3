"""What sessions use: one module a data system, which `base` describes. It knows the domain and the contract alone."""
