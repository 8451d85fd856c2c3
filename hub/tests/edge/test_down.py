"""What is said, and what is not lost, when something behind the edge or the edge itself is away."""

import asyncio
import os
import signal
import sys
import textwrap
import time
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from edge_world import World, hub_face, making_world

from rsparkhub.settings import Settings
from rsparkhub.store import Store

BROWSER = {"Accept": "text/html,application/xhtml+xml"}


async def test_without_the_hub_a_program_is_told_so(world: World) -> None:
    await world.stack.aclose()
    response = await world.client(cookie="x").get("/s/abcdefghjk/")
    assert response.status_code == 503
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["code"] == "unavailable"
    assert "The hub does not answer" in response.json()["detail"]


async def test_without_the_hub_a_browser_gets_a_page_that_tries_again(world: World) -> None:
    await world.stack.aclose()
    response = await world.client(cookie="x").get("/s/abcdefghjk/", headers=BROWSER)
    assert response.status_code == 503
    assert response.headers["content-type"].startswith("text/html")
    assert response.headers["retry-after"] == "3"
    assert '<meta http-equiv="refresh" content="3">' in response.text
    assert "The hub does not answer" in response.text
    assert "default-src 'none'" in response.headers["content-security-policy"]


async def test_nothing_is_repeated_when_the_hub_has_gone(world: World) -> None:
    """Who can't hear what is taken away repeats nothing."""
    ada = await world.person("ada")
    session = await world.session("ada")
    client = world.client(cookie=ada)
    for _ in range(5):
        assert (await client.get(f"/s/{session.id}/")).status_code == 200
    await world.stack.aclose()
    gone = sent = time.monotonic()
    async with asyncio.timeout(20):
        while (await client.get(f"/s/{session.id}/")).status_code != 503:
            assert sent - gone < 1
            sent = time.monotonic()


async def test_a_hub_that_is_killed_is_said_and_the_next_one_is_found(world: World) -> None:
    """`kill -9`: the edge says that the hub is back in a moment, and recovers by itself."""
    program = textwrap.dedent("""
        import asyncio, sys
        from pathlib import Path
        from rsparkhub.auth.forward_auth_server import serving_forward_auth
        from rsparkhub.auth.identity import Authenticator
        from rsparkhub.settings import Settings
        from rsparkhub.store import open_store

        async def main():
            settings = Settings(data=Path(sys.argv[1]), port=int(sys.argv[2]))
            async with open_store(settings.store, notify_dir=settings.notify_dir) as store:
                authenticator = Authenticator(store, settings)
                async with serving_forward_auth(store=store, authenticator=authenticator, settings=settings):
                    print("ready", flush=True)
                    await asyncio.Event().wait()

        asyncio.run(main())
    """)

    async def start_hub() -> asyncio.subprocess.Process:
        hub = await asyncio.create_subprocess_exec(
            sys.executable, "-c", program, str(world.settings.data), str(world.settings.port), stdout=asyncio.subprocess.PIPE
        )
        assert hub.stdout is not None
        assert await asyncio.wait_for(hub.stdout.readline(), 30) == b"ready\n"
        return hub

    ada = await world.person("ada")
    session = await world.session("ada")
    await world.stack.aclose()
    client = world.client(cookie=ada)
    for _ in range(2):
        hub = await start_hub()
        assert (await client.get(f"/s/{session.id}/")).status_code == 200
        hub.kill()
        await hub.wait()
        async with asyncio.timeout(20):
            while (response := await client.get(f"/s/{session.id}/", headers=BROWSER)).status_code == 200:
                pass
        assert response.status_code == 503
        assert '<meta http-equiv="refresh" content="3">' in response.text
    await world.ask()
    assert (await client.get(f"/s/{session.id}/")).status_code == 200


async def test_a_hub_that_starts_again_is_waited_for(world: World) -> None:
    ada = await world.person("ada")
    session = await world.session("ada")
    await world.stack.aclose()
    asking = asyncio.create_task(world.client(cookie=ada).get(f"/s/{session.id}/"))
    async with asyncio.timeout(10):
        done, _ = await asyncio.wait((asking,), timeout=0.5)
        assert not done
        await world.ask()
        assert (await asking).status_code == 200


async def test_the_hubs_face_is_waited_for_too(world: World) -> None:
    """A call that changes something is sent once, when there is somebody to take it."""
    await world.face.aclose()
    asking = asyncio.create_task(world.client().post("/hub/api/sessions", json={}))
    done, _ = await asyncio.wait((asking,), timeout=0.5)
    assert not done
    async with hub_face(world.settings), asyncio.timeout(10):
        assert (await asking).text.startswith("hub POST /hub/api/sessions")


async def test_a_session_that_does_not_answer_is_said(world: World) -> None:
    ada = await world.person("ada")
    session = await world.session("ada", upstream="127.0.0.1:1")
    client = world.client(cookie=ada)
    response = await client.get(f"/s/{session.id}/")
    assert (response.status_code, response.json()["code"]) == (502, "unavailable")
    page = await client.get(f"/s/{session.id}/", headers=BROWSER)
    assert (page.status_code, page.headers["content-type"]) == (502, "text/html; charset=utf-8")
    assert "The session does not answer" in page.text
    assert "/hub/" in page.text


async def test_a_refusal_is_a_page_for_a_browser_and_leads_home(world: World) -> None:
    client = world.client(cookie=await world.person("ada"))
    page = await client.get("/s/zzzzzzzzzz/", headers=BROWSER)
    assert (page.status_code, page.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert 'href="/hub/"' in page.text


async def test_a_caddy_that_is_killed_is_followed_by_another(world: World) -> None:
    """Who knocks meanwhile waits at the same address; a request that is under way is all that is lost."""
    ada = await world.person("ada")
    session = await world.session("ada")
    client = world.client(cookie=ada)
    for _ in range(3):
        killed = world.edge.pid
        os.kill(killed, signal.SIGKILL)
        async with asyncio.timeout(20):
            while True:
                with suppress(httpx.RemoteProtocolError, httpx.ReadError):  # a kept connection, and what was under way
                    assert (await client.get(f"/s/{session.id}/")).status_code == 200
                    break
        assert world.edge.pid != killed


async def test_nothing_is_written_outside_of_the_data_folder(world: World, settings: Settings) -> None:
    environment = Path(f"/proc/{world.edge.pid}/environ").read_bytes().decode().strip("\0").split("\0")
    names = {line.partition("=")[0]: line.partition("=")[2] for line in environment}
    home = str(settings.data / "edge")
    assert {name: names[name] for name in ("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME")} == {
        "HOME": home,
        "XDG_DATA_HOME": home,
        "XDG_CONFIG_HOME": home,
    }
    assert str(Path(f"/proc/{world.edge.pid}/cwd").readlink()) == home
    assert set(names) == {"HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "PATH", "GOGC"}


async def test_its_configuration_is_for_us_alone(world: World, settings: Settings) -> None:
    assert (settings.data / "run/edge.json").stat().st_mode & 0o777 == 0o600


async def test_it_listens_on_its_door_alone(world: World) -> None:
    """Caddy's administration has no address."""
    inodes = {str(link.readlink()) for link in Path(f"/proc/{world.edge.pid}/fd").iterdir() if link.is_symlink()}
    listening = [
        line.split()
        for family in ("tcp", "tcp6")
        for line in Path(f"/proc/{world.edge.pid}/net/{family}").read_text().splitlines()[1:]
        if line.split()[3] == "0A"
    ]
    ports = {int(fields[1].rpartition(":")[2], 16) for fields in listening if f"socket:[{fields[9]}]" in inodes}
    assert ports == {world.edge.port}


@pytest.mark.parametrize("token", ["token=rsk_secret", "ticket=rsx_secret"])
async def test_secrets_in_addresses_do_not_get_into_the_log(
    capfd: pytest.CaptureFixture[str], settings: Settings, store: Store, token: str
) -> None:
    async with making_world(settings, store) as world:
        await world.client(cookie="secret-cookie", bearer="secret-token").get(f"/hub/?{token}&x=1")
        async with asyncio.timeout(5):
            said = ""
            while "/hub/" not in said:
                said += capfd.readouterr().out
                await asyncio.sleep(0.01)
    assert "secret" not in said
    assert "x=1" in said
