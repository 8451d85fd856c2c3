"""One data folder, one `up`."""

import asyncio
import os
import shutil
import stat
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from rsparkhub.domain.errors import AlreadyRunning, InstallationProblem
from rsparkhub.installation import data_folder
from rsparkhub.installation.data_folder import (
    check_backend,
    held,
    is_held,
    lock_file,
    prepare,
    read_holder,
    refuse_second,
)
from rsparkhub.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path / "data", port=8123)


@contextmanager
def another_process_holding(settings: Settings) -> Iterator[subprocess.Popen[str]]:
    """A process that holds the data folder until it is killed."""
    code = (
        "import sys; from pathlib import Path; from rsparkhub.settings import Settings\n"
        "from rsparkhub.installation.data_folder import held, prepare\n"
        "settings = Settings(data=Path(sys.argv[1]), port=8123); prepare(settings)\n"
        "with held(settings): print('held', flush=True); sys.stdin.read()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(settings.data)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
    finally:
        process.kill()
        process.wait()


def test_the_data_folder_and_its_sockets_are_for_their_owner_alone(settings: Settings) -> None:
    prepare(settings)
    for folder in (settings.data, settings.data / "log", settings.socket_dir, settings.notify_dir):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_data_folder_that_others_may_read_is_closed(settings: Settings) -> None:
    settings.data.mkdir(mode=0o755)
    prepare(settings)
    assert stat.S_IMODE(settings.data.stat().st_mode) == 0o700


def test_an_account_that_may_pass_through_the_data_folder_still_may_afterwards(settings: Settings) -> None:
    settings.data.mkdir(mode=0o700)
    someone = 12345
    entries = [(1, 7, 0xFFFFFFFF), (2, 1, someone), (4, 0, 0xFFFFFFFF), (16, 1, 0xFFFFFFFF), (32, 0, 0xFFFFFFFF)]
    packed = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)
    os.setxattr(settings.data, "system.posix_acl_access", packed)
    prepare(settings)
    assert os.getxattr(settings.data, "system.posix_acl_access") == packed
    settings.data.chmod(0o770)
    prepare(settings)
    assert stat.S_IMODE(settings.data.stat().st_mode) == 0o700


def test_a_data_folder_with_a_long_path_gets_short_sockets(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / ("d" * 120))
    prepare(settings)
    try:
        assert len(str(settings.notify_dir / "hub-4194304.sock")) < 107
        assert stat.S_IMODE(settings.socket_dir.stat().st_mode) == 0o700
    finally:
        settings.notify_dir.rmdir()
        settings.socket_dir.rmdir()


def test_a_file_in_the_place_of_the_data_folder_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    with pytest.raises(InstallationProblem, match=r"data cannot be used: .* name another folder"):
        prepare(Settings(data=tmp_path / "data"))


def test_a_link_in_the_place_of_the_short_socket_folder_is_refused(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / ("e" * 120))
    (tmp_path / "elsewhere").mkdir()
    settings.socket_dir.symlink_to(tmp_path / "elsewhere")
    try:
        with pytest.raises(InstallationProblem, match="not a folder"):
            prepare(settings)
    finally:
        settings.socket_dir.unlink()


def test_a_second_holder_is_told_who_the_first_is(settings: Settings) -> None:
    with another_process_holding(settings) as first:
        with pytest.raises(AlreadyRunning, match=rf"process {first.pid}, at http://localhost:8123"):
            refuse_second(settings)
        with pytest.raises(AlreadyRunning), held(settings):
            pass
        assert is_held(settings)


def test_a_holder_that_was_killed_holds_nothing_and_is_remembered(settings: Settings) -> None:
    with another_process_holding(settings) as first:
        pass
    assert not is_held(settings)
    refuse_second(settings)
    found = read_holder(settings)
    assert found is not None
    assert found.processes["up"].pid == first.pid
    assert not found.processes["up"].alive()


def test_a_holder_that_ended_in_order_leaves_nothing_to_remember(settings: Settings) -> None:
    prepare(settings)
    with held(settings):
        assert read_holder(settings) is not None
    assert read_holder(settings) is None


@pytest.mark.parametrize("begins_anew", [False, True])
async def test_a_holder_knows_when_its_folder_was_removed_or_replaced(settings: Settings, begins_anew: bool) -> None:
    prepare(settings)
    with held(settings) as holder:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(holder.until_lost(), 0.05)
        shutil.rmtree(settings.data)
        if begins_anew:
            prepare(settings)
            with held(settings):
                await asyncio.wait_for(holder.until_lost(), 60)
        else:
            await asyncio.wait_for(holder.until_lost(), 60)


async def test_a_folder_that_cannot_be_looked_at_is_not_lost(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare(settings)
    monkeypatch.setattr(data_folder, "_LOOK_SECONDS", 0.01)
    looked = asyncio.Event()

    def refuse(*_: object) -> bool:
        looked.set()
        raise PermissionError(13, "Permission denied")

    with held(settings) as holder:
        monkeypatch.setattr(os.path, "samestat", refuse)
        waiting = asyncio.create_task(holder.until_lost())
        await asyncio.wait_for(looked.wait(), 60)
        await asyncio.sleep(0.05)
        assert not waiting.done()
        monkeypatch.undo()
        shutil.rmtree(settings.data)
        await asyncio.wait_for(waiting, 60)


def test_a_lock_file_of_an_earlier_boot_names_nobody(settings: Settings) -> None:
    with another_process_holding(settings):
        pass
    text = lock_file(settings).read_text()
    lock_file(settings).write_text(text.replace('"boot": "', '"boot": "another-'))
    assert read_holder(settings) is None


def test_asking_who_holds_a_folder_that_is_not_there_makes_nothing(settings: Settings) -> None:
    assert not is_held(settings)
    assert read_holder(settings) is None
    assert not settings.data.exists()


def test_sessions_of_another_backend_are_not_taken_for_gone(settings: Settings) -> None:
    check_backend(settings)  # a new folder
    prepare(settings)
    check_backend(settings)
    elsewhere = settings.model_copy(update={"backend": "kubernetes"})
    with pytest.raises(InstallationProblem, match="on the backend process, and kubernetes was asked for"):
        check_backend(elsewhere)
    prepare(elsewhere)
    check_backend(settings)  # it is still as the first said
