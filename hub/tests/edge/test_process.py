"""Starting Caddy, and what is said when it can't be."""

import asyncio
import os
import shutil
import signal
import socket
import sys
import textwrap
from pathlib import Path

import pytest

from rsparkhub.domain.errors import InstallationProblem
from rsparkhub.edge import process
from rsparkhub.edge.process import find_caddy, running_edge
from rsparkhub.settings import Settings


def with_port(settings: Settings, port: int, host: str = "127.0.0.1") -> Settings:
    return settings.model_copy(update={"port": port, "host": host})


async def test_a_port_in_use_is_one_sentence_that_says_what_to_do(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(InstallationProblem, match=rf"^Port {port} is in use\. .*--port 8001"):
            async with running_edge(with_port(settings, port)):
                pass


async def test_an_address_of_another_machine_is_one_sentence(settings: Settings) -> None:
    with pytest.raises(InstallationProblem, match="is not an address of this machine: 192\\.0\\.2\\.1"):
        async with running_edge(with_port(settings, 0, "192.0.2.1")):
            pass


async def test_a_name_that_is_none_is_one_sentence(settings: Settings) -> None:
    with pytest.raises(InstallationProblem, match="is not an address of this machine: no\\.such\\.name\\.invalid"):
        async with running_edge(with_port(settings, 0, "no.such.name.invalid")):
            pass


async def test_a_port_that_is_free_in_a_moment_is_waited_for(settings: Settings) -> None:
    """As after `kill -9` of an edge, whose Caddy may still be ending."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        asyncio.get_running_loop().call_later(0.3, other.close)
        async with running_edge(with_port(settings, port)) as edge:
            assert edge.port == port


async def test_it_listens_on_ipv6_too_when_told(settings: Settings) -> None:
    async with running_edge(with_port(settings, 0, "::1")) as edge:
        reader, writer = await asyncio.open_connection("::1", edge.port)
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: [::1]\r\nConnection: close\r\n\r\n")
        assert (await reader.read()).endswith(b"ok")
        writer.close()


def test_a_missing_caddy_is_one_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(InstallationProblem, match="scripts/build-go edge"):
        find_caddy()


async def test_a_caddy_that_does_not_start_is_one_sentence_with_its_last_words(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    broken = tmp_path / "caddy"
    broken.write_text("#!/bin/sh\necho 'no room for an edge' >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setattr(process, "find_caddy", lambda: broken)
    with pytest.raises(InstallationProblem, match="did not start: no room for an edge"):
        async with running_edge(settings):
            pass


async def test_a_configuration_that_is_refused_is_said_as_caddy_says_it(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "configuration", lambda *_, **__: {"apps": {"nonsense": {}}})
    with pytest.raises(InstallationProblem, match=r"did not start: .*nonsense"):
        async with running_edge(settings):
            pass


async def test_a_data_folder_that_can_not_be_written_is_one_sentence(settings: Settings) -> None:
    (settings.data / "run").rename(settings.data / "elsewhere")
    (settings.data / "run").symlink_to("/dev/full")
    with pytest.raises(InstallationProblem, match=r"The edge can't write .*edge\.json"):
        async with running_edge(settings):
            pass


async def test_caddy_ends_with_whoever_started_it(settings: Settings) -> None:
    """`kill -9` of the edge's process leaves no Caddy that holds the port."""
    program = textwrap.dedent("""
        import asyncio, sys
        from pathlib import Path
        from rsparkhub.edge.process import running_edge
        from rsparkhub.settings import Settings

        async def main():
            async with running_edge(Settings(data=Path(sys.argv[1]), port=0)) as edge:
                print("pid", edge.pid, flush=True)
                await asyncio.Event().wait()

        asyncio.run(main())
    """)
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, str(settings.data), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    assert parent.stdout is not None
    caddy = int((await parent.stdout.readline()).split()[1])
    handle = os.pidfd_open(caddy)
    gone = asyncio.Event()
    asyncio.get_running_loop().add_reader(handle, gone.set)
    parent.send_signal(signal.SIGKILL)
    await parent.wait()
    await asyncio.wait_for(gone.wait(), 10)
    asyncio.get_running_loop().remove_reader(handle)
    os.close(handle)


async def test_nothing_is_left_running_when_it_ends(settings: Settings) -> None:
    async with running_edge(settings) as edge:
        pid = edge.pid
    assert not Path(f"/proc/{pid}").exists()


def test_there_is_a_caddy_in_this_python() -> None:
    assert shutil.which(str(find_caddy())) is not None
