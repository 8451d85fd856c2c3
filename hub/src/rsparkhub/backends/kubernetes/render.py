"""Manifests as text: what would be applied for one generation, to read or to keep in Git. Pure."""

import json
from typing import Any

import yaml

from rsparkhub.backends.kubernetes import admission, objects, standing
from rsparkhub.backends.kubernetes.objects import Networks
from rsparkhub.domain.ensemble import EnsembleSpec
from rsparkhub.settings.kubernetes import KubernetesSettings

#: The API server gives the root its own, and the others name it.
UID = "00000000-0000-0000-0000-000000000000"


def manifests(spec: EnsembleSpec, settings: KubernetesSettings, *, api_server: Networks = ()) -> list[dict[str, Any]]:
    """Give every object of a generation, in the order in which they are applied."""
    root = objects.root(spec, settings)
    known = {**root, "metadata": {**root["metadata"], "uid": UID}}
    return [*objects.kept(spec, settings), root, *objects.rest(spec, settings, root=known, api_server=api_server)]


def namespace(settings: KubernetesSettings) -> list[dict[str, Any]]:
    """Give what stands in a namespace of sessions, and the policy of the cluster, before there is any session."""
    name = settings.namespace
    return [standing.namespace(name), *standing.standing(name, settings), *admission.admission(settings)]


def to_yaml(found: list[dict[str, Any]]) -> str:
    """Write objects as one YAML stream; a file inside of a Secret is shown as lines, not as one string."""
    return "".join(f"---\n{_document(one)}" for one in found)


def _document(manifest: dict[str, Any]) -> str:
    return yaml.dump(_shown(manifest), Dumper=_Dumper, sort_keys=False, width=120, allow_unicode=True)


def _shown(manifest: dict[str, Any]) -> dict[str, Any]:
    return json.loads(json.dumps(manifest))  # type: ignore[no-any-return]  # no two places are one object: no anchors


class _Dumper(yaml.SafeDumper):
    pass


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)
