"""What is kept: sessions, events, users, credentials, in SQLite or PostgreSQL; and the catalog, which is files.

Begin with `store`, which opens it. `tables` says what the rows are, `database` how a transaction is made, and each other
module is one thing that is kept. Nothing here knows what a session is for.
"""

from rsparkhub.store.events import NewEvent
from rsparkhub.store.store import Store, open_store
from rsparkhub.store.under_lease import Claimed

__all__ = ["Claimed", "NewEvent", "Store", "open_store"]
