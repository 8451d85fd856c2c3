"""A home without room: it opens, so that something can be deleted, errors say where the bytes are, and nothing kept is lost."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from session.tests.running import Running, interface, members

Prepare = Callable[..., Running]
EMPTY = '{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk")


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A home on a disk of its own of 8 MB."""
    place = tmp_path / "home"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "rspark-test-home", str(place)], check=True)
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def fill(home: Path) -> None:
    """Take all that is left, by big pieces in one folder."""
    (home / "data").mkdir(exist_ok=True)
    for size in (2**20, 2**12):
        for number in range(10_000):
            try:
                (home / "data" / f"{size}-{number}").write_bytes(b"x" * size)
            except OSError:
                break
    assert os.statvfs(home).f_bavail == 0


def notebook(text: str) -> dict[str, Any]:
    cell = {"cell_type": "markdown", "id": "a", "metadata": {}, "source": text}
    return {
        "type": "notebook",
        "format": "json",
        "content": {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5},
    }


async def test_a_first_session_starts_in_a_full_home_and_works_until_something_is_saved(
    prepare: Prepare, home: Path, r_library: Path
) -> None:
    (home / "a.ipynb").write_text(EMPTY)
    fill(home)
    running = prepare(interface=interface("jupyterlab"))
    running.start(RSPARK_R_LIBS=str(r_library))
    await running.until_state("ready")
    for path in ("lab", "api/contents", "api/contents/a.ipynb"):
        assert (await running.get(path, follow_redirects=True)).status_code == 200
    for name, code, shown in [("ir", "6 * 7", "[1] 42"), ("python3", "6 * 7", "42"), ("bash", "echo $((6 * 7))", "42")]:
        async with running.kernel(await running.new_kernel(name)) as kernel:
            assert await kernel.shown(code) == shown
    assert (await running.post("api/terminals")).status_code == 200
    for path, model in [
        ("a.ipynb", notebook("x" * 20_000)),
        ("b.ipynb", notebook("x" * 20_000)),
        ("c.txt", {"type": "file", "format": "text", "content": "x" * 20_000}),
    ]:
        refused = await running.http.put(running.url(f"api/contents/{path}"), json=model)
        assert refused.status_code == 507
        said = refused.json()["message"]
        assert said.startswith("Your home is full: "), said
        assert said.endswith(" MB are in data. Delete files that you don't need, then try again."), said
    assert (home / "a.ipynb").read_text() == EMPTY, "what was there is whole"
    for path, model in [
        ("lab/api/settings/@jupyterlab/apputils-extension:themes", {"raw": "{}"}),
        ("lab/api/workspaces/other", {"data": {}, "metadata": {"id": "other"}}),
    ]:
        refused = await running.http.put(running.url(path), json=model)
        assert (refused.status_code, refused.json()["message"].split(":")[0]) == (507, "Your home is full")
    refused = await running.post("api/contents/a.ipynb/checkpoints")
    assert refused.status_code == 507
    for piece in list((home / "data").iterdir())[:20]:
        answer = await running.http.delete(running.url(f"api/contents/data/{piece.name}"))
        assert answer.status_code == 204
    saved = await running.http.put(running.url("api/contents/a.ipynb"), json=notebook("y"))
    assert saved.status_code == 200
    assert await running.suspend() == 0
    assert not members(running.name)


async def test_a_sleep_in_a_full_home_says_so_and_what_was_kept_before_stays(prepare: Prepare, home: Path) -> None:
    keep = str(home / ".keep")
    first = prepare(interface=interface("terminal", kernels=["python"]), keep=keep)
    first.start()
    await first.until_state("ready")
    kernel_id = await first.new_kernel("python3")
    async with first.kernel(kernel_id) as kernel:
        await kernel.shown("x = 41")
    assert await first.suspend() == 0
    second = prepare(interface=interface("terminal", kernels=["python"]), keep=keep, generation=2, resume=True)
    second.start()
    await second.until_state("ready")
    async with second.kernel(kernel_id) as kernel:
        await kernel.shown("import os; y = os.urandom(300_000)")
    fill(home)
    assert (await second.post("agent/suspend")).status_code == 202
    assert await second.ended() != 0
    assert "home is full" in (second.record()["reason"] or ""), second.record()
    for piece in (home / "data").iterdir():
        piece.unlink()
    third = prepare(interface=interface("terminal", kernels=["python"]), keep=keep, generation=3, resume=True)
    third.start()
    await third.until_state("ready")
    async with third.kernel(kernel_id) as kernel:
        assert await kernel.shown("print(x, 'y' in globals())") == "41 False"
    assert await third.suspend() == 0
