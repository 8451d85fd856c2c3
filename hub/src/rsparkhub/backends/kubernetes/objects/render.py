"""Manifests as text: what would be applied for one generation, to read or to keep in Git. Pure."""

import json

import yaml

from rsparkhub.backends.kubernetes.objects import admission, generation, secret
from rsparkhub.backends.kubernetes.objects import namespace as namespaces
from rsparkhub.backends.kubernetes.objects.names import Object
from rsparkhub.backends.kubernetes.objects.network import Networks
from rsparkhub.backends.kubernetes.objects.placed import Placed
from rsparkhub.domain.ensemble import EnsembleSpec
from rsparkhub.settings.kubernetes import KubernetesSettings

#: The API server gives the root its own, and the others name it.
UID = "00000000-0000-0000-0000-000000000000"


def manifests(spec: EnsembleSpec, settings: KubernetesSettings, *, api_server: Networks = ()) -> list[Object]:
    """Return every object of a generation, in the order in which they are applied."""
    placed = Placed.of(spec, settings)
    root = generation.root(placed)
    known = {**root, "metadata": {**root["metadata"], "uid": UID}}
    return [
        *generation.persistent(placed),
        {**root, "stringData": {**root["stringData"], secret.FILE: _indented(root["stringData"][secret.FILE])}},
        *generation.dependents(placed, root=known, api_server=api_server),
    ]


def namespace(settings: KubernetesSettings) -> list[Object]:
    """Return what a namespace of sessions has, and the policy of the cluster, before there is any session."""
    name = settings.namespace
    return [namespaces.namespace(name), *namespaces.baseline(name, settings), *admission.admission(settings)]


def to_yaml(found: list[Object]) -> str:
    """Write objects as one YAML stream; a file inside of a Secret is shown as lines, not as one string."""
    return "".join(f"---\n{_document(one)}" for one in found)


def _document(manifest: Object) -> str:
    return yaml.dump(_shown(manifest), Dumper=_Dumper, sort_keys=False, width=120, allow_unicode=True)


def _indented(document: str) -> str:
    return json.dumps(json.loads(document), indent=1, sort_keys=True)


def _shown(manifest: Object) -> Object:
    return json.loads(json.dumps(manifest))  # type: ignore[no-any-return]  # no two places are one object: no anchors


class _Dumper(yaml.SafeDumper):
    pass


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)
