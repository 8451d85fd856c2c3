"""The root of a generation: a Secret with all that its agent reads. It is made first, and all else ends with it."""

import base64
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from rspark_contract.ensemble import Places, ServiceSpec
from rspark_contract.reading import JsonObject
from rsparkhub.backends.base import EnsembleRef
from rsparkhub.backends.kubernetes.names import AGENT_PORT, labels_of, metadata, name_of
from rsparkhub.domain.ensemble import EnsembleSpec

FILE = "ensemble.json"
FOLDER = "/etc/rspark"
HOME = "/home/rspark"
RUN = "/run/rspark"
TERMINATION_MESSAGE = "/dev/termination-log"


def secret(
    spec: EnsembleSpec, namespace: str, *, image: str, forget: tuple[str, ...], spark: JsonObject | None
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
    document = spec.document(places, image=image, forget=forget)
    if spark is not None:
        document = replace(document, services=tuple(_with_driver(service, spark) for service in document.services))
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": metadata(name_of(ref), namespace, labels_of(ref, user=spec.user, component=spec.kind)),
        "type": "Opaque",
        "stringData": {FILE: json.dumps(document.to_json(), indent=1, sort_keys=True)},
    }


def _with_driver(service: ServiceSpec, driver: JsonObject) -> ServiceSpec:
    return replace(service, config={**service.config, "kubernetes": driver}) if service.name == "spark" else service


def content(root: dict[str, Any]) -> str:
    """Give the agent's file out of a Secret as the API server has it."""
    return base64.b64decode(root["data"][FILE]).decode()
