"""Jupyter notebooks as documents: a text of chunks for the editor, and back into the notebook's file, which keeps all else."""
