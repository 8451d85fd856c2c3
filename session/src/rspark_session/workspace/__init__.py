"""A Python kernel's workspace, saved and restored over a sleep: `save(folder)` and `restore(folder)`, both run in the kernel.

`namespace` finds the names that are the person's, `unsaveable` the kinds of object that can't be restored, `stream` writes and
reads objects so that what they share stays shared and one that fails takes no other along; `objects`, `functions`, `classes`,
`enums` and `arrays` know how what pickle would lose is made again, `watchdog` ends what takes no end, and `tolerant` reads what
is left of an object that can't be read. `unread` has what could not be read and a way back to it. `state` is all beside the
objects, part by part (`process_state`, `settings`, `library_state`, `ipython_state`), `warning_filters` those of `warnings`,
`given` finds what cells gave to modules, `set_by_cells` what they set in them, `callbacks` what they gave to IPython and Python,
and `running` names what ends with the kernel. The Jupyter server runs both functions, and reads what they write into the folder:
`manifest.json` and `restored.json`, written last and whole, or `failed.json` with a reason. R's side of the same is in the R
package rspark.

What sleeps may have been saved by a version before: `dill_stream` reads that; `state.State`, its fields and `enums.make` are
named in such files.
"""

from rspark_session.workspace.snapshot import restore, save
from rspark_session.workspace.unread import forget_kept, kept, restore_kept

__all__ = ["forget_kept", "kept", "restore", "restore_kept", "save"]
