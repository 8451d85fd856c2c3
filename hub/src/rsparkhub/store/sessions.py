"""Sessions, and shared services, which are rows of the same kind.

Three concerns over one table, each in a module of its own: what users ask (`asking`), who works on it (`leases`), and
whose turn it is (`queueing`).
"""

from rsparkhub.store.admission_queue import AdmissionQueue
from rsparkhub.store.leases import Leases
from rsparkhub.store.session_requests import SessionRequests


class Sessions(SessionRequests, Leases, AdmissionQueue):
    """All that may be done with sessions."""
