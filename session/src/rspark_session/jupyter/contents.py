"""Files of the home, as Jupyter's pages see them; to save, rename or remove one is a person's activity."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any

from jupyter_server.services.contents.filecheckpoints import AsyncFileCheckpoints
from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager
from nbformat.sign import NotebookNotary
from tornado.web import HTTPError

from rspark_session import home_space
from rspark_session.jupyter.reporter import ActivityReporter


class Notary(NotebookNotary):
    """Signs the notebooks that the person trusts; in a full home by a secret of this server's, which is kept nowhere."""

    def _secret_default(self) -> bytes:
        try:
            return bytes(super()._secret_default())
        except OSError:
            return secrets.token_bytes(1024)


class Checkpoints(AsyncFileCheckpoints):
    """Checkpoints of files; a full home is said in a sentence."""

    async def create_checkpoint(self, contents_mgr: Any, path: str) -> Any:
        with _full_home_said(Path(self.root_dir)):
            return await super().create_checkpoint(contents_mgr, path)


class Contents(AsyncLargeFileManager):
    """Reports changes as activity. To list and to read is none, since an open tab does it all the time."""

    reporter: ActivityReporter

    def _notary_default(self) -> NotebookNotary:
        return Notary(parent=self)

    def _checkpoints_class_default(self) -> type[AsyncFileCheckpoints]:
        return Checkpoints

    async def save(self, model: dict[str, Any], path: str = "") -> Any:
        self.reporter.activity()
        with _full_home_said(Path(self.root_dir)):
            return await super().save(model, path)

    async def rename_file(self, old_path: str, new_path: str) -> Any:
        self.reporter.activity()
        return await super().rename_file(old_path, new_path)

    async def delete_file(self, path: str) -> Any:
        self.reporter.activity()
        return await super().delete_file(path)

    async def copy(self, from_path: str, to_path: str | None = None) -> Any:
        self.reporter.activity()
        with _full_home_said(Path(self.root_dir)):
            return await super().copy(from_path, to_path)


@contextmanager
def _full_home_said(home: Path) -> Iterator[None]:
    """Replace an error that a full home has made by a sentence that says so."""
    try:
        yield
    except (HTTPError, OSError) as problem:
        if isinstance(problem, HTTPError) and problem.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
            raise
        if not home_space.is_full(home, problem):
            raise
        raise HTTPError(HTTPStatus.INSUFFICIENT_STORAGE, home_space.sentence(home)) from problem
