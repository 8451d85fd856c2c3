"""What every call of the API has at hand, handed in by `create_app` and reached for nowhere else."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Request

from rsparkhub.api.agents import Agents
from rsparkhub.api.feed import Feed
from rsparkhub.api.history import History
from rsparkhub.api.narrator import Narrator
from rsparkhub.api.origin import Origin, origin_of
from rsparkhub.auth.identity import Authenticator
from rsparkhub.settings import Settings
from rsparkhub.store import Catalog, Store


@dataclass(frozen=True, kw_only=True)
class Context:
    """The parts of one app."""

    settings: Settings
    store: Store
    authenticator: Authenticator
    catalog: Catalog
    history: History
    narrator: Narrator
    feed: Feed
    agents: Agents
    now: Callable[[], datetime]

    def own_origins(self, request: Request) -> frozenset[Origin]:
        """The origins of the hub's own pages: as this request reached it, and as the settings say."""
        origins = (origin_of(f"{request.url.scheme}://{request.url.netloc}"), origin_of(self.settings.url))
        return frozenset(filter(None, origins))


def _context(request: Request) -> Context:
    context: Context = request.app.state.context
    return context


Here = Annotated[Context, Depends(_context)]
