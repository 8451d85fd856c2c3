"""Files of the home, as Jupyter's pages see them; to save, rename or remove one is a person's activity."""

from typing import Any

from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager

from rspark_session.jupyter.reporter import ActivityReporter


class Contents(AsyncLargeFileManager):
    """Reports changes as activity. To list and to read is none, since an open tab does it all the time."""

    reporter: ActivityReporter

    async def save(self, model: dict[str, Any], path: str = "") -> Any:
        self.reporter.activity()
        return await super().save(model, path)

    async def rename_file(self, old_path: str, new_path: str) -> Any:
        self.reporter.activity()
        return await super().rename_file(old_path, new_path)

    async def delete_file(self, path: str) -> Any:
        self.reporter.activity()
        return await super().delete_file(path)

    async def copy(self, from_path: str, to_path: str | None = None) -> Any:
        self.reporter.activity()
        return await super().copy(from_path, to_path)
