"""JupyterHub's page `/hub/rsparkhub/NAME`: it leads a person who is signed in at JupyterHub into their own session."""

from jupyterhub.handlers.base import BaseHandler
from tornado import web

from rsparkhub_spawner.spawner import RSparkHubSpawner


class OpenSession(BaseHandler):
    """Lead to a sign-in link of RSparkHub for this very person, and nobody else: it signs in as them."""

    @web.authenticated
    async def get(self, name: str) -> None:
        user = self.current_user
        if user.name != name:
            raise web.HTTPError(403, "This server is another person's session of RSparkHub, which lets in who it is shared with.")
        spawner = user.spawner
        if not (isinstance(spawner, RSparkHubSpawner) and spawner.ready):
            self.redirect(f"{self.hub.base_url}home")
            return
        address = await spawner.sign_in_address()
        self.set_header("Cache-Control", "no-store")
        self.set_header("Referrer-Policy", "no-referrer")
        self.redirect(address)


#: For `c.JupyterHub.extra_handlers`.
HANDLERS = [(r"/rsparkhub/([^/]+)", OpenSession)]
