"""What keeps a pod from running, or ended it, as one sentence for the person and one line for the administrator. Pure."""

import re
from dataclasses import dataclass

from rsparkhub.backends.kubernetes.api import Refused
from rsparkhub.backends.kubernetes.objects.names import Object
from rsparkhub.domain.errors import CannotStart


@dataclass(frozen=True)
class Diagnosis:
    """Why a pod doesn't run. `unrecoverable`: waiting doesn't mend it."""

    sentence: str
    detail: str
    unrecoverable: bool = False


_ASK = "Ask your administrator"

#: Of a container that waits, by the reason in its state.
_WAITING = {
    "InvalidImageName": ("The name of this environment's image is wrong. {ask} to correct it.", True),
    "ErrImageNeverPull": ("The image of this environment is not on the cluster's nodes. {ask} to load it.", True),
    "CreateContainerConfigError": ("The cluster can't set this session up. {ask} to look at its detail.", True),
    "CreateContainerError": ("The cluster can't set this session up. {ask} to look at its detail.", True),
    "RunContainerError": ("The image of this environment can't be run. {ask} to look at its detail.", True),
    "StartError": ("The image of this environment can't be run. {ask} to look at its detail.", True),
    "CrashLoopBackOff": ("The session ends as soon as it starts. {ask} to look at its log.", True),
}
_PULLS = ("ImagePullBackOff", "ErrImagePull", "RegistryUnavailable", "ImageInspectError")
_NO_SUCH_IMAGE = re.compile(r"not found|does not exist|manifest unknown|pull access denied|repository .* not|no such image", re.I)
_NO_CREDENTIALS = re.compile(r"unauthorized|authentication required|forbidden|denied", re.I)


def waiting(pod: Object) -> Diagnosis | None:
    """Return why a pod has not started yet, where Kubernetes has said so in the pod itself."""
    for container in pod.get("status", {}).get("containerStatuses") or []:
        said = (container.get("state") or {}).get("waiting")
        if said:
            return _container(said.get("reason", ""), said.get("message", ""), container.get("image", ""))
    for condition in pod.get("status", {}).get("conditions") or []:
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            return unschedulable(condition.get("message", ""))
    return None


def _container(reason: str, message: str, image: str) -> Diagnosis | None:
    detail = f"{reason}: {message}".strip(": ")
    if reason in _PULLS:
        if _NO_SUCH_IMAGE.search(message):
            return Diagnosis(
                f"The image of this environment does not exist. {_ASK} to correct it.", f"{image}: {detail}", unrecoverable=True
            )
        if _NO_CREDENTIALS.search(message):
            return Diagnosis(
                f"The cluster may not fetch the image of this environment. {_ASK} to give it access.",
                f"{image}: {detail}",
                unrecoverable=True,
            )
        return Diagnosis(
            "The image of this environment can't be fetched just now; the cluster keeps trying.", f"{image}: {detail}"
        )
    if reason in _WAITING:
        pattern, unrecoverable = _WAITING[reason]
        return Diagnosis(pattern.format(ask=_ASK), detail, unrecoverable)
    return None  # ContainerCreating, PodInitializing: on its way


_BLOCKS = (
    (r"persistentvolumeclaim \"\S+\" not found|unbound immediate PersistentVolumeClaims", "its home's volume is not there yet"),
    (r"persistentvolumeclaim \"(\S+)\" bound to non-existent|persistentvolume \"\S+\" not found", "its home's volume is lost"),
    (r"volume node affinity conflict", "the node where its home lies has no room for it, or is away"),
    (r"node\(s\) exceed max volume count", "every node has as many volumes as it may have"),
    (r"Insufficient (cpu|memory|ephemeral-storage|pods|\S+)", ""),
    (r"Too many pods", "every node runs as many pods as it may run"),
)
#: Nodes that are not for this session: what matters is what the others lack, so these are told when there are no others.
_OTHERS = (
    (
        r"node\(s\) (didn't match Pod's node affinity/selector|didn't match node selector)",
        "no node is of the kind that it asks for",
    ),
    (r"node\(s\) had untolerated taint|node\(s\) were unschedulable", "the nodes there are take no sessions now"),
)
_RESOURCES = {"cpu": "cores", "memory": "memory", "ephemeral-storage": "disk", "pods": "room for pods"}


def unschedulable(message: str) -> Diagnosis:
    """Return why no node takes a pod, from the scheduler's message."""
    whys = _named(_BLOCKS, message) or _named(_OTHERS, message)
    because = " and ".join(whys[:2]) if whys else "no node takes it"
    hint = "It starts as soon as there is room; end a session that you don't need, or ask your administrator for more."
    return Diagnosis(f"It waits for a place on the cluster: {because}. {hint}", message or "Unschedulable")


def _named(reasons: tuple[tuple[str, str], ...], message: str) -> list[str]:
    whys: list[str] = []
    for pattern, why in reasons:
        for found in re.finditer(pattern, message):
            named = why or f"no node has enough {_RESOURCES.get(found[1].rstrip('.,'), found[1].rstrip('.,'))} free"
            if named not in whys:
                whys.append(named)
    return whys


#: The pod's name of the volume with the person's home.
_HOME = "home"
_MOUNT = ("FailedMount", "FailedAttachVolume", "FailedMapVolume")


def hanging(pod: Object, events: list[Object]) -> Diagnosis | None:
    """Return why a pod that has a node does not start, from its newest warnings."""
    for event in sorted(events, key=_when, reverse=True):
        if event.get("type") != "Warning":
            continue
        reason, message = event.get("reason", ""), event.get("message", "")
        detail = f"{reason}: {message}"
        if reason in _MOUNT and re.search(r"Multi-Attach|already (exclusively )?attached|used by", message):
            volume = _volume(pod, message)
            return Diagnosis(f"{volume} is in use by another session on another machine. Put that one to sleep, or wait.", detail)
        if reason in _MOUNT:
            volume = _volume(pod, message)
            return Diagnosis(f"{volume} can't be reached just now; the cluster keeps trying. {_ASK} if it lasts.", detail)
        if reason == "FailedCreatePodSandBox":
            return Diagnosis(
                f"The cluster's network is not ready on this session's node; it keeps trying. {_ASK} if it lasts.", detail
            )
        if reason == "ProvisioningFailed":
            return Diagnosis(f"The cluster can't make a volume for your home. {_ASK} to look at its storage.", detail)
    return None


def _volume(pod: Object, message: str) -> str:
    """Return what a person calls the volume that a message is about.

    The message has the name of what a claim is bound to, which says nothing here.
    """
    told = {*re.findall(r'volume "([^"]+)"', message), *" ".join(re.findall(r"unmounted volumes=\[([^\]]*)\]", message)).split()}
    folders = {mount["name"]: mount["mountPath"] for mount in pod["spec"]["containers"][0].get("volumeMounts") or []}
    others = [volume for volume in pod["spec"].get("volumes") or [] if volume["name"] in folders and volume["name"] != _HOME]
    if named := [folders[volume["name"]] for volume in others if volume["name"] in told]:
        return f"The folder {named[0]}"
    if _HOME in told:
        return "Your home"
    claimed = [folders[volume["name"]] for volume in others if "persistentVolumeClaim" in volume]
    return " or ".join(["Your home", *claimed])


def _when(event: Object) -> str:
    return str(event.get("lastTimestamp") or event.get("eventTime") or event.get("metadata", {}).get("creationTimestamp") or "")


#: The pod's own reasons for an end that came from outside, and took only the place away.
_TAKEN_AWAY = {"Terminated", "NodeShutdown", "Shutdown", "NodeLost", "Preempting", "NodeAffinity", "UnexpectedAdmissionError"}
_OWN_USE = re.compile(r"exceeds the (total )?limit|exceeded its local ephemeral storage limit|EmptyDir volume", re.I)
_PRESSURE = {"memory": "memory", "ephemeral-storage": "disk", "inodes": "files", "pids": "processes"}


def was_evicted(pod: Object) -> bool:
    """Whether a pod ended because its place was taken away, and not by its own doing."""
    status = pod.get("status", {})
    if status.get("reason") == "Evicted" and _OWN_USE.search(status.get("message", "")):
        return False
    disrupted = any(c["type"] == "DisruptionTarget" and c["status"] == "True" for c in status.get("conditions") or [])
    deleted = bool(pod["metadata"].get("deletionTimestamp"))
    return deleted or disrupted or status.get("reason") in {*_TAKEN_AWAY, "Evicted"}


def ended(pod: Object) -> Diagnosis | None:  # noqa: PLR0911  # a line a case
    """Return why a pod ended that its agent did not end."""
    status = pod.get("status", {})
    reason, message = status.get("reason", ""), status.get("message", "")
    detail = f"{reason}: {message}".strip(": ")
    for container in status.get("containerStatuses") or []:
        left = (container.get("state") or {}).get("terminated") or {}
        if left.get("reason") == "OOMKilled":
            limit = pod["spec"]["containers"][0].get("resources", {}).get("limits", {}).get("memory", "")
            allowed = f" than the {limit}B that it may have" if limit else " than it may have"
            return Diagnosis(
                f"It needed more memory{allowed}, and was ended. Work with less data at once, or choose a larger environment.",
                f"OOMKilled, limit {limit}",
            )
        if left.get("reason") in ("StartError", "ContainerCannotRun"):
            return Diagnosis(
                f"The image of this environment can't be run. {_ASK} to look at its detail.",
                f"{left['reason']}: {left.get('message', '')}",
            )
    if reason == "Evicted":
        if _OWN_USE.search(message):
            return Diagnosis(
                "It filled more of its machine's disk than it may, and was ended. Keep large files in your home.", detail
            )
        short = next((word for key, word in _PRESSURE.items() if key in message), "room")
        return Diagnosis(f"Its machine ran short of {short}, and ended it.", detail)
    if reason == "DeadlineExceeded":
        return Diagnosis("It ran for longer than the cluster allows.", detail)
    if reason in _TAKEN_AWAY:
        return Diagnosis("Its machine was shut down.", detail)
    return Diagnosis("The cluster ended it.", detail) if detail else None


LOST = Diagnosis("Its machine does not answer any more.", "NodeLost: the node has not said that the pod ended")


def refusal(refused: Refused) -> CannotStart:  # noqa: PLR0911  # a line a case
    """Return why the API server does not take an object of a session."""
    message = str(refused)
    detail = f"{refused.kind}: {message}"
    if refused.status == 403 and "exceeded quota" in message:
        return CannotStart(
            "All that the cluster sets aside for sessions is in use. End a session that you don't need, or ask your "
            "administrator for more; then start it again.",
            detail=detail,
        )
    if refused.status == 403 and re.search(r"maximum (cpu|memory)|minimum (cpu|memory)|LimitRange", message):
        return CannotStart(
            f"This environment asks for more than one session may have on this cluster. {_ASK} to correct it.", detail=detail
        )
    if refused.status == 403 and "PodSecurity" in message:
        return CannotStart(
            f"This environment asks for rights that the cluster gives to no session. {_ASK} to correct it.", detail=detail
        )
    if refused.status == 403 and "cannot " in message:
        return CannotStart(
            f"RSparkHub lacks a right on the cluster. {_ASK} to run `rsparkhub doctor`, which names it.", detail=detail
        )
    if refused.status == 404 and "namespaces" in message:
        return CannotStart(f"The namespace of sessions is not there. {_ASK} to install RSparkHub's chart again.", detail=detail)
    if refused.status == 403 and "being terminated" in message:
        return CannotStart(f"The namespace of sessions is being deleted. {_ASK} about it; then start it again.", detail=detail)
    if "storageclass" in message.lower():
        return CannotStart(f"The cluster has no storage for homes. {_ASK} to set a StorageClass.", detail=detail)
    return CannotStart(f"The cluster does not take this session as it is described. {_ASK} to look at its detail.", detail=detail)
