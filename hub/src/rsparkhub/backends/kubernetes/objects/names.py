"""How objects are called and labelled."""

import hashlib
import re
from collections.abc import Iterable
from typing import Any

from rsparkhub.backends.base import EnsembleRef

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
SELECTOR = f"{MANAGED}=rsparkhub"

#: Before the name of a RuntimeClass and of a PriorityClass in the name of an account; and how letters of those are written there.
RUNTIME, PRIORITY = "runtime", "priority"
CLASS_LETTERS = (("-", "-1"), (".", "-0"))

AGENT_PORT = 8888

_PLAIN = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")


def name_of(ref: EnsembleRef) -> str:
    """Name all objects of one generation: doing a step twice makes nothing twice."""
    return f"rspark-{ref.id}-{ref.generation}"


def ref_of(item: Object) -> EnsembleRef | None:
    """Return the generation that an object belongs to; None for what belongs to none, whoever put our labels on it."""
    labels = item.get("metadata", {}).get("labels") or {}
    session, generation = labels.get(SESSION, ""), labels.get(GENERATION, "")
    return EnsembleRef.parse(session, generation) if labels.get(MANAGED) == "rsparkhub" else None


def plain(name: str) -> str:
    """Return a person's name as a part of an object's name: itself where it may be one, else one that no other gets."""
    if _PLAIN.fullmatch(name):
        return name
    letters = re.sub(r"[^a-z0-9-]", "-", name).strip("-")
    return f"{letters}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def account_name(ref: EnsembleRef, user: str | None, uses: Iterable[str], *, runtime: str | None, priority: str | None) -> str:
    """Return the name of a driver's account, which is all that `admission` knows of who asks.

    It says the generation, the person, the classes of the session's pod where it has some, and after the word `uses` the shared
    services that the session may reach.
    """
    classes = [_with_class(RUNTIME, runtime), _with_class(PRIORITY, priority)] if runtime or priority else []
    return ".".join([name_of(ref), plain(user or ""), *classes, "uses", *uses])


def _with_class(word: str, name: str | None) -> str:
    """Return a class as a part of an account's name: without dots, which part the parts."""
    for letters, instead in CLASS_LETTERS:
        name = (name or "").replace(letters, instead)
    return f"{word}-{name}" if name else word


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
