"""Backs up what a shared service holds into one file, and restores it from there.

The file is a tar.gz with what the service wrote and `backup.json`, which says whose it is. What the store says of accounts is
truer than a backup: after a restore each account is brought about anew, so that whoever was removed or disabled since stays so.
"""

import asyncio
import json
import os
import shutil
import tarfile
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from rspark_contract.reading import JsonObject
from rsparkhub.controller.shared_services import needed_endpoints, running_endpoint, to_credential
from rsparkhub.domain.errors import InvalidInput, NotFound, Unavailable
from rsparkhub.domain.session import LIVE, State, Wanted
from rsparkhub.services.base import Account, AnyService
from rsparkhub.store import Store

_VERSION = 1
_LABEL = "backup.json"
_LOOK_SECONDS = 0.2


async def back_up(service: AnyService, endpoint: JsonObject, file: Path, *, now: datetime) -> None:
    """Write all that a service holds into a file that only its owner may read: whole, or not at all.

    Raises
    ------
    InvalidInput, Unavailable
        What `Service.backup` raises.
    OSError
        When the file, or what goes into it, can't be written.
    """
    with tempfile.TemporaryDirectory(dir=file.parent, prefix=f".{file.name}.") as made:
        folder = Path(made, "data")
        await asyncio.to_thread(folder.mkdir, mode=0o700)
        await service.backup(endpoint, folder)
        label = {"version": _VERSION, "service": service.name, "written": now.isoformat(timespec="seconds")}
        await asyncio.to_thread(_pack, Path(made), label, file)


async def restore(
    store: Store, service: AnyService, endpoint: JsonObject, file: Path, *, services: Mapping[str, AnyService]
) -> None:
    """Make a service hold what `back_up` wrote, in place of what it has; who is let in is what the store says.

    `services` are all of the installation, by their names: those that this one needs must run.

    Raises
    ------
    InvalidInput
        When the file has no backup of this service.
    Unavailable
        What `Service.restore` raises.
    OSError
        When the file can't be read, or what is in it can't be written.
    """
    with tempfile.TemporaryDirectory(dir=file.parent, prefix=f".{file.name}.") as made:
        await asyncio.to_thread(_unpack, file, Path(made), service)
        await service.restore(endpoint, Path(made, "data"))
    await store.accounts.all_behind(service.name)
    needed = await needed_endpoints(store, service, services)
    if needed is None:
        return  # accounts are brought about anew as soon as what it needs runs
    for credential in await store.session_credentials.live(service.name):
        stored = await store.accounts.get(credential.owner, service.name)
        groups = await store.accounts.groups(credential.owner)
        account = Account(user=credential.owner, password=stored.password, groups=groups, needed=needed)
        if stored.wanted == "open":
            await service.ensure_account(endpoint, account)
            await service.issue(endpoint, replace(account, credential=to_credential(credential)))


async def started_endpoint(store: Store, service: AnyService, *, clock: Callable[[], datetime], within: timedelta) -> JsonObject:
    """Return where a shared service listens, which is started where it does not run; a controller must be at work.

    Raises
    ------
    InvalidInput
        When it is never shared.
    Unavailable
        When it does not run in time.
    """
    if not service.instances() and service.external() is None:
        raise InvalidInput(f"{service.title} is not shared: what it has is in people's homes, which are backed up as files.")
    deadline = clock() + within
    while (endpoint := await running_endpoint(store, service)) is None:
        if clock() > deadline:
            raise Unavailable(f"{service.title} did not start. `rsparkhub doctor` says what is wrong; is RSparkHub running?")
        for instance in service.instances():
            await _want(store, instance.id, service.title, now=clock())
        await asyncio.sleep(_LOOK_SECONDS)
    return endpoint


async def _want(store: Store, instance: str, title: str, *, now: datetime) -> None:
    try:
        row = await store.sessions.get(instance)
    except NotFound:
        row, _ = await store.sessions.create(instance, kind="service", owner=None, environment="", name=title, now=now)
    if row.wanted is not Wanted.RUNNING or (row.state not in LIVE and row.state is not State.QUEUED):
        await store.sessions.set_wanted(instance, Wanted.RUNNING, by=None, reason="A backup needs it.", now=now)


def _pack(folder: Path, label: dict[str, object], file: Path) -> None:
    """Write the folder `data` in a folder, and its label, into a file."""
    (folder / _LABEL).write_text(json.dumps(label))
    packed = folder / "packed"
    with os.fdopen(os.open(packed, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
        with tarfile.open(fileobj=stream, mode="w:gz", compresslevel=1) as archive:
            for name in (_LABEL, "data"):
                archive.add(folder / name, arcname=name)
        stream.flush()
        os.fsync(stream.fileno())
    packed.replace(file)


def _unpack(file: Path, folder: Path, service: AnyService) -> None:
    """Write what is in a backup into a folder; InvalidInput when it is none of this service, or damaged."""
    try:
        with tarfile.open(file, mode="r:gz") as archive:
            archive.extractall(folder, filter="data")
        label = json.loads((folder / _LABEL).read_text())
        whose, version = label["service"], label["version"]
    except (tarfile.TarError, EOFError, ValueError, KeyError, TypeError, FileNotFoundError) as error:
        if not file.exists():
            raise
        with suppress(OSError):
            shutil.rmtree(folder / "data")
        raise InvalidInput(f"{file} is no backup of RSparkHub, or is damaged: {error}.") from error
    if whose != service.name:
        raise InvalidInput(f"{file} is a backup of {whose}, not of {service.name}.")
    if version != _VERSION:
        raise InvalidInput(f"{file} was written by another version of RSparkHub. Restore it with that one.")
