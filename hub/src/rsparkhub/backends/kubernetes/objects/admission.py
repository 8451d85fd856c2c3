"""What a session's Spark may do with pods: make and delete executors and workers of its own, and nothing else.

Rights by role can't tell one pod from another, and a session is its person's, who may ask the API server for anything with
the driver's account. So the API server itself compares each pod with the account that asks, by a ValidatingAdmissionPolicy.
"""

import json

from rsparkhub.backends.kubernetes.objects.names import (
    COMPONENT,
    EGRESS,
    GENERATION,
    LETTERS,
    MANAGED,
    NODE,
    PLACED,
    POLICIES,
    PRIORITY,
    RUNTIME,
    SERVICE,
    SESSION,
    TAINT,
    USES,
    Object,
)
from rsparkhub.settings.kubernetes import KubernetesSettings

_LONGEST_GRACE = 60  # seconds that an executor may go on after its end is asked for; Spark gives it 30
_RESOURCES = ("cpu", "memory", "ephemeral-storage")


def admission(settings: KubernetesSettings) -> list[Object]:
    """Build the policy and its binding: objects of the whole cluster, which an administrator applies."""
    end = ":" if settings.namespaces == "one" else "-"
    accounts = f"system:serviceaccount:{settings.namespace}{end}"
    image = settings.spark_image or settings.session_image
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
                    {
                        "name": "rest",
                        "expression": "variables.account.size() > 2"
                        " ? request.userInfo.username.split(':')[3].split('.', 3)[2].split('.') : []",
                    },
                    {"name": "uses", "expression": "variables.rest.indexOf('uses')"},
                    {
                        "name": "said",
                        "expression": "variables.rest.filter(part, variables.rest.indexOf(part) < variables.uses)",
                    },
                    {"name": "pod", "expression": "request.operation == 'DELETE' ? oldObject : object"},
                    {
                        "name": "labels",
                        "expression": "has(variables.pod.metadata.labels) ? variables.pod.metadata.labels : {}",
                    },
                    {"name": "makes", "expression": "request.operation != 'DELETE'"},
                    {"name": "asked", "expression": _asked("variables.pod.spec")},
                    {"name": "placed", "expression": f"variables.asked.map(one, {_as_in_an_account('one')})"},
                ],
                "validations": [
                    {"expression": expression, "message": message, "reason": "Forbidden"}
                    for expression, message in _validations(image)
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


def _asked(spec: str) -> str:
    """Write the expression for what a pod says of where it runs, each thing after the word that it has in an account's name."""
    toleration = (
        "(has(t.key) ? t.key : '')"
        " + (!has(t.operator) || t.operator in ['', 'Equal'] ? '=' + (has(t.value) ? t.value : '')"
        " : t.operator == 'Exists' ? '' : '<>')"  # which no account says
        " + ':' + (has(t.effect) ? t.effect : '')"
    )
    # What Kubernetes gives each pod by itself, so that it leaves a node that is lost.
    by_itself = (
        "has(t.key) && has(t.operator) && t.operator == 'Exists' && has(t.effect)"
        " && ((t.key in ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable']"
        " && t.effect == 'NoExecute' && has(t.tolerationSeconds))"
        " || (t.key == 'node.kubernetes.io/memory-pressure' && t.effect == 'NoSchedule'))"
    )
    return (
        f"(has({spec}.runtimeClassName) ? ['{RUNTIME} ' + {spec}.runtimeClassName] : [])"
        f" + (has({spec}.priorityClassName) && {spec}.priorityClassName != '' ? ['{PRIORITY} ' + {spec}.priorityClassName] : [])"
        f" + (has({spec}.nodeSelector)"
        f" ? {spec}.nodeSelector.map(label, '{NODE} ' + label + '=' + {spec}.nodeSelector[label]) : [])"
        f" + (has({spec}.tolerations)"
        f" ? {spec}.tolerations.filter(t, !({by_itself})).map(t, '{TAINT} ' + {toleration}) : [])"
    )


def _as_in_an_account(text: str) -> str:
    """Write the expression for a word, a space and a text as an account's name has them."""
    punctuation = "".join(f".replace('{letters}', '{instead}')" for letters, instead in LETTERS)
    capitals = ".split('').map(c, c.matches('[A-Z]') ? '-' + c.lowerAscii() : c).join('')"
    return f"{text}{punctuation}{capitals}.replace(' ', '-')"


def _each_asked_is_said(word: str) -> str:
    return f"variables.placed.all(one, !one.startsWith('{word}-') || one in variables.said)"


def _each_said_is_asked(word: str) -> str:
    return f"variables.said.all(one, !one.startsWith('{word}-') || one in variables.placed)"


def _validations(image: str) -> list[tuple[str, str]]:
    pod, containers = "variables.pod", "variables.pod.spec.containers"
    made = "!variables.makes || "
    # The account of a session that the version before has started says no nodes and no taints.
    unplaced = f"!('{PLACED}' in variables.said) || "
    apart = f"{pod}.spec.affinity.podAntiAffinity"
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
                f" || variables.rest.lastIndexOf(label.substring({len(USES)})) > variables.uses)"
            ),
            "An executor reaches the services of its own session.",
        ),
        (
            f"has({pod}.metadata.name) && {pod}.metadata.name.startsWith(variables.me + '-')",
            "An executor's name begins with that of its session's pod.",
        ),
        (
            made + f"(has({pod}.metadata.ownerReferences) && {pod}.metadata.ownerReferences.size() == 1"
            f" && {pod}.metadata.ownerReferences[0].apiVersion == 'v1'"  # the end of one that can't be found is never noticed
            f" && {pod}.metadata.ownerReferences[0].kind == 'Pod'"
            f" && {pod}.metadata.ownerReferences[0].name == variables.me"
            f" && (!has({pod}.metadata.finalizers) || {pod}.metadata.finalizers.size() == 0)"
            f" && (!has({pod}.spec.terminationGracePeriodSeconds)"
            f" || {pod}.spec.terminationGracePeriodSeconds <= {_LONGEST_GRACE}))",
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
            f" && {_each_asked_is_said(PRIORITY)})",
            "An executor has nothing of its node, and no node or priority of its choice.",
        ),
        (  # a sandbox keeps the node from what a person's code does, also in an executor
            made + f"({_each_said_is_asked(RUNTIME)} && {_each_asked_is_said(RUNTIME)})",
            "An executor runs in the same sandbox as its session: it has its RuntimeClass, and none where it has none.",
        ),
        (
            f"{made}{unplaced}{_each_asked_is_said(TAINT)}",
            "An executor tolerates no taints but those that its environment's tolerations name.",
        ),
        (
            (
                f"{made}({unplaced}({_each_said_is_asked(NODE)} && {_each_asked_is_said(NODE)}))"
                f" && (!has({pod}.spec.schedulerName) || {pod}.spec.schedulerName in ['', 'default-scheduler'])"
                f" && (!has({pod}.spec.topologySpreadConstraints) || {pod}.spec.topologySpreadConstraints.size() == 0)"
            ),
            "An executor runs on the nodes that its environment's node_selector names, and chooses none among them.",
        ),
        (  # workers wish to be apart from what else their session has
            (
                f"{made}!has({pod}.spec.affinity)"
                f" || (!has({pod}.spec.affinity.nodeAffinity) && !has({pod}.spec.affinity.podAffinity)"
                f" && (!has({apart}) || (!has({apart}.requiredDuringSchedulingIgnoredDuringExecution)"
                f" && (!has({apart}.preferredDuringSchedulingIgnoredDuringExecution)"
                f" || {apart}.preferredDuringSchedulingIgnoredDuringExecution.all(wish, has(wish.podAffinityTerm.labelSelector)"
                f" && has(wish.podAffinityTerm.labelSelector.matchLabels)"
                f" && '{SESSION}' in wish.podAffinityTerm.labelSelector.matchLabels"
                f" && wish.podAffinityTerm.labelSelector.matchLabels['{SESSION}'] == variables.labels['{SESSION}'])))))"
            ),
            "An executor has no affinity but the wish to be apart from its own session.",
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
    amounts = f"r.all(amount, amount in {list(_RESOURCES)})"
    found += [
        (
            made + f"((!has({pod}.spec.resourceClaims) || {pod}.spec.resourceClaims.size() == 0)"
            f" && {containers}.all(c, !has(c.resources) || ([has(c.resources.limits) ? c.resources.limits : {{}},"
            f" has(c.resources.requests) ? c.resources.requests : {{}}].all(r, {amounts})"
            " && (!has(c.resources.claims) || c.resources.claims.size() == 0))))",
            "An executor has no devices.",
        ),
        (  # the node asks them, past the network's policies
            (
                f"{made}{containers}.all(c, !has(c.livenessProbe) && !has(c.readinessProbe) && !has(c.startupProbe)"
                " && !has(c.lifecycle))"
            ),
            "An executor has no probes and no hooks.",
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
