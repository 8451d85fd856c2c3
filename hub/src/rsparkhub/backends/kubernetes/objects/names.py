"""How objects are called and labelled."""

import hashlib
import re
from collections.abc import Iterable
from typing import Any

from rsparkhub.backends.base import EnsembleRef
from rsparkhub.settings.placement import Placement, Toleration

#: An object as the API server takes it, or has it.
Object = dict[str, Any]

FIELD_MANAGER = "rsparkhub"
MANAGED = "app.kubernetes.io/managed-by"
SESSION, USER, COMPONENT, GENERATION = "rsparkhub/session", "rsparkhub/user", "rsparkhub/component", "rsparkhub/generation"
#: Whether a pod may reach what is outside of the cluster as the namespace's policy allows: `standard`, or `own`.
EGRESS = "rsparkhub/egress"
#: Of a shared service's pod and address: which service it is, of the several instances that one may have.
SERVICE = "rsparkhub/service"
#: On a shared service's address: the names of the ports that no session reaches.
PRIVATE = "rsparkhub/private-ports"
#: With a service's name after it: the pod may reach that shared service.
USES = "rsparkhub/uses-"
#: By which policies a pod may reach shared services. Pods of versions that had no such label may reach all of them.
POLICIES = "rsparkhub/policies"
BY_SERVICE = "by-service"
#: The pod waits, once it is deleted, until its exit code and its record have been read.
FINALIZER = "rsparkhub/record"
#: On the claim of a home: the deleted sessions whose kept workspaces the next agent throws away.
FORGET = "rsparkhub/forget"
#: On the claim of a home whose name may be that of another person's: whose it is.
OWNER = "rsparkhub/owner"
SELECTOR = f"{MANAGED}=rsparkhub"

#: In the name of an account: that it says where the session's pod runs, and before each thing that it says of that.
PLACED = "placed"
RUNTIME, PRIORITY, NODE, TAINT = "runtime", "priority", "node", "taint"
#: How what may not stand in the name of an account, or parts its parts, is written there; `-` and a small letter is a capital.
LETTERS = (("-", "-1"), (".", "-0"), ("/", "-2"), ("_", "-3"), ("=", "-4"), (":", "-5"))
#: The letters that the name of an account, as of most objects, may have.
LONGEST_NAME = 253

AGENT_PORT = 8888

_PLAIN = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")
_HASHED = re.compile(r".*-[0-9a-f]{8}")


def name_of(ref: EnsembleRef) -> str:
    """Name all objects of one generation: doing a step twice makes nothing twice."""
    return f"rspark-{ref.id}-{ref.generation}"


def ref_of(item: Object) -> EnsembleRef | None:
    """Return the generation that an object belongs to; None for what belongs to none, whoever put our labels on it."""
    labels = item.get("metadata", {}).get("labels") or {}
    session, generation = labels.get(SESSION, ""), labels.get(GENERATION, "")
    return EnsembleRef.parse(session, generation) if labels.get(MANAGED) == "rsparkhub" else None


def plain(name: str) -> str:
    """Return a person's name as a part of an object's name: itself where it may be one, else its letters and a hash."""
    if _PLAIN.fullmatch(name):
        return name
    letters = re.sub(r"[^a-z0-9-]", "-", name).strip("-")
    return f"{letters}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def is_ambiguous(name: str) -> bool:
    """Return whether a person's part of an object's name may be another's, too: one's name looks as the other's with its hash."""
    return _HASHED.fullmatch(plain(name)) is not None


def account_name(ref: EnsembleRef, user: str | None, uses: Iterable[str], where: Placement) -> str:
    """Return the name of a driver's account, which is all that `admission` knows of who asks.

    It says the generation, the person, the classes and the nodes of the session's pod, and after the word `uses` the shared
    services that the session may reach.
    """
    said = [
        *([f"{RUNTIME}-{_written(where.runtime_class)}"] if where.runtime_class else []),
        *([f"{PRIORITY}-{_written(where.priority_class)}"] if where.priority_class else []),
        *(f"{NODE}-{_written(f'{label}={value}')}" for label, value in where.node_selector.items()),
        *(f"{TAINT}-{_written(taints(toleration))}" for toleration in where.tolerations),
    ]
    return ".".join([name_of(ref), plain(user or ""), PLACED, *said, "uses", *uses])


def taints(toleration: Toleration) -> str:
    """Return what a pod tolerates as kubectl writes taints: `key:effect`, or `key=value:effect` where the value counts."""
    value = f"={toleration.value or ''}" if toleration.operator == "Equal" else ""
    return f"{toleration.key or ''}{value}:{toleration.effect or ''}"


def _written(text: str) -> str:
    """Return a text as a part of an account's name: no other text is written so."""
    for letters, instead in LETTERS:
        text = text.replace(letters, instead)
    return "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in text)


def labels_of(ref: EnsembleRef, *, user: str | None, component: str) -> dict[str, str]:
    """Return the labels of every object of a generation."""
    labels = {MANAGED: "rsparkhub", SESSION: ref.id, GENERATION: str(ref.generation), COMPONENT: component}
    return labels | ({USER: plain(user)} if user else {})


def labels_of_uses(uses: Iterable[str]) -> dict[str, str]:
    """Return the labels by which policies know which shared services a pod may reach."""
    return {POLICIES: BY_SERVICE, **{f"{USES}{service}": "true" for service in uses}}


def metadata(name: str, namespace: str, labels: dict[str, str], *, owner: Object | None = None, **more: Any) -> Object:
    """Return an object's metadata; `owner` is the root object, with whose end this one ends."""
    found: Object = {"name": name, "namespace": namespace, "labels": labels}
    if owner is not None:
        reference = {"apiVersion": "v1", "kind": "Secret", "name": owner["metadata"]["name"], "uid": owner["metadata"]["uid"]}
        # `kubectl drain` leaves a pod alone that nobody would make again: this one has somebody.
        found["ownerReferences"] = [reference | {"controller": True}]
    return found | more
