"""What is seen of a pod, and what is said of its troubles: a line a case."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rspark_contract.record import Record
from rspark_contract.status import AgentState, AgentStatus
from rsparkhub.api.sentences import sentences_in
from rsparkhub.backends.base import EnsembleRef
from rsparkhub.backends.kubernetes.api import Refused
from rsparkhub.backends.kubernetes.judging import diagnostics
from rsparkhub.backends.kubernetes.judging.observe import observe, split_log
from rsparkhub.backends.kubernetes.objects import names

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
RECORD = {"session": "a", "how": "suspended", "code": 0, "saved": {"kernels": []}}
READY = AgentStatus(state=AgentState.READY, address="10.0.0.1:1")


def assert_german(said: str) -> None:
    """See that a person who reads German is told it in German, while a session starts."""
    german = sentences_in("de").say(said)
    assert german != said
    assert not set(re.findall(r"\w+", german)) & {"the", "and", "of", "it", "is", "no", "to", "Ask", "node", "home"}, german


def pod(phase: str = "Running", *, container: dict[str, Any] | None = None, deleted: float | None = None, **status: Any) -> Any:
    """A pod whose deletion, if any, is due so many seconds from now."""
    meta: dict[str, Any] = {"name": "rspark-a-1", "finalizers": [names.FINALIZER]}
    if deleted is not None:
        meta["deletionTimestamp"] = (NOW + timedelta(seconds=deleted)).isoformat()
    if container is not None:
        status["containerStatuses"] = [{"image": "an/image", "state": container}]
    limits = {"resources": {"limits": {"memory": "2Gi"}}}
    return {
        "metadata": meta,
        "spec": {"containers": [limits], "nodeName": "node-1"},
        "status": {"phase": phase, "podIP": "10.244.0.7", **status},
    }


def ended(code: int, message: str = "", reason: str = "Error") -> dict[str, Any]:
    return {"terminated": {"exitCode": code, "message": message, "reason": reason}}


def test_the_address_is_the_api_servers_and_never_the_sessions_own() -> None:
    seen = observe(pod(), READY, now=NOW)
    assert seen.phase == "up"
    assert seen.status is not None
    assert seen.status.address == "10.244.0.7:8888"


@pytest.mark.parametrize(
    ("found", "status", "phase", "evicted"),
    [
        (pod("Pending"), None, "starting", False),
        (pod(), None, "up", False),
        (pod(), AgentStatus(state=AgentState.STARTING), "starting", False),
        (pod(), AgentStatus(state=AgentState.SUSPENDING), "ending", False),
        (pod(deleted=30), READY, "ending", False),
        (pod(deleted=-10), None, "ending", False),
        (pod(deleted=-31), None, "ended", True),
        (pod("Succeeded", container=ended(0, json.dumps(RECORD))), None, "ended", False),
        (pod("Failed", container=ended(137)), None, "ended", False),
        (pod(container=ended(0)), None, "ended", False),
        (pod("Succeeded", container=ended(0, json.dumps(RECORD)), deleted=20), None, "ended", True),
        (pod("Failed", reason="Evicted", message="The node was low on resource: memory."), None, "ended", True),
        (
            pod("Failed", reason="Evicted", message="Pod usage exceeds the total limit"),
            None,
            "ended",
            False,
        ),
        (pod("Failed", reason="NodeShutdown"), None, "ended", True),
        (pod("Failed", conditions=[{"type": "DisruptionTarget", "status": "True"}]), None, "ended", True),
    ],
)
def test_each_pod_is_in_a_phase(found: Any, status: Any, phase: str, evicted: bool) -> None:
    seen = observe(found, status, now=NOW)
    assert (seen.phase, seen.evicted) == (phase, evicted)


@pytest.mark.parametrize(
    "message", [" ", "\n\n", "\x1b[2J", "{", '{"how": "stopped", "how": "failed"}', "[" * 4096, "\ufffd\u202e" * 2048]
)
def test_whatever_a_session_leaves_as_its_message_is_a_line_that_can_be_shown(message: str) -> None:
    seen = observe(pod("Failed", container=ended(3, message)), None, now=NOW)
    assert (seen.phase, seen.code, seen.record) == ("ended", 3, None)
    assert seen.detail is None or (len(seen.detail) <= 1000 and seen.detail.replace("\ufffd", "").isprintable())


def test_a_session_that_prints_as_any_number_of_components_has_the_logs_of_some() -> None:
    logs = split_log("".join(f"c{number} | line\n" for number in range(10**4)), most=1000)
    assert len(logs) <= 65
    assert logs["c3"] == "line\n"
    assert logs["agent"].endswith("c9999 | line\n")


def test_one_that_is_deleted_before_it_had_a_node_has_ended() -> None:
    waiting = pod("Pending", deleted=60)
    waiting["spec"].pop("nodeName")
    assert observe(waiting, None, now=NOW).phase == "ended"
    assert observe(pod("Pending", deleted=60), None, now=NOW).phase == "ending"


def test_an_end_tells_its_code_its_signal_and_its_record() -> None:
    seen = observe(pod("Succeeded", container=ended(0, json.dumps(RECORD))), None, now=NOW)
    assert (seen.code, seen.signal, seen.record) == (0, None, Record.parse(RECORD))
    killed = observe(pod("Failed", container=ended(137)), None, now=NOW)
    assert (killed.code, killed.signal, killed.record) == (137, 9, None)
    crashed = observe(pod("Failed", container=ended(1, "Traceback\nModuleNotFoundError: no agent")), None, now=NOW)
    assert (crashed.record, crashed.detail) == (None, "ModuleNotFoundError: no agent")


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (pod("Failed", container=ended(137, reason="OOMKilled")), "more memory than the 2GiB that it may have"),
        (pod("Failed", container=ended(128, "no such file", reason="StartError")), "image of this environment can't be run"),
        (pod("Failed", reason="Evicted", message="low on resource: ephemeral-storage"), "ran short of disk"),
        (pod("Failed", reason="Evicted", message="EmptyDir volume exceeds the limit"), "filled more of its machine's disk"),
        (pod("Failed", reason="DeadlineExceeded"), "longer than the cluster allows"),
        (pod("Failed", reason="NodeLost"), "machine was shut down"),
        (pod(deleted=-60), "does not answer any more"),
    ],
)
def test_an_end_by_the_cluster_is_told_in_words(found: Any, words: str) -> None:
    assert words in (observe(found, None, now=NOW).reason or "")


@pytest.mark.parametrize(
    ("reason", "message", "words", "unrecoverable"),
    [
        ("ImagePullBackOff", "an/image:1 not found", "does not exist", True),
        ("ErrImagePull", "pull access denied, repository does not exist", "does not exist", True),
        ("ErrImagePull", "401 Unauthorized", "may not fetch the image", True),
        ("ImagePullBackOff", "dial tcp: i/o timeout", "can't be fetched just now", False),
        ("ErrImageNeverPull", "", "not on the cluster's nodes", True),
        ("InvalidImageName", "", "name of this environment's image is wrong", True),
        ("CreateContainerConfigError", "secret not found", "can't set this session up", True),
        ("CrashLoopBackOff", "", "ends as soon as it starts", True),
    ],
)
def test_a_container_that_waits_says_why(reason: str, message: str, words: str, unrecoverable: bool) -> None:
    seen = observe(pod("Pending", container={"waiting": {"reason": reason, "message": message}}), None, now=NOW)
    assert words in (seen.reason or "")
    assert_german(seen.reason or "")
    assert seen.unrecoverable is unrecoverable
    assert reason in (seen.detail or "")


def test_a_container_on_its_way_has_no_trouble() -> None:
    seen = observe(pod("Pending", container={"waiting": {"reason": "ContainerCreating"}}), None, now=NOW)
    assert (seen.reason, seen.unrecoverable) == (None, False)


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("0/3 nodes are available: 3 Insufficient cpu.", "no node has enough cores free"),
        (
            "0/3 nodes are available: 1 Insufficient memory, 2 Insufficient cpu.",
            "memory free and no node has enough cores free",
        ),
        ("0/3 nodes are available: 3 Insufficient nvidia.com/gpu.", "no node has enough nvidia.com/gpu free"),
        ("0/3 nodes are available: 3 node(s) had untolerated taint {a: b}.", "take no sessions now"),
        (
            "0/4 nodes are available: 1 Insufficient cpu, 1 node(s) were unschedulable, 2 node(s) had untolerated taint(s).",
            "on the cluster: no node has enough cores free. It starts",
        ),
        (
            "0/3 nodes are available: 1 Insufficient memory, 2 node(s) didn't match Pod's node affinity/selector.",
            "on the cluster: no node has enough memory free. It starts",
        ),
        ("0/3 nodes are available: 3 node(s) didn't match Pod's node affinity/selector.", "no node is of the kind"),
        ("0/3 nodes are available: 3 node(s) had volume node affinity conflict.", "where its home lies has no room"),
        ('0/3 nodes are available: persistentvolumeclaim "home-ada" not found.', "home's volume is not there yet"),
        ("pod has unbound immediate PersistentVolumeClaims.", "home's volume is not there yet"),
        ("something new", "no node takes it"),
    ],
)
def test_a_pod_without_a_node_says_why(message: str, words: str) -> None:
    conditions = [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}]
    seen = observe(pod("Pending", conditions=conditions), None, now=NOW)
    assert words in (seen.reason or "")
    assert_german(seen.reason or "")
    assert seen.unrecoverable is False
    assert seen.detail == message


@pytest.mark.parametrize(
    ("reason", "message", "words"),
    [
        ("FailedAttachVolume", "Multi-Attach error for volume", "in use by another session on another machine"),
        ("FailedMount", "mount failed: exit status 32", "Your home can't be reached just now"),
        ("FailedCreatePodSandBox", "cni plugin not initialized", "network is not ready"),
        ("ProvisioningFailed", "no such class", "can't make a volume for your home"),
    ],
)
def test_a_pod_that_hangs_says_why(reason: str, message: str, words: str) -> None:
    old = {"type": "Normal", "reason": "Scheduled", "message": "", "lastTimestamp": "2026-11-25T12:00:00Z"}
    event = {"type": "Warning", "reason": reason, "message": message, "lastTimestamp": "2026-11-25T12:00:01Z"}
    diagnosis = diagnostics.hanging(pod("Pending"), [event, old])
    assert diagnosis is not None
    assert words in diagnosis.sentence
    assert_german(diagnosis.sentence)
    assert diagnosis.detail == f"{reason}: {message}"


@pytest.mark.parametrize(
    ("message", "subject"),
    [
        ('MountVolume.SetUp failed for volume "course" : mount failed: exit status 32', "The folder /course"),
        ("Unable to attach or mount volumes: unmounted volumes=[course], unattached volumes=[]: timed out", "The folder /course"),
        ("Unable to attach or mount volumes: unmounted volumes=[home], unattached volumes=[]: timed out", "Your home"),
        ('MountVolume.SetUp failed for volume "pvc-8a1f" : rpc error', "Your home or /drive"),
    ],
)
def test_a_volume_that_can_not_be_reached_is_named(message: str, subject: str) -> None:
    hung = pod("Pending")
    hung["spec"]["volumes"] = [
        {"name": "home", "persistentVolumeClaim": {"claimName": "home-ada"}},
        {"name": "course", "nfs": {"server": "nfs", "path": "/"}},
        {"name": "drive", "persistentVolumeClaim": {"claimName": "drive"}},
        {"name": "run", "emptyDir": {}},
    ]
    mounts = {"home": "/home/rspark", "course": "/course", "drive": "/drive", "run": "/run/rspark"}
    hung["spec"]["containers"][0]["volumeMounts"] = [{"name": name, "mountPath": path} for name, path in mounts.items()]
    diagnosis = diagnostics.hanging(hung, [{"type": "Warning", "reason": "FailedMount", "message": message}])
    assert diagnosis is not None
    assert_german(diagnosis.sentence)
    assert (
        diagnosis.sentence
        == f"{subject} can't be reached just now; the cluster keeps trying. Ask your administrator if it lasts."
    )


@pytest.mark.parametrize(
    ("refused", "words"),
    [
        (Refused(403, "Forbidden", 'pods "a" is forbidden: exceeded quota: rspark'), "All that the cluster sets aside"),
        (
            Refused(403, "Forbidden", 'pods "a" is forbidden: maximum cpu usage per Container is 2'),
            "more than one session may have",
        ),
        (
            Refused(403, "Forbidden", 'pods "a" is forbidden: violates PodSecurity "restricted:latest"'),
            "rights that the cluster gives",
        ),
        (Refused(403, "Forbidden", 'pods is forbidden: User "x" cannot create resource'), "`rsparkhub doctor`, which names it"),
        (Refused(404, "NotFound", 'namespaces "rspark-sessions" not found'), "namespace of sessions is not there"),
        (Refused(403, "Forbidden", "because it is being terminated"), "being deleted"),
        (Refused(422, "Invalid", "spec.hostname: Invalid value"), "does not take this session as it is described"),
    ],
)
def test_a_refusal_is_told_in_words(refused: Refused, words: str) -> None:
    refused.kind = "Pod"
    said = diagnostics.refusal(refused)
    assert words in str(said)
    assert said.detail == f"Pod: {refused}"


def test_lines_go_to_the_log_of_their_part() -> None:
    text = "agent | begun\npostgres | one | two\nTraceback\ninterface | é\npostgres | three\n"
    assert split_log(text, most=1000) == {
        "agent": "begun\nTraceback\n", "postgres": "one | two\nthree\n", "interface": "é\n",
    }  # fmt: skip
    assert split_log("a | 123456789\n", most=4) == {"a": "789\n"}


def test_a_label_that_anybody_may_set_makes_no_generation() -> None:
    labels = names.labels_of(EnsembleRef("a", 1), user="ada", component="session")
    assert names.ref_of({"metadata": {"labels": labels}}) == EnsembleRef("a", 1)
    for change in ({names.GENERATION: "x"}, {names.SESSION: ""}, {names.MANAGED: "helm"}):
        assert names.ref_of({"metadata": {"labels": labels | change}}) is None
    assert names.ref_of({"metadata": {}}) is None
