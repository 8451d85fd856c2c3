"""Homes that are full, and volumes that are in use elsewhere: what the person reads, and that nothing is lost."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .cluster import Cluster, make
from .hub import NAMESPACE, Hub, gone
from .spark import until

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]


def claim(name: str, volume: str, mode: str = "ReadWriteOnce") -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {
            "accessModes": [mode],
            "storageClassName": "",
            "volumeName": volume,
            "resources": {"requests": {"storage": "64Mi"}},
        },
    }


def volume(name: str, claimed: str, **source: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name},
        "spec": {
            "capacity": {"storage": "64Mi"},
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": "",
            "persistentVolumeReclaimPolicy": "Retain",
            "claimRef": {"namespace": NAMESPACE, "name": claimed},
            **source,
        },
    }


@pytest.fixture
def small_home(namespace: Cluster, tmp_path: Path) -> Iterator[str]:
    """A home of 64 MiB, for a person of their own; give their name."""
    folder = tmp_path / "small"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m,mode=0777", "small", folder], check=True)
    namespace.apply(volume("small", "home-cara", hostPath={"path": str(folder)}), claim("home-cara", "small"))
    yield "cara"
    namespace("-n", NAMESPACE, "delete", "persistentvolumeclaim", "home-cara")
    namespace("delete", "persistentvolume", "small")
    subprocess.run(["umount", folder], check=True)


def test_a_full_home_loses_no_file_and_says_what_was_not_saved(hub: Hub, namespace: Cluster, small_home: str) -> None:
    cara = hub.as_person(small_home)
    session = cara.start("lab")
    cara.run(session, "bash", "-c", "echo kept > ~/kept.txt")
    cara.r(session, "large <- rnorm(2e6); small <- 1")
    full = cara.command(
        "session",
        "exec",
        session,
        "--",
        "bash",
        "-c",
        "head -c 100M /dev/zero > ~/fill 2>/dev/null; df --output=avail ~ | tail -1",
    )
    assert full.stdout.strip() == "0"
    cara.command("session", "suspend", session, "--wait", within=240)
    seen = cara.show(session)
    assert seen["state"] == "failed"
    assert seen["reason"] == (
        "Your home is full, so what was in memory could not be saved. Your files are kept. Start the session again and delete "
        "files that you don't need."
    )
    cara.do("resume", session)
    assert cara.run(session, "cat", "kept.txt") == "kept\n"
    cara.run(session, "rm", "fill")
    cara.delete(session)
    gone(namespace, session)


def test_a_home_that_is_full_from_the_start_can_still_be_cleared(hub: Hub, namespace: Cluster, small_home: str) -> None:
    cara = hub.as_person(small_home)
    session = cara.start("shell")
    cara.command("session", "exec", session, "--", "bash", "-c", "head -c 100M /dev/zero > ~/fill")
    cara.do("stop", session)
    cara.do("resume", session)
    cara.run(session, "rm", "fill")
    assert cara.run(session, "bash", "-c", "echo again > ~/again.txt && cat ~/again.txt") == "again\n"
    cara.delete(session)
    gone(namespace, session)


@pytest.fixture
def held_elsewhere(namespace: Cluster) -> Iterator[None]:
    """A volume of a storage that attaches it to one node at a time, attached to another one.

    The storage's own driver is played by us: it says "attached". All else is the real attach-detach controller.
    """
    make("cluster-scale", NODES="1")
    node = "kwok-1"
    namespace("annotate", "node", node, "volumes.kubernetes.io/controller-managed-attach-detach=true", "--overwrite")
    driver = {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "CSIDriver",
        "metadata": {"name": "disks.test"},
        "spec": {"attachRequired": True, "podInfoOnMount": False},
    }
    holder = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "holder", "namespace": NAMESPACE},
        "spec": {
            "nodeName": node,
            "tolerations": [{"operator": "Exists"}],
            "securityContext": {"runAsNonRoot": True, "runAsUser": 1000, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [
                {
                    "name": "holder",
                    "image": "any",
                    "resources": {"limits": {"cpu": "100m", "memory": "64Mi"}},
                    "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
                    "volumeMounts": [{"name": "home", "mountPath": "/home"}],
                }
            ],
            "volumes": [{"name": "home", "persistentVolumeClaim": {"claimName": "home-dora"}}],
        },
    }
    disk = volume("disk", "home-dora", csi={"driver": "disks.test", "volumeHandle": "disk-1"})
    namespace.apply(driver, disk, claim("home-dora", "disk"), holder)

    def attachment() -> str:
        found = namespace.get("volumeattachments")["items"]
        return next((one["metadata"]["name"] for one in found if one["spec"]["attacher"] == "disks.test"), "")

    name = until(attachment)
    namespace("patch", "volumeattachment", name, "--subresource=status", "--type=merge", "-p", '{"status": {"attached": true}}')
    yield
    namespace("-n", NAMESPACE, "delete", "pod", "holder", "--force", "--grace-period=0")
    namespace("delete", "csidriver", "disks.test")
    for kind, words in (("volumeattachment", [name]), ("persistentvolume", ["disk"])):
        namespace("delete", kind, *words, "--wait=false", "--ignore-not-found")
        if json.loads(namespace("get", kind, *words, "--ignore-not-found", "-o", "json") or "{}"):
            namespace("patch", kind, *words, "--type=merge", "-p", '{"metadata": {"finalizers": null}}')
    namespace("-n", NAMESPACE, "delete", "persistentvolumeclaim", "home-dora", "--wait=false")
    make("cluster-scale", NODES="0")


def test_a_home_that_is_in_use_on_another_node_is_said_in_words(hub: Hub, namespace: Cluster, held_elsewhere: None) -> None:
    dora = hub.as_person("dora")
    session = dora.start("shell", wait=False)
    seen = dora.until(session, lambda seen: bool(seen["reason"]))
    assert seen["reason"] == ("Your home is in use by another session on another machine. Put that one to sleep, or wait.")
    assert "Multi-Attach" in seen["detail"]
    dora.delete(session)
    gone(namespace, session)
