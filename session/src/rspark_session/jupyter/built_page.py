"""A page of ours that was built before, served below a session's path with a policy of its own."""

from collections.abc import Mapping
from typing import ClassVar

from jupyter_server.base.handlers import APIHandler, AuthenticatedFileHandler
from tornado import web


class BuiltPage(AuthenticatedFileHandler):
    """A page and what belongs to it. Files under `assets/` carry their content in their names and never change."""

    #: The page's Content-Security-Policy.
    policy: ClassVar[str]

    @property
    def content_security_policy(self) -> str:
        return self.policy

    def set_headers(self) -> None:
        super().set_headers()
        self.set_header("Cache-Control", "max-age=31536000, immutable" if self.path.startswith("assets/") else "no-cache")


class PageConfig(APIHandler):
    """What a page can't know by itself, as JSON."""

    def initialize(self, config: Mapping[str, object]) -> None:
        self._config = config

    @web.authenticated
    def get(self) -> None:
        self.finish(dict(self._config))
