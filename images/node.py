"""Puts images of buildah's storage into a node's containerd, as the same files: both are overlays on one disk.

A layer is a folder in both, which nobody changes once it is made. So a node's layer gets hard links to the files of
buildah's, and images cost the disk once, however many nodes have them. containerd unpacks no layer that it has, and so
asks only for what says which layers an image has.
"""

import base64
import hashlib
import io
import json
import re
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

#: The layer that an overlay is written to, in what `ctr snapshots mounts` prints: the first layer of an image has nothing below.
_WRITTEN = re.compile(r"upperdir=([^,\s]+)|^mount -t bind (\S+)", re.MULTILINE)
#: A snapshot with this label is kept although no image names it.
_KEPT = "containerd.io/gc.root"


class _Run(Protocol):
    """A way to run a command: it returns what the command prints, and raises when the command fails."""

    def __call__(self, command: list[str], *, given: bytes | None = None) -> str: ...


@dataclass(frozen=True, kw_only=True)
class Layer:
    """One layer of an image: its folder, and the digest of its content."""

    folder: Path
    digest: str


@dataclass(frozen=True, kw_only=True)
class Image:
    """An image as buildah's storage has it; `layers` from the lowest."""

    name: str
    manifest: bytes
    config: bytes
    layers: tuple[Layer, ...]

    @property
    def digest(self) -> str:
        """The digest by which a node knows this image from any other of its name."""
        return _digest(self.manifest)


def find_images(storage: Path, names: Iterable[str]) -> list[Image]:
    """Return images of a storage by their names.

    Raises
    ------
    LookupError
        When there is none of a name, or its layers aren't those that its configuration names.
    """
    layers = {layer["id"]: layer for layer in json.loads((storage / "overlay-layers/layers.json").read_text())}
    images = {
        name: image
        for image in json.loads((storage / "overlay-images/images.json").read_text())
        for name in image.get("names") or ()
    }
    found = []
    for name in names:
        if name not in images:
            raise LookupError(f"There is no image {name} in {storage}.")
        image, chain = images[name], []
        below = image["layer"]
        while below:
            chain.append(Layer(folder=storage / "overlay" / below / "diff", digest=layers[below]["diff-digest"]))
            below = layers[below].get("parent")
        folder = storage / "overlay-images" / image["id"]
        manifest = (folder / "manifest").read_bytes()
        config = (folder / _file_of(json.loads(manifest)["config"]["digest"])).read_bytes()
        made = Image(name=name, manifest=manifest, config=config, layers=tuple(reversed(chain)))
        if [layer.digest for layer in made.layers] != json.loads(config)["rootfs"]["diff_ids"]:
            raise LookupError(
                f"The layers of {name} in {storage} are not those that it names. Remove {storage}, then build again."
            )
        found.append(made)
    return found


class Node:
    """The containerd of a node, by its socket."""

    def __init__(self, socket: Path, *, run: _Run) -> None:
        self._ctr = ["ctr", "--address", str(socket), "--namespace", "k8s.io"]
        self._run = run

    def load(self, images: Iterable[Image]) -> list[Image]:
        """Put images in, with all their layers; return those that were not there."""
        there = self._images()
        missing = [image for image in images if there.get(image.name) != image.digest]
        if not missing:
            return []
        made: list[str] = []
        for image in missing:
            below = ""
            for layer in image.layers:
                key = _digest(f"{below} {layer.digest}".encode()) if below else layer.digest
                if self._make_layer(layer, key, below=below):
                    made.append(key)
                below = key
        self._run([*self._ctr, "images", "import", "-"], given=_archive(missing))
        for key in made:  # from now on the image keeps it
            self._run([*self._ctr, "snapshots", "label", key, f"{_KEPT}="])
        return missing

    def _images(self) -> dict[str, str]:
        """Return the digests of the images that the node has, by name."""
        rows = (line.split() for line in self._run([*self._ctr, "images", "list"]).splitlines()[1:])
        return {row[0]: row[2] for row in rows}

    def _make_layer(self, layer: Layer, key: str, *, below: str) -> bool:
        """Make a layer; return whether it was missing."""
        rows = (line.split() for line in self._run([*self._ctr, "snapshots", "list"]).splitlines()[1:])
        known = {row[0] for row in rows}
        if key in known:
            return False
        unfinished = f"rsparkhub-{key}"
        if unfinished in known:  # of one who was killed here
            self._run([*self._ctr, "snapshots", "remove", unfinished])
        self._run([*self._ctr, "snapshots", "prepare", unfinished, *([below] if below else [])])
        mounts = self._run([*self._ctr, "snapshots", "mounts", "/mnt", unfinished])
        match = _WRITTEN.search(mounts)
        if match is None:
            raise LookupError(f"containerd has said of a layer where it is in words that are not known here: {mounts}")
        folder = Path(match[1] or match[2])
        link = ["--link"] if folder.stat().st_dev == layer.folder.stat().st_dev else []
        self._run(["cp", "--archive", *link, f"{layer.folder}/.", str(folder)])
        self._run([*self._ctr, "snapshots", "commit", key, unfinished])
        return True


def _archive(images: list[Image]) -> bytes:
    """Return an archive of images without their layers."""
    described = [
        {
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "digest": image.digest,
            "size": len(image.manifest),
            "annotations": {"io.containerd.image.name": image.name},
        }
        for image in images
    ]
    files = {
        "oci-layout": b'{"imageLayoutVersion": "1.0.0"}',
        "index.json": json.dumps({"schemaVersion": 2, "manifests": described}).encode(),
    }
    for content in [part for image in images for part in (image.manifest, image.config)]:
        files[f"blobs/{_digest(content).replace(':', '/')}"] = content
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return written.getvalue()


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _file_of(key: str) -> str:
    """Return the name of the file in which a storage has what goes by a key."""
    return f"={base64.b64encode(key.encode()).decode()}"
