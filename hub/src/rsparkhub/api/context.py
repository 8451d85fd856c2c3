"""What every call of the API has at hand, handed in by `create_app` and reached for nowhere else."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Request

from rsparkhub.agents import AgentClient
from rsparkhub.api.language import ENGLISH, language_of
from rsparkhub.api.rate import Rate
from rsparkhub.api.sentences import Sentences, languages, sentences_in
from rsparkhub.api.serializers.language import session_in_words
from rsparkhub.api.serializers.sessions import SessionSerializer
from rsparkhub.api.streams.broadcaster import EventBroadcaster
from rsparkhub.api.streams.places import StreamPlaces
from rsparkhub.auth.http_origin import Origin, origin_of
from rsparkhub.auth.identity import Authenticator
from rsparkhub.auth.revocation import Revocations
from rsparkhub.auth.session_host import SessionHostSignIn
from rsparkhub.auth.visits import Visits
from rsparkhub.catalog import Catalog
from rsparkhub.settings import Settings
from rsparkhub.store import Store
from rsparkhub.wire.session import SessionView


@dataclass(frozen=True, kw_only=True)
class AppContext:
    """The parts of one app, and the language of the person who asks."""

    settings: Settings
    store: Store
    authenticator: Authenticator
    catalog: Catalog
    uses_images: bool
    trust: str | None
    archives: bool
    serializer: SessionSerializer
    broadcaster: EventBroadcaster
    places: StreamPlaces
    change_rate: Rate
    page_rate: Rate
    session_rate: Rate
    token_rate: Rate
    link_rate: Rate
    agents: AgentClient
    log_visits: Visits
    revocations: Revocations
    session_hosts: SessionHostSignIn
    now: Callable[[], datetime]
    language: str = ENGLISH

    def own_origins(self, request: Request) -> frozenset[Origin]:
        """The origins of the hub's own pages: as this request reached it, and as the settings say."""
        origins = (origin_of(f"{request.url.scheme}://{request.url.netloc}"), origin_of(self.settings.url))
        return frozenset(filter(None, origins))

    def in_words(self, views: Sequence[SessionView]) -> list[SessionView]:
        """Return sessions with what is said of them in the language of the person who asks."""
        return list(views) if self.language == ENGLISH else [session_in_words(view, self.say) for view in views]

    def say(self, english: str) -> str:
        """Return a sentence in the language of the person who asks."""
        return self.sentences.say(english)

    @property
    def sentences(self) -> Sentences:
        """The catalog of the person who asks."""
        return sentences_in(self.language)


async def _context(request: Request) -> AppContext:  # FastAPI sends a function that isn't `async` to a thread, for each request
    context: AppContext = request.app.state.context
    language = language_of(request, languages())
    return context if language == ENGLISH else replace(context, language=language)


Context = Annotated[AppContext, Depends(_context)]
