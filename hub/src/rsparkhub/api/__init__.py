"""The HTTP face: one module a resource, problem+json errors in one place, the pages, and what operators ask for.

`app.create_app` puts it together from parts that are handed in; `server.Server` runs it. Read `context` (what every call
has at hand), `identity` (who asks, and may they), then any resource.
"""

from rsparkhub.api.app import create_app
from rsparkhub.api.server import Server

__all__ = ["Server", "create_app"]
