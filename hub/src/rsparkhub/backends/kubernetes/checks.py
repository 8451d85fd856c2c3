"""What `rsparkhub doctor` looks at on a Kubernetes cluster: what the controller needs of it, and whether it holds."""

import asyncio
import json
import time
from email.utils import parsedate_to_datetime
from typing import Any

from rsparkhub.backends.kubernetes.api import Api, Refused
from rsparkhub.backends.kubernetes.judging.diagnostics import waiting
from rsparkhub.backends.kubernetes.objects.names import COMPONENT, MANAGED
from rsparkhub.backends.kubernetes.objects.pod import RESTRICTED
from rsparkhub.backends.kubernetes.objects.rights import CONTROLLER, NAMESPACES, Right
from rsparkhub.domain.errors import Unavailable
from rsparkhub.domain.finding import Finding, ok, problem, warning
from rsparkhub.settings.kubernetes import KubernetesSettings

#: ValidatingAdmissionPolicies are in every cluster from 1.30 on; we test with newer ones than that.
OLDEST = (1, 31)
_CLOCKS = 30.0  # seconds that they may differ
_PATIENCE = 90.0  # seconds for a pod to run
_CHART = "Install or upgrade RSparkHub's chart: it makes that."

#: Runs in a pod that may look up names and reach nothing else: whether it may, and whether it doesn't.
_PROBE = """
import json, os, socket
def reached():
    try:
        socket.create_connection((os.environ["KUBERNETES_SERVICE_HOST"], int(os.environ["KUBERNETES_SERVICE_PORT"])), 3).close()
        return True
    except OSError:
        return False
def named():
    try:
        return bool(socket.getaddrinfo("kubernetes.default.svc", 443))
    except OSError:
        return False
print(json.dumps({"reached": reached(), "named": named()}))
"""


async def examine(settings: KubernetesSettings) -> list[Finding]:
    """Look at the cluster that the settings name; the first thing that is missing may hide the rest."""
    try:
        async with Api(settings) as api:
            found = [await version(api), await clock(api)]
            if found[0].level == "problem":
                return found
            found += [await rights(api, settings), await namespace(api, settings), await storage(api, settings)]
            if all(finding.level != "problem" for finding in found):
                found += await probe(api, settings)
    except Unavailable as error:
        return [_out_of_reach(error)]
    return found


async def reach(settings: KubernetesSettings) -> Finding:
    """See whether the cluster answers: all that a start waits for."""
    try:
        async with Api(settings) as api:
            return await version(api)
    except Unavailable as error:
        return _out_of_reach(error)


def _out_of_reach(error: Unavailable) -> Finding:
    return problem("cluster", str(error), "See the settings kubernetes.kubeconfig and kubernetes.context.")


async def version(api: Api) -> Finding:
    said = (await api.raw("/version")).json()
    # One that is being upgraded may emulate the version before.
    found = [int((said.get(f"emulation{part}") or said[part.lower()]).rstrip("+")) for part in ("Major", "Minor")]
    if tuple(found) < OLDEST:
        return problem(
            "cluster", f"Kubernetes is version {found[0]}.{found[1]}.", f"Upgrade it to {OLDEST[0]}.{OLDEST[1]} or newer."
        )
    return ok("cluster", f"Kubernetes {found[0]}.{found[1]} ({said['gitVersion']}) answers.")


async def clock(api: Api) -> Finding:
    date = (await api.raw("/version")).headers.get("date")
    if date is None:
        return ok("clocks", "The API server does not say what its clock says.")
    apart = abs(parsedate_to_datetime(date).timestamp() - time.time())
    if apart > _CLOCKS:
        return problem("clocks", f"The clocks of this machine and the API server are {apart:.0f} s apart.", "Set them by NTP.")
    return ok("clocks", "The clocks of this machine and the API server agree.")


async def rights(api: Api, settings: KubernetesSettings) -> Finding:
    """Ask for each right that the controller uses."""
    asked = [(right, verb, settings.namespace) for right in CONTROLLER for verb in right.verbs]
    if settings.namespaces == "person":
        asked = [(right, verb, "") for right in (*CONTROLLER, *NAMESPACES) for verb in right.verbs]
    answers = await asyncio.gather(*(_allowed(api, right, verb, where) for right, verb, where in asked))
    missing = [f"{verb} {right.resource}" for (right, verb, _), allowed in zip(asked, answers, strict=True) if not allowed]
    where = f"in {settings.namespace}" if settings.namespaces == "one" else "in the cluster"
    if missing:
        return problem("rights", f"This account may not {', '.join(missing)} {where}.", _CHART)
    return ok("rights", f"This account has each right that the controller uses {where}.")


async def _allowed(api: Api, right: Right, verb: str, namespace: str) -> bool:
    resource, _, below = right.resource.partition("/")
    attributes = {"group": right.group, "resource": resource, "subresource": below, "verb": verb, "namespace": namespace}
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "metadata": {},
        "spec": {"resourceAttributes": attributes},
    }
    return bool((await api.create(review))["status"]["allowed"])


async def namespace(api: Api, settings: KubernetesSettings) -> Finding:
    """See that the namespace of sessions is closed: pods without rights, and policies that allow nothing by themselves."""
    try:
        found = await api.get("Namespace", None, settings.namespace)
    except Refused:  # the controller's own account need not see it; then its policies tell
        found = {}
    if found is None:
        return problem("namespace", f"There is no namespace {settings.namespace}.", _CHART)
    standard = (found.get("metadata", {}).get("labels") or {}).get("pod-security.kubernetes.io/enforce")
    if found and standard != "restricted":
        return problem(
            "namespace", f"{settings.namespace} does not enforce the `restricted` standard for pods (PodSecurity).", _CHART
        )
    policies = await api.list("NetworkPolicy", settings.namespace, names_only=True)
    if "rspark-default-deny" not in {item["metadata"]["name"] for item in policies.items}:
        return problem("namespace", f"No NetworkPolicy closes {settings.namespace}.", _CHART)
    return ok("namespace", f"{settings.namespace} is closed: restricted pods, and nothing reached but what is named.")


async def storage(api: Api, settings: KubernetesSettings) -> Finding:
    """See that homes can be made."""
    try:
        classes = (await api.list("StorageClass", None)).items
    except Refused:
        return warning("storage", "This account may not see the StorageClasses.", "Ask `kubectl get storageclass`.")
    names = [item["metadata"]["name"] for item in classes]
    mark = "storageclass.kubernetes.io/is-default-class"
    default = [item["metadata"]["name"] for item in classes if (item["metadata"].get("annotations") or {}).get(mark) == "true"]
    if settings.storage_class is not None and settings.storage_class not in names:
        return problem(
            "storage", f"There is no StorageClass {settings.storage_class}.", f"Name one of these: {', '.join(names) or 'none'}."
        )
    if settings.storage_class is None and not default:
        return problem("storage", "The cluster has no default StorageClass for homes.", "Set kubernetes.storage_class.")
    return ok("storage", f"Homes are made by the StorageClass {settings.storage_class or default[0]}.")


async def probe(api: Api, settings: KubernetesSettings) -> list[Finding]:
    """Run a pod for a moment: its image is fetched, it finds names, and it is kept from what no policy allows."""
    image = settings.service_image or settings.session_image
    if not image:
        return [warning("probe", "No pod was tried: the settings name no image.", "Set kubernetes.session_image.")]
    name = f"rspark-doctor-{time.time_ns():x}"
    manifest = probe_pod(name, settings, image)
    try:
        await api.apply(manifest)
        said = await _said_by_probe(api, name, settings)
    except Refused as refused:
        return [problem("probe", f"The cluster takes no pod of ours: {refused}", _CHART)]
    finally:
        await api.delete("Pod", settings.namespace, name, grace=0)
    return said


def probe_pod(name: str, settings: KubernetesSettings, image: str) -> dict[str, Any]:
    """Build it: a pod as restricted as a session's."""
    container = {
        "name": "probe",
        "image": image,
        "imagePullPolicy": settings.image_pull_policy,
        "command": ["python", "-c", _PROBE],
        "securityContext": RESTRICTED,
        "resources": {"limits": {"cpu": "100m", "memory": "64Mi"}},
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": settings.namespace, "labels": {MANAGED: "rsparkhub", COMPONENT: "probe"}},
        "spec": {
            "restartPolicy": "Never",
            "automountServiceAccountToken": False,
            "containers": [container],
            "imagePullSecrets": [{"name": secret} for secret in settings.image_pull_secrets],
        },
    }


async def _said_by_probe(api: Api, name: str, settings: KubernetesSettings) -> list[Finding]:
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        pod = await api.get("Pod", settings.namespace, name) or {}
        phase = pod.get("status", {}).get("phase")
        if phase == "Succeeded":
            return judge(json.loads(await api.text("pods", settings.namespace, f"{name}/log")))
        diagnosis = waiting(pod)
        if phase == "Failed" or (diagnosis and diagnosis.unrecoverable):
            detail = diagnosis.detail if diagnosis else "It failed."
            return [problem("probe", f"A pod of ours does not run: {detail}", "See the settings kubernetes.*_image.")]
        await asyncio.sleep(0.2)  # a condition with a deadline
    detail = diagnosis.detail if (diagnosis := waiting(pod)) else "nothing says why"
    return [problem("probe", f"A pod of ours did not run within {_PATIENCE:.0f} s: {detail}.", "Look at the cluster's nodes.")]


def judge(said: dict[str, bool]) -> list[Finding]:
    """Say what the probe's answer means."""
    found = [ok("images", "The cluster's nodes have the image of sessions.")]
    if said["named"]:
        found.append(ok("names", "Pods find names."))
    else:
        found.append(problem("names", "Pods find no names.", "Look at the cluster's DNS in kube-system (k8s-app=kube-dns)."))
    if said["reached"]:
        mend = "Give the cluster a network that enforces them (Calico, Cilium, …): sessions are not kept apart without."
        found.append(problem("policies", "NetworkPolicies are not enforced: a pod reached what none allows.", mend))
    else:
        found.append(ok("policies", "NetworkPolicies are enforced."))
    return found
