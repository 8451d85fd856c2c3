"""The root of a generation: a Secret with all that its agent reads. It is made first, and all else ends with it."""

import base64
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from rspark_contract.reading import JsonObject
from rspark_contract.specs import Places, ServiceSpec
from rsparkhub.backends.kubernetes.objects.names import AGENT_PORT, Object, metadata
from rsparkhub.backends.kubernetes.objects.placed import Placed

FILE = "ensemble.json"
FOLDER = "/etc/rspark"
HOME = "/home/rspark"
RUN = "/run/rspark"
TERMINATION_MESSAGE = "/dev/termination-log"


def secret(placed: Placed, *, forget: tuple[str, ...], config: Mapping[str, JsonObject], words: Mapping[str, str]) -> Object:
    """Build it.

    Parameters
    ----------
    placed
        What runs, and where.
    forget
        Deleted sessions of this person, whose kept workspaces the agent throws away.
    config
        What a service's agent is told beyond what its environment says, by the service's name.
    words
        What pods of the generation are given out of it, by the keys they name.
    """
    spec = placed.spec
    places = Places(
        run=Path(RUN),
        keep=Path(HOME, ".local/share/rspark/sessions", spec.id),
        home=Path(HOME),
        data=Path(HOME, "data"),
        host="0.0.0.0",  # noqa: S104  the pod's own network, behind a policy and a secret
        port=AGENT_PORT,
        logs_to_stdout=True,
        termination_message=Path(TERMINATION_MESSAGE),
    )
    document = spec.document(places, image=placed.image, forget=forget)
    document = replace(document, services=tuple(_with(service, config.get(service.name, {})) for service in document.services))
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": metadata(placed.name, placed.namespace, placed.labels(spec.kind)),
        "type": "Opaque",
        "stringData": {FILE: json.dumps(document.to_json()), **words},
    }


def _with(service: ServiceSpec, config: JsonObject) -> ServiceSpec:
    return replace(service, config={**service.config, **config})


def content(root: Object) -> str:
    """Return the agent's file out of a Secret as the API server has it."""
    return base64.b64decode(root["data"][FILE]).decode()
