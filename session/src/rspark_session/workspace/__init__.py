"""A Python kernel's workspace, kept over a sleep: `save(folder)` and `restore(folder)`, both run inside the kernel.

`namespace` tells which names are the person's, `refused` which kinds of object can't come back, `dill_stream` writes and
reads objects so that what they share stays shared and one that fails takes no other along, and `state` is all beside the
objects. The agent runs both functions, and looks at what they leave in the folder: `manifest.json` and `restored.json`,
written last and whole, or `failed.json` with a reason. R's side of the same is in the R package rspark.
"""

from rspark_session.workspace.keeping import restore, save

__all__ = ["restore", "save"]
