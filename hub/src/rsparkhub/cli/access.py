"""How a command reaches the hub: by RSPARKHUB_URL and RSPARKHUB_TOKEN, else as `rsparkhub up` left it in the data folder."""

import asyncio
import contextlib
import json
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from rsparkhub.domain.errors import NotSignedIn, Unavailable
from rsparkhub.settings import default_data

if TYPE_CHECKING:
    from rsparkhub.client import AsyncHub
    from rsparkhub.settings import Settings

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Access:
    """Where a hub is, and what lets us in."""

    url: str
    token: str


def find_access() -> Access:
    """Find the hub that this command is for.

    Raises
    ------
    Unavailable
        When there is none to be found.
    NotSignedIn
        When RSPARKHUB_URL is set, and no token.
    """
    url, token = os.environ.get("RSPARKHUB_URL"), os.environ.get("RSPARKHUB_TOKEN")
    if url:
        if not token:
            raise NotSignedIn("RSPARKHUB_URL is set, but not RSPARKHUB_TOKEN. Make a token on the hub's page, and set it.")
        return Access(url=url, token=token)
    file = access_file(Path(os.environ.get("RSPARKHUB_DATA") or default_data()))
    try:
        found = read_access(file)
    except PermissionError:
        raise NotSignedIn(f"{file} is not yours to read. Set RSPARKHUB_URL and RSPARKHUB_TOKEN to your own.") from None
    if found is None:
        raise Unavailable(
            f"There is no RSparkHub in the data folder {file.parent}. Start it with `rsparkhub up`, name its folder with "
            "--data, or set RSPARKHUB_URL and RSPARKHUB_TOKEN for one elsewhere."
        )
    return Access(url=found.url, token=token or found.token)


def hub_url(settings: "Settings") -> str:
    """Return where people open the hub of a data folder, by the word of the hub that runs, the last one, or the settings."""
    from rsparkhub.installation.data_folder import is_held, read_holder

    if is_held(settings) and (holder := read_holder(settings)):
        return holder.url
    with contextlib.suppress(OSError):
        last = read_access(access_file(settings.data))
        if last is not None and settings.model_fields_set.isdisjoint({"port", "public_url"}):
            return last.url
    return settings.url


def access_file(data: Path) -> Path:
    return data / "cli.json"


def read_access(file: Path) -> Access | None:
    """Read what `rsparkhub up` left; None when there is nothing that can be used."""
    try:
        said = json.loads(file.read_text())
        return Access(url=str(said["url"]), token=str(said["token"]))
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


def ask(question: "Callable[[AsyncHub], Awaitable[T]]") -> T:
    """Open the hub's client, ask, and close it."""
    from rsparkhub.client import AsyncHub

    access = find_access()

    async def work() -> T:
        async with AsyncHub(access.url, token=access.token) as hub:
            return await question(hub)

    return asyncio.run(work())
