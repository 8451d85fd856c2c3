"""Sessions, and shared services, which are rows of the same kind.

Three concerns over one table, each in a module of its own: what people ask (`asking`), who works on it (`leases`), and
whose turn it is (`queueing`).
"""

from rsparkhub.store.asking import Asking
from rsparkhub.store.leases import Leases
from rsparkhub.store.queueing import Queueing


class Sessions(Asking, Leases, Queueing):
    """All that may be done with sessions."""
