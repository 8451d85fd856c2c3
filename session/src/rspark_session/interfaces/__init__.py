"""What the browser opens: one module an interface, named as environments name it, with the face that `base` describes.

The agent finds an interface by its name and knows no more of it than `base` says. A package from outside brings one by an entry
point of the group `rspark_session.interfaces`. `jupyter_server` is what the interfaces have in common that are a Jupyter server.
"""
