"""Templates of the Helm chart out of the builders of the Kubernetes backend, so that both always say the same."""

import sys
from pathlib import Path
from typing import Any

from rsparkhub.backends.kubernetes.objects import admission, render, rights
from rsparkhub.backends.kubernetes.objects import namespace as namespaces
from rsparkhub.settings.kubernetes import KubernetesSettings

TEMPLATES = Path(__file__).resolve().parent.parent / "deploy/helm/rsparkhub/templates"
MADE = "# Made from the code by scripts/make-chart. Change the code, not this file.\n"
#: What the chart's values put into the place of a word.
PLACES = {
    "SESSIONS-NAMESPACE": "{{ .Values.sessions.namespace }}",
    "HUB-NAMESPACE": "{{ .Release.Namespace }}",
    "SPARK-IMAGE": '{{ include "rsparkhub.image" (dict "root" . "name" "spark") }}',
    "RELEASE": "{{ .Release.Name }}",
}


def settings(namespaces: str) -> KubernetesSettings:
    """Give settings whose names are the words; they aren't checked, since they are none yet."""
    values = KubernetesSettings().model_dump() | {
        "namespace": "SESSIONS-NAMESPACE",
        "namespaces": namespaces,
        "hub_namespace": "HUB-NAMESPACE",
        "spark_image": "SPARK-IMAGE",
        "quota": KubernetesSettings().quota,
        "placement": KubernetesSettings().placement,
    }
    return KubernetesSettings.model_construct(**values)


def by_namespaces(make: Any) -> str:
    """Give one text for each way of having namespaces, and let the values choose."""
    one, person = (filled(render.to_yaml(make(settings(namespaces)))) for namespaces in ("one", "person"))
    if one == person:
        return one
    return f'{{{{- if eq .Values.sessions.namespaces "one" }}}}\n{one}{{{{- else }}}}\n{person}{{{{- end }}}}\n'


def filled(text: str) -> str:
    for word, place in PLACES.items():
        text = text.replace(word, place)
    return text


def namespace(asked: KubernetesSettings) -> list[dict[str, Any]]:
    found = namespaces.namespace(asked.namespace)
    found["metadata"]["annotations"] = {"helm.sh/resource-policy": "keep"}  # people's homes are in it
    return [found]


def controller_rights() -> str:
    """Give the controller's rights: in the namespace of sessions, or in all where each person has one."""
    rules = [right.rule() for right in rights.CONTROLLER]
    subject = {"kind": "ServiceAccount", "name": "RELEASE-controller", "namespace": "HUB-NAMESPACE"}

    def both(kind: str, where: dict[str, str], given: list[dict[str, Any]]) -> list[dict[str, Any]]:
        group = "rbac.authorization.k8s.io"
        name = "RELEASE-controller" if where else "RELEASE-controller-HUB-NAMESPACE"
        reference = {"apiGroup": group, "kind": kind, "name": name}
        meta = {"name": name, **where}
        return [
            {"apiVersion": f"{group}/v1", "kind": kind, "metadata": meta, "rules": given},
            {
                "apiVersion": f"{group}/v1",
                "kind": f"{kind}Binding",
                "metadata": meta,
                "roleRef": reference,
                "subjects": [subject],
            },
        ]

    one = filled(render.to_yaml(both("Role", {"namespace": "SESSIONS-NAMESPACE"}, rules)))
    everywhere = [*rules, *(right.rule() for right in rights.NAMESPACES)]
    person = filled(render.to_yaml(both("ClusterRole", {}, everywhere)))
    return f'{{{{- if eq .Values.sessions.namespaces "one" }}}}\n{one}{{{{- else }}}}\n{person}{{{{- end }}}}\n'


def templates() -> dict[str, str]:
    created = "{{- if .Values.sessions.createNamespace }}\n" + by_namespaces(namespace) + "{{- end }}\n"
    return {
        "sessions-namespace.yaml": created + by_namespaces(lambda asked: namespaces.baseline(asked.namespace, asked)),
        "executors.yaml": by_namespaces(admission.admission),
        "controller-rights.yaml": controller_rights(),
    }


def main() -> int:
    check, stale = "--check" in sys.argv[1:], []
    for name, text in templates().items():
        path = TEMPLATES / name
        if path.exists() and path.read_text() == MADE + text:
            continue
        stale.append(name)
        if not check:
            path.write_text(MADE + text)
            print(f"{name} was made anew.")
    if check and stale:
        print(f"{', '.join(stale)}: not as the code says. Run scripts/make-chart.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
