"""The language servers of a session, under `rc2/api/language-servers`; what is said to one is the Language Server Protocol's."""

from rspark_session.rc2.protocol.model import Model


class LanguageServer(Model):
    """A server, and the languages whose files it checks. Its websocket is `language-servers/NAME`."""

    name: str
    languages: tuple[str, ...]


class LanguageServers(Model):
    """`GET language-servers`: those that are there, the preferred first."""

    servers: tuple[LanguageServer, ...]
