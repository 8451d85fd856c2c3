"""What it takes to write a session's row under a lease: the lease's number proves that nobody has taken it since."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from rsparkhub.domain.session import Session
from rsparkhub.store.tables import sessions

UNDER_LEASE = (
    sessions.c.id == sa.bindparam("b_id"),
    sessions.c.lease_holder == sa.bindparam("b_holder"),
    sessions.c.lease_epoch == sa.bindparam("b_lease_epoch"),
)


@dataclass(frozen=True, kw_only=True)
class Claimed:
    """A session under a lease, as it was when the lease was taken."""

    session: Session
    spec_revision: int
    next_reconcile_at: datetime | None
    lease_epoch: int


def written_columns(names: tuple[str, ...]) -> dict[str, sa.BindParameter[object]]:
    """Return what an UPDATE sets for these columns: a parameter `v_NAME` each."""
    return {name: sa.bindparam(f"v_{name}", type_=sessions.c[name].type) for name in names}
