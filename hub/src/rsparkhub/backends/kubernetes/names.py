"""How objects are called and labelled."""

import hashlib
import re
from typing import Any

from rsparkhub.backends.base import EnsembleRef

FIELD_MANAGER = "rsparkhub"
MANAGED = "app.kubernetes.io/managed-by"
SESSION, USER, COMPONENT, GENERATION = "rsparkhub/session", "rsparkhub/user", "rsparkhub/component", "rsparkhub/generation"
#: Whether a pod may reach what is outside of the cluster as the standing policy allows: `standard`, or `own`.
EGRESS = "rsparkhub/egress"
#: The pod waits, once it is deleted, until its exit code and its record have been read.
FINALIZER = "rsparkhub/record"
#: On the claim of a home: the deleted sessions whose kept workspaces the next agent throws away.
FORGET = "rsparkhub/forget"
SELECTOR = f"{MANAGED}=rsparkhub"

AGENT_PORT = 8888

_PLAIN = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")


def name_of(ref: EnsembleRef) -> str:
    """Name all objects of one generation: doing a step twice makes nothing twice."""
    return f"rspark-{ref.id}-{ref.generation}"


def ref_of(item: dict[str, Any]) -> EnsembleRef | None:
    """Give the generation that an object belongs to; None for what belongs to none, whoever put our labels on it."""
    labels = item.get("metadata", {}).get("labels") or {}
    session, generation = labels.get(SESSION, ""), labels.get(GENERATION, "")
    if labels.get(MANAGED) != "rsparkhub" or not session or not generation.isdigit():
        return None
    return EnsembleRef(session, int(generation))


def plain(name: str) -> str:
    """Give a person's name as a part of an object's name: itself where it may be one, else one that no other gets."""
    if _PLAIN.fullmatch(name):
        return name
    letters = re.sub(r"[^a-z0-9-]", "-", name).strip("-")
    return f"{letters}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def account_name(ref: EnsembleRef, user: str | None) -> str:
    """Name the driver's account: by the generation and the person, which is all that `admission` knows of who asks."""
    return f"{name_of(ref)}.{plain(user)}" if user else name_of(ref)


def labels_of(ref: EnsembleRef, *, user: str | None, component: str) -> dict[str, str]:
    """Give the labels of every object of a generation."""
    labels = {MANAGED: "rsparkhub", SESSION: ref.id, GENERATION: str(ref.generation), COMPONENT: component}
    return labels | ({USER: plain(user)} if user else {})


def metadata(
    name: str, namespace: str, labels: dict[str, str], *, owner: dict[str, Any] | None = None, **more: Any
) -> dict[str, Any]:
    """Give an object's metadata; `owner` is the root object, with whose end this one ends."""
    found: dict[str, Any] = {"name": name, "namespace": namespace, "labels": labels}
    if owner is not None:
        reference = {"apiVersion": "v1", "kind": "Secret", "name": owner["metadata"]["name"], "uid": owner["metadata"]["uid"]}
        # `kubectl drain` leaves a pod alone that nobody would make again: this one has somebody.
        found["ownerReferences"] = [reference | {"controller": True}]
    return found | more
