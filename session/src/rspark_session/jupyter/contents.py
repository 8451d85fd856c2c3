"""Files of the home, as Jupyter's pages see them; to save, rename or remove one is a person's doing."""

from typing import Any

from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager
from traitlets import Instance

from rspark_session.jupyter.presence import Presence


class Contents(AsyncLargeFileManager):
    """Notes a person's doing; to list and to read isn't, since an open tab does it all the time."""

    presence = Instance(Presence)

    async def save(self, model: dict[str, Any], path: str = "") -> Any:
        self.presence.activity()
        return await super().save(model, path)

    async def rename_file(self, old_path: str, new_path: str) -> Any:
        self.presence.activity()
        return await super().rename_file(old_path, new_path)

    async def delete_file(self, path: str) -> Any:
        self.presence.activity()
        return await super().delete_file(path)

    async def copy(self, from_path: str, to_path: str | None = None) -> Any:
        self.presence.activity()
        return await super().copy(from_path, to_path)
