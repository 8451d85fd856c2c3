"""What a session's Spark may do with pods: make and delete executors and workers of its own, and nothing else.

Rights by role can't tell one pod from another, and a session is its person's, who may ask the API server for anything with
the driver's account. So the API server itself compares each pod with the account that asks, by a ValidatingAdmissionPolicy.
"""

import json

from rsparkhub.backends.kubernetes.objects.names import (
    CLASS_LETTERS,
    COMPONENT,
    EGRESS,
    GENERATION,
    MANAGED,
    POLICIES,
    PRIORITY,
    RUNTIME,
    SERVICE,
    SESSION,
    USES,
    Object,
)
from rsparkhub.settings.kubernetes import KubernetesSettings


def admission(settings: KubernetesSettings) -> list[Object]:
    """Build the policy and its binding: objects of the whole cluster, which an administrator applies."""
    end = ":" if settings.namespaces == "one" else "-"
    accounts = f"system:serviceaccount:{settings.namespace}{end}"
    image = settings.spark_image or settings.session_image
    classes = ["", *filter(None, [settings.placement.priority_class])]
    labels = {"app.kubernetes.io/managed-by": "rsparkhub"}
    name = f"{settings.namespace}-executors"
    return [
        {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingAdmissionPolicy",
            "metadata": {"name": name, "labels": labels},
            "spec": {
                "failurePolicy": "Fail",
                "matchConstraints": {
                    "resourceRules": [
                        {
                            "apiGroups": [""],
                            "apiVersions": ["v1"],
                            "operations": ["CREATE", "UPDATE", "DELETE", "CONNECT"],
                            "resources": ["pods", "pods/*"],
                        }
                    ]
                },
                "matchConditions": [
                    {
                        "name": "an-account-of-a-session",
                        "expression": f"request.userInfo.username.startsWith({json.dumps(accounts)})",
                    }
                ],
                "variables": [
                    {"name": "account", "expression": "request.userInfo.username.split(':')[3].split('.')"},
                    {"name": "me", "expression": "variables.account[0]"},
                    {"name": "user", "expression": "variables.account.size() > 1 ? variables.account[1] : ''"},
                    # Accounts of sessions whose pod has no class, and of those that the version before has started, name none.
                    {"name": "uses", "expression": "variables.account.size() > 2 && variables.account[2] != 'uses' ? 4 : 2"},
                    {"name": "runtime", "expression": _class_in(2, RUNTIME)},
                    {"name": "priority", "expression": _class_in(3, PRIORITY)},
                    {"name": "pod", "expression": "request.operation == 'DELETE' ? oldObject : object"},
                    {
                        "name": "labels",
                        "expression": "has(variables.pod.metadata.labels) ? variables.pod.metadata.labels : {}",
                    },
                    {"name": "makes", "expression": "request.operation != 'DELETE'"},
                ],
                "validations": [
                    {"expression": expression, "message": message, "reason": "Forbidden"}
                    for expression, message in _validations(image, classes)
                ],
            },
        },
        {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingAdmissionPolicyBinding",
            "metadata": {"name": name, "labels": labels},
            "spec": {"policyName": name, "validationActions": ["Deny"]},
        },
    ]


def _class_in(part: int, word: str) -> str:
    """Write the expression for the class that a part of the account's name says; it is empty where it says none."""
    found = f"variables.account[{part}]"
    return f"variables.uses == 4 && {found}.startsWith('{word}-') ? {found}.substring({len(word) + 1}) : ''"


def _as_in_an_account(name: str) -> str:
    """Write the expression for the name of a class as an account's name has it."""
    return name + "".join(f".replace('{letters}', '{instead}')" for letters, instead in CLASS_LETTERS)


def _validations(image: str, classes: list[str]) -> list[tuple[str, str]]:
    pod, containers = "variables.pod", "variables.pod.spec.containers"
    made = "!variables.makes || "
    found = [
        (
            "request.operation in ['CREATE', 'DELETE'] && (!has(request.subResource) || request.subResource == '')",
            "A session may only make and delete executors.",
        ),
        (
            (
                f"'{SESSION}' in variables.labels && '{GENERATION}' in variables.labels && '{COMPONENT}' in variables.labels"
                f" && '{MANAGED}' in variables.labels && variables.labels['{MANAGED}'] == 'rsparkhub'"
                f" && variables.labels['{COMPONENT}'] == 'executor' && !('{EGRESS}' in variables.labels)"
                f" && 'rspark-' + variables.labels['{SESSION}'] + '-' + variables.labels['{GENERATION}'] == variables.me"
            ),
            "An executor has the labels of its own session.",
        ),
        (  # the account of a session that the version before has started names no services
            f"variables.account.size() < 3 || '{POLICIES}' in variables.labels",
            "An executor has the labels of its own session.",
        ),
        (
            (
                f"!('{SERVICE}' in variables.labels) && variables.labels.all(label, !label.startsWith('{USES}')"
                f" || variables.account.lastIndexOf(label.substring({len(USES)})) > variables.uses)"
            ),
            "An executor reaches the services of its own session.",
        ),
        (
            f"has({pod}.metadata.name) && {pod}.metadata.name.startsWith(variables.me + '-')",
            "An executor's name begins with that of its session's pod.",
        ),
        (
            made + f"(has({pod}.metadata.ownerReferences) && {pod}.metadata.ownerReferences.size() == 1"
            f" && {pod}.metadata.ownerReferences[0].kind == 'Pod'"
            f" && {pod}.metadata.ownerReferences[0].name == variables.me"
            f" && (!has({pod}.metadata.finalizers) || {pod}.metadata.finalizers.size() == 0))",
            "An executor is owned by its session's pod and ends with it.",
        ),
        (
            made + f"((!has({pod}.spec.serviceAccountName) || {pod}.spec.serviceAccountName in ['', 'default'])"
            f" && has({pod}.spec.automountServiceAccountToken) && !{pod}.spec.automountServiceAccountToken)",
            "An executor has no account.",
        ),
        (
            made + f"((!has({pod}.spec.hostNetwork) || !{pod}.spec.hostNetwork)"
            f" && (!has({pod}.spec.hostPID) || !{pod}.spec.hostPID) && (!has({pod}.spec.hostIPC) || !{pod}.spec.hostIPC)"
            f" && (!has({pod}.spec.nodeName) || {pod}.spec.nodeName == '')"
            f" && (!has({pod}.spec.priorityClassName) || {pod}.spec.priorityClassName in {json.dumps(classes)}"
            f" || (variables.priority != ''"
            f" && {_as_in_an_account(f'{pod}.spec.priorityClassName')} == variables.priority)))",
            "An executor has nothing of its node, and no node or priority of its choice.",
        ),
        (  # a sandbox keeps the node from what a person's code does, also in an executor
            made + f"(variables.runtime == '' || (has({pod}.spec.runtimeClassName)"
            f" && {_as_in_an_account(f'{pod}.spec.runtimeClassName')} == variables.runtime))",
            "An executor runs in the same sandbox as its session: it has its RuntimeClass.",
        ),
        (
            made + f"(!has({pod}.spec.volumes) || {pod}.spec.volumes.all(v, has(v.emptyDir)"
            " || (has(v.persistentVolumeClaim) && v.persistentVolumeClaim.claimName == 'home-' + variables.user)))",
            "An executor has no volumes but empty ones and the home of its session's person.",
        ),
        (  # a pod's environment is a way to every Secret of the namespace
            made + f"{containers}.all(c, (!has(c.envFrom) || c.envFrom.size() == 0) && (!has(c.env) || c.env.all(e,"
            " !has(e.valueFrom) || has(e.valueFrom.fieldRef) || has(e.valueFrom.resourceFieldRef)"
            " || (has(e.valueFrom.secretKeyRef) && e.valueFrom.secretKeyRef.name == variables.me))))",
            "An executor reads no secrets but its own session's.",
        ),
        (
            made + f"({containers}.size() == 1 && (!has({pod}.spec.initContainers) || {pod}.spec.initContainers.size() == 0)"
            f" && {containers}.all(c, has(c.securityContext) && has(c.securityContext.allowPrivilegeEscalation)"
            " && !c.securityContext.allowPrivilegeEscalation"
            " && (!has(c.securityContext.privileged) || !c.securityContext.privileged)))",
            "An executor is one container without privileges.",
        ),
    ]
    if image:
        found.append(
            (
                made + f"{containers}.all(c, has(c.image) && c.image == {json.dumps(image)})",
                f"An executor runs the image {image}.",
            )
        )
    return found
