"""Rc² against Jupyter's own client and page, on one machine in one run."""
