"""What the browser opens: one module an interface, which `base` describes. It knows the domain and the contract alone."""
