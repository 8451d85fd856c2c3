"""People: who they are, and what they may do."""

import re
from dataclasses import dataclass
from datetime import datetime

#: Also fit for a PostgreSQL role, a folder and a Kubernetes label.
USER_NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")


@dataclass(frozen=True, kw_only=True)
class User:
    name: str
    admin: bool
    created: datetime
    groups: frozenset[str] = frozenset()
    last_seen: datetime | None = None
    has_password: bool = False
