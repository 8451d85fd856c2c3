"""Images in a node are the files of buildah's storage, once on the disk; too little room for them is said before work begins."""

import importlib
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from images.node import Image, Node, find_images

from .cluster import PLACE, TOP, Cluster
from .spark import until

pytestmark = [pytest.mark.timeout(120)]

SOCKET = Path("/run/rspark-cluster/node-1/containerd.sock")
ONE, TWO = "localhost/rsparkhub-test/one:1", "localhost/rsparkhub-test/two:1"


def run(command: list[str], *, given: bytes | None = None) -> str:
    return subprocess.run(command, input=given, stdout=subprocess.PIPE, check=True).stdout.decode()


def ctr(*words: str) -> str:
    return run(["ctr", "--address", str(SOCKET), "--namespace", "k8s.io", *words])


def _id(image: Image) -> str:
    """Return the name by which the kubelet's part of containerd knows an image."""
    return str(json.loads(image.manifest)["config"]["digest"])


@pytest.fixture(scope="module")
def storage(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Two images: one with a program and files, and one on it in which files and a folder were removed, and others made."""
    folder = tmp_path_factory.mktemp("images")
    storage = folder / "storage"

    def buildah(*words: str) -> str:
        where = (
            f"--root={storage}",
            f"--runroot={folder}/run",
            "--storage-driver=overlay",
            "--storage-opt=overlay.mountopt=nodev",
        )
        return run(["buildah", *where, *words]).strip()

    files = folder / "files"
    (files / "folder").mkdir(parents=True)
    (files / "pause").write_bytes((PLACE / "bin/pause").read_bytes())
    (files / "pause").chmod(0o755)
    for name in ("removed", "kept", "folder/removed"):
        (files / name).write_text(name)
    container = buildah("from", "scratch")
    buildah("add", "--quiet", container, str(files), "/")
    buildah("config", "--entrypoint", '["/pause"]', "--user", "65535", container)
    buildah("commit", "--quiet", "--rm", container, ONE)
    container = buildah("from", ONE)
    there = Path(buildah("mount", container))
    (there / "removed").unlink()
    (there / "folder/removed").unlink()
    (there / "folder").rmdir()
    (there / "folder").mkdir()
    (there / "folder/made").write_text("made")
    buildah("commit", "--quiet", "--rm", container, TWO)
    yield storage
    ctr("images", "remove", ONE, TWO, *(_id(image) for image in find_images(storage, [ONE, TWO])))
    subprocess.run(["umount", storage / "overlay"], check=False, stderr=subprocess.DEVNULL)


@pytest.fixture(scope="module")
def loaded(storage: Path) -> list[Image]:
    images = find_images(storage, [ONE, TWO])
    made = Node(SOCKET, run=run).load(images)
    assert [image.name for image in made] == [ONE, TWO]
    return images


def test_a_node_has_the_same_files_and_none_twice(loaded: list[Image], tmp_path: Path) -> None:
    ctr("images", "mount", TWO, str(tmp_path))
    try:
        found = {str(path.relative_to(tmp_path)): path.stat().st_ino for path in tmp_path.rglob("*") if path.is_file()}
    finally:
        ctr("images", "unmount", "--rm", str(tmp_path))
    assert set(found) == {"pause", "kept", "folder/made"}
    lowest, highest = (layer.folder for layer in loaded[1].layers)
    assert found["pause"] == (lowest / "pause").stat().st_ino
    assert found["folder/made"] == (highest / "folder/made").stat().st_ino
    held = ctr("content", "list", "--quiet").split()
    assert not {layer.digest for layer in loaded[1].layers} & set(held)


def test_what_is_there_is_not_loaded_again(loaded: list[Image]) -> None:
    assert Node(SOCKET, run=run).load(loaded) == []


def test_a_pod_runs_in_it(loaded: list[Image], cluster: Cluster) -> None:
    container = {"name": "it", "image": TWO, "imagePullPolicy": "Never"}
    cluster.apply(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "of-links", "namespace": "default"},
            "spec": {"containers": [container]},
        }
    )
    try:
        until(lambda: cluster.get("pod", "of-links")["status"]["phase"] == "Running")
    finally:
        cluster("delete", "pod", "of-links", "--grace-period=1")


def test_a_layer_that_was_cut_off_by_a_kill_is_made_again(loaded: list[Image]) -> None:
    class Killed(Exception):
        """It ends here."""

    def run_until_copied(command: list[str], *, given: bytes | None = None) -> str:
        if "commit" in command:
            raise Killed
        return run(command, given=given)

    ctr("images", "remove", "--sync", TWO, _id(loaded[1]))
    with pytest.raises(Killed):
        Node(SOCKET, run=run_until_copied).load(loaded)
    assert [image.name for image in Node(SOCKET, run=run).load(loaded)] == [TWO]


def test_too_little_room_is_said_before_anything_is_built() -> None:
    folder = TOP / ".build/images"
    folder.mkdir(parents=True, exist_ok=True)
    script = f"mount -t tmpfs -o size=64m none {folder} && exec python3 {TOP}/images/build.py"
    done = subprocess.run(["unshare", "--mount", "sh", "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 4
    assert (
        f"Images take up to 7 GB in {folder} while they are built, and its disk has 0.1 GB free. Free 6.9 GB there" in done.stderr
    )
    assert "base: …" not in done.stdout


def test_the_r_package_comes_without_what_was_compiled_in_the_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(TOP / "images")
    build = importlib.import_module("images.build")
    source = tmp_path / "r/rspark/src"
    source.mkdir(parents=True)
    for name in ("console.c", "console.o", "rspark.so"):
        (source / name).write_text(name)
    monkeypatch.setattr(build, "TOP", tmp_path)
    context = tmp_path / "context"
    build.copy_rspark(context)
    assert [file.name for file in (context / "src").iterdir()] == ["console.c"]


def test_a_node_without_room_is_not_started(cluster: Cluster) -> None:
    folder = PLACE / "state"
    script = f"mount -t tmpfs -o size=64m none {folder} && exec {TOP}/scripts/cluster up"
    done = subprocess.run(["unshare", "--mount", "sh", "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 4
    assert f"A node takes up to 1 GB in {folder}, and its disk has 0.0 GB free. Free some there" in done.stderr
