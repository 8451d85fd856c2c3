"""The root of a generation: a Secret with all that its agent reads. It is made first, and all else ends with it."""

import base64
import json
from typing import Any

from rsparkhub.backends.base import EnsembleRef
from rsparkhub.backends.kubernetes.names import AGENT_PORT, labels_of, metadata, name_of
from rsparkhub.domain.ensemble import EnsembleSpec

FILE = "ensemble.json"
FOLDER = "/etc/rspark"
HOME = "/home/rspark"
RUN = "/run/rspark"
TERMINATION_MESSAGE = "/dev/termination-log"


def secret(
    spec: EnsembleSpec, namespace: str, *, image: str, forget: tuple[str, ...], spark: dict[str, Any] | None
) -> dict[str, Any]:
    """Build it.

    Parameters
    ----------
    spec
        What to run.
    namespace
        Where.
    image
        The image of its pod: packages that a person installs are kept for each image.
    forget
        Deleted sessions of this person, whose kept workspaces the agent throws away.
    spark
        How its driver gets executors, see `spark.driver`; None where Spark asks for none.
    """
    ref = EnsembleRef(spec.id, spec.generation)
    document = spec.to_json() | {
        "run": RUN,
        "home": HOME,
        "keep": f"{HOME}/.local/share/rspark/sessions/{spec.id}",
        "data": f"{HOME}/data",
        "listen": {"host": "0.0.0.0", "port": AGENT_PORT},  # noqa: S104  the pod's own network, behind a policy and a secret
        "logs": "stdout",
        "termination_message": TERMINATION_MESSAGE,
        "image": image,
        "forget": list(forget),
    }
    if spark is not None:
        document["spark"] = {**(spec.spark or {}), "kubernetes": spark}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": metadata(name_of(ref), namespace, labels_of(ref, user=spec.user, component=spec.kind)),
        "type": "Opaque",
        "stringData": {FILE: json.dumps(document, indent=1, sort_keys=True)},
    }


def content(root: dict[str, Any]) -> str:
    """Give the agent's file out of a Secret as the API server has it."""
    return base64.b64decode(root["data"][FILE]).decode()
