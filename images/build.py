"""Builds the images and puts them into the cluster of this machine, without a registry: `make images`.

Each image is built from a folder of its own that holds what its Containerfile copies and nothing else, so that a layer is
made anew only when its own inputs have changed. It needs Debian, root, and no more of Python than its own library.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from socket import AF_UNIX, socket

from node import Image, Node, find_images

TOP = Path(__file__).resolve().parent.parent
IMAGES = TOP / "images"
#: The packages of R that sessions offer, on one machine as well.
R_PACKAGES = TOP / "requirements/r-packages.txt"
#: What of Debian's packages the base does without: manuals, and what programs say in languages other than English.
LEFT_OUT = IMAGES / "debian-left-out.txt"
BUILD = TOP / ".build/images"
STORAGE = BUILD / "storage"
#: Where a layer is while it is being made: all that images take is in one folder, on one disk.
PARTIAL = BUILD / "partial"
#: What the disk must have room for, in bytes: a layer is there up to four times while it is made, and once afterwards.
#: The first is for all images where there are none, the second for new layers over a base that is there.
ROOM_FOR_ALL, ROOM_FOR_CHANGES = 7 * 10**9, 3 * 10**9
#: Where the nodes of the cluster are; each has images of its own.
NODES = Path("/run/rspark-cluster")
PACKAGES = ("mmdebstrap", "buildah", "runc", "ca-certificates")
PREFIX = "localhost/rsparkhub"
#: Each stands on the one before it names; what nothing else stands on comes last.
CHAIN = {"spark": "base", "session": "spark", "hub": "base", "edge": "hub", "tensorflow": "session"}
#: What is large and few need is built where it is named.
BY_NAME_ALONE = {"tensorflow"}
#: The runtime and the limits that also work where this machine is a container itself.
CONTAINERS_CONF = """\
[containers]
default_ulimits = ["nofile=1024:20000", "nproc=4096:8192"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
"""


class CannotBuild(Exception):
    """A sentence that says what is in the way, and what to do."""


def main() -> int:
    """Build what has changed, and load it where a cluster runs."""
    parser = argparse.ArgumentParser(description="Build the images and load them into the cluster of this machine.")
    parser.add_argument("names", nargs="*", metavar="IMAGE", help=f"of {', '.join(CHAIN)}; all but the last by default")
    parser.add_argument("--base", help="stand on this image instead of a Debian base made here, such as rocker/verse:4.4")
    parser.add_argument("--tag", default="dev", help="the tag of the images")
    asked = parser.parse_args()
    try:
        build(asked.names or [name for name in CHAIN if name not in BY_NAME_ALONE], base=asked.base, tag=asked.tag)
    except (CannotBuild, LookupError) as problem:
        print(f"images: {problem}", file=sys.stderr)
        return 4
    return 0


def build(names: Iterable[str], *, base: str | None, tag: str) -> None:
    """Build images in the order in which they stand on each other, then load them."""
    if os.geteuid() != 0:
        raise CannotBuild("Building images needs root: run it as root.")
    wanted = needed(names)
    install()
    BUILD.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(PARTIAL, ignore_errors=True)  # of a build that was killed
    PARTIAL.mkdir()
    (BUILD / "containers.conf").write_text(CONTAINERS_CONF)
    debian = f"{PREFIX}/base:{digest([IMAGES / 'debian-packages.txt', LEFT_OUT, R_PACKAGES])}"
    is_there = bool(run(["buildah", "images", "--quiet", base or debian], check=False).strip())
    check_room(ROOM_FOR_CHANGES if is_there else ROOM_FOR_ALL)
    if base is None and not is_there:
        step("base", partial(make_debian, debian))
    for name in wanted:
        if name != "base":
            below = base or debian if CHAIN[name] == "base" else f"{PREFIX}/{CHAIN[name]}:{tag}"
            step(name, partial(image, name, below=below, tag=tag))
    forget_old(debian)
    shutil.rmtree(PARTIAL)
    found = find_images(STORAGE, [f"{PREFIX}/{name}:{tag}" for name in wanted if name != "base"])
    nodes = [node for node in sorted(NODES.glob("node-*/containerd.sock")) if answers(node)]
    for node in nodes:
        step(f"load into {node.parent.name}", partial(load, found, node))
    if not nodes:
        print("No cluster runs here, so nothing was loaded. `make cluster` starts one; then run this again.", flush=True)


def check_room(needed: int) -> None:
    """Raise a sentence where the disk has too little room for what is to be built."""
    free = shutil.disk_usage(BUILD).free
    if free < needed:
        raise CannotBuild(
            f"Images take up to {needed / 1e9:.0f} GB in {BUILD} while they are built, and its disk has {free / 1e9:.1f} GB "
            f"free. Free {(needed - free) / 1e9:.1f} GB there, then try again."
        )


def forget_old(debian: str) -> None:
    """Delete from the storage what no image of now stands on, which costs the disk a copy for each change of a layer."""
    run(["buildah", "rm", "--all"])  # a build that failed or was killed leaves its container, which holds on to an image
    listed = run(["buildah", "images", "--format", "{{.Name}}:{{.Tag}}"]).split()
    for name in listed:
        if name.startswith(f"{PREFIX}/base:") and name != debian:
            run(["buildah", "rmi", name], check=False)  # one that is stood upon stays
    run(["buildah", "rmi", "--prune"])


def needed(names: Iterable[str]) -> list[str]:
    """Give the images and all that they stand on, the lowest first."""
    found: dict[str, None] = {}
    for name in names:
        if name not in CHAIN:
            raise CannotBuild(f"There is no image {name}; there are {', '.join(CHAIN)}.")
        below, chain = name, [name]
        while below in CHAIN:
            below = CHAIN[below]
            chain.append(below)
        found |= dict.fromkeys(reversed(chain))
    return list(found)


def step(name: str, work: Callable[[], str]) -> None:
    """Do one step, and say how long it took."""
    began = time.monotonic()
    print(f"{name}: …", flush=True)
    print(f"{name}: {work()} ({time.monotonic() - began:.0f} s)", flush=True)


def install() -> None:
    """Install the tools that are missing."""
    missing = [
        package
        for package in PACKAGES
        if subprocess.run(["dpkg-query", "-W", "-f", "${Status}", package], capture_output=True, check=False).stdout[-12:]
        != b"ok installed"
    ]
    if missing:
        print(f"Installing what builds images: {', '.join(missing)}", flush=True)
        environ = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        run(["apt-get", "update", "-q"], environ=environ)
        run(["apt-get", "install", "-q", "-y", "--no-install-recommends", *missing], environ=environ)


def make_debian(name: str) -> str:
    """Make the Debian base; return what it is."""
    packages = [*words_of(IMAGES / "debian-packages.txt"), *(f"r-cran-{name.lower()}" for name in words_of(R_PACKAGES))]
    container = run(["buildah", "from", "scratch"]).strip()
    root = run(["buildah", "mount", container]).strip()
    run(
        ["mmdebstrap", "--variant=minbase", "--aptopt=APT::Install-Recommends \"false\"",
         *(f"--dpkgopt=path-exclude={path}" for path in words_of(LEFT_OUT)), f"--include={','.join(packages)}", "bookworm", root]
    )  # fmt: skip
    run(["buildah", "commit", "--quiet", "--rm", container, name])
    return f"Debian with R, Python and Java, {len(packages)} packages and what they need"


def words_of(file: Path) -> list[str]:
    """Give the first word of each line that is no comment."""
    return [line.split()[0] for line in file.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]


def image(name: str, *, below: str, tag: str) -> str:
    """Build one image; give what it is."""
    context = BUILD / "context" / name
    shutil.rmtree(context, ignore_errors=True)
    context.mkdir(parents=True)
    fill(name, context)
    command = [
        "buildah", "build", "--quiet", "--layers", "--isolation=chroot", "--network=host", "--format=oci", "--timestamp=0",
        "--volume=/etc/ssl/certs:/etc/ssl/certs:ro", f"--build-arg=BASE={below}",
        f"--file={IMAGES / name}.Containerfile", f"--tag={PREFIX}/{name}:{tag}",
    ]  # fmt: skip
    if name == "session":
        inputs = [context, IMAGES / "session.Containerfile", TOP / "requirements/spark.txt"]
        command.append(f"--build-arg=IMAGE_INPUTS={digest(inputs)}")
    if name == "tensorflow":
        command.append(f"--build-arg=IMAGE_INPUTS={digest([context])}")
    made = run([*command, str(context)]).strip()[:12]
    shutil.rmtree(context)
    return made


def fill(name: str, context: Path) -> None:
    """Put into the folder what the Containerfile copies."""
    locks = {"spark": "spark.txt", "session": "session.txt", "hub": "hub-image.txt", "tensorflow": "tensorflow.txt"}
    if name in locks:
        shutil.copy(TOP / "requirements" / locks[name], context)
    if name == "spark":
        shutil.copy(IMAGES / "executor", context)
        jars = TOP / ".venv-session/share/rspark/jars"
        if not jars.is_dir():
            raise CannotBuild("The jars of Spark's drivers are not there yet. Run `scripts/install up` first.")
        shutil.copytree(jars, context / "jars")
        shutil.copy(TOP / "session/src/rspark_session/services/spark/class_archive.py", context)
    if name == "session":
        hadoop = TOP / ".venv-session/share/rspark/hadoop"
        if not hadoop.is_dir():
            raise CannotBuild("Hadoop is not there yet. Run `scripts/install hdfs` first.")
        shutil.copytree(hadoop, context / "hadoop")
        code_server = TOP / ".venv-session/share/rspark/code-server"  # `make vscode`; the image does without it otherwise
        (context / "code-server").mkdir()
        if code_server.is_dir():
            shutil.copytree(code_server, context / "code-server", symlinks=True, dirs_exist_ok=True)
        extensions = TOP / ".venv-session/share/rspark/postgres-extensions"
        if not extensions.is_dir():
            raise CannotBuild("PostgreSQL's extensions are not there yet. Run `scripts/install up` first.")
        shutil.copytree(extensions, context / "postgres-extensions")
        shutil.copy(R_PACKAGES, context)
        for template in ("tutorial", "shiny-app"):
            shutil.copytree(TOP / "docs" / template, context / "templates" / template)
        copy_rspark(context / "rspark/rspark")
        shutil.copy(TOP / "r/install-rspark", context / "rspark")
        shutil.copytree(TOP / "r/nycflights13", context / "r/nycflights13")
        shutil.copy(TOP / "r/install-nycflights13", context / "r")
        wheel("contract", context / "session")
        wheel("session", context / "session")
        run([str(TOP / "scripts/build-go"), "s3", str(context / "rspark-s3")])
    if name == "hub":
        if not (TOP / "hub/src/rsparkhub/pages/index.html").is_file():
            raise CannotBuild("The hub's pages are not built. Run `scripts/install up` first.")
        wheel("contract", context / "hub")
        wheel("hub", context / "hub")
        run([str(TOP / "scripts/build-go"), "edge", str(context / "rsparkhub-edge")])


def copy_rspark(folder: Path) -> None:
    """Copy the R package without what was compiled in the checkout, perhaps from other sources or for another R."""
    shutil.copytree(TOP / "r/rspark", folder, ignore=shutil.ignore_patterns("*.o", "*.so"))


def wheel(package: str, folder: Path) -> None:
    """Build a package of ours by the hub's Python, which has what builds it."""
    python = TOP / ".venv/bin/python"
    if not python.exists():
        raise CannotBuild("The hub's Python is not there yet. Run `scripts/install up` first.")
    run([str(python), "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)], folder=TOP / package)


def answers(path: Path) -> bool:
    """Tell whether somebody listens on a socket: a cluster that was killed leaves its own behind."""
    with socket(AF_UNIX) as client:
        return client.connect_ex(str(path)) == 0


def load(images: list[Image], socket: Path) -> str:
    """Put images into a node; return which were not there."""
    return ", ".join(image.name.removeprefix("localhost/") for image in Node(socket, run=run).load(images)) or "all there"


def digest(paths: Iterable[Path]) -> str:
    """Digest files, and all files in folders, by name and content."""
    found = hashlib.sha256()
    for path in paths:
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file():
                found.update(f"{file.relative_to(path.parent)}\n".encode() + file.read_bytes())
    return found.hexdigest()[:12]


def run(
    command: list[str],
    *,
    given: bytes | None = None,
    environ: dict[str, str] | None = None,
    folder: Path = TOP,
    check: bool = True,
) -> str:
    """Run a command that reads what it is `given`; return what it prints.

    Raises
    ------
    CannotBuild
        When it fails, with the end of what it said.
    """
    if command[0] == "buildah":
        # Each file is whole in its layer, for whoever else mounts it.
        storage = [
            f"--root={STORAGE}",
            "--runroot=/run/rspark-images",
            "--storage-driver=overlay",
            "--storage-opt=overlay.mountopt=nodev",
        ]
        command = ["buildah", *storage, *command[1:]]
    environ = (environ or dict(os.environ)) | {
        "CONTAINERS_CONF": str(BUILD / "containers.conf"),
        "BUILDAH_ISOLATION": "chroot",
        "TMPDIR": str(PARTIAL),
    }
    done = subprocess.run(command, env=environ, cwd=folder, input=given, capture_output=True, check=False)
    printed, said = done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
    if check and done.returncode != 0:
        end = "\n".join((printed + said).strip().splitlines()[-15:])
        raise CannotBuild(f"{' '.join(command[:1])} failed. Mend what it says, then try again:\n{end}")
    return printed


if __name__ == "__main__":
    sys.exit(main())
