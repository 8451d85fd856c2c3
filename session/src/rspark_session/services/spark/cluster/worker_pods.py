"""Workers that are pods: as many as are wanted, made and deleted with the account of the session, which may do no more than that.

Each hangs on the session's pod, with which the cluster ends it where nobody is left to do so.
"""

import time
from collections.abc import Mapping, Sequence
from http.client import HTTPException
from typing import Any, Protocol

from rspark_contract.reading import Unreadable
from rspark_session.services.spark.cluster.pauses import Pauses
from rspark_session.services.spark.cluster.pod_api import Refused

_LOOK_EVERY = 2.0  # seconds between two looks at pods, until all is as it shall be
_LOOK_AT_REST_EVERY = 30.0  # and then
_GRACE = 5  # seconds that an end in order may take
_OVER = ("Succeeded", "Failed")
_MARK = "worker-"


class Pods(Protocol):
    """What is asked of the API server; each raises `Refused`, or what a connection raises."""

    def uid(self, name: str) -> str:
        """Return what tells a pod from others of its name."""

    def labelled(self, labels: Mapping[str, str], *, cached: bool) -> Sequence[dict[str, Any]]:
        """Return the pods that have some labels; `cached` as the server remembers them, which may be a while ago."""

    def create(self, pod: Mapping[str, Any]) -> None:
        """Make a pod."""

    def delete(self, name: str, *, grace: int) -> None:
        """Delete a pod, in so many seconds; one that is gone is no matter."""


class WorkerPods:
    """The workers of a master, each made of `template`, whose one owner is the session's pod.

    `problem` says in a sentence what keeps workers from running; it is empty where nothing does.
    """

    def __init__(self, template: Mapping[str, Any], pods: Pods) -> None:
        self.problem = ""
        self._template = template
        self._pods = pods
        [self._owner] = template["metadata"]["ownerReferences"]
        self._uid = ""
        self._wanted = -1
        self._made = 0
        self._pauses = Pauses()
        self._looked = 0.0
        self._at_rest = False  # as many ran at the last look as were wanted

    def have(self, wanted: int, alive: int, /) -> None:
        """Make and delete pods, so that as many live as are wanted; the youngest end first, and those that ended are replaced.

        Once that many are `alive`, the API server is asked seldom, and for what it remembers: each session of a cluster asks.
        """
        now = time.monotonic()
        is_same = wanted == self._wanted
        at_rest = self._at_rest and is_same and alive == wanted
        if is_same and now < self._looked + (_LOOK_AT_REST_EVERY if at_rest else _LOOK_EVERY):
            return
        self._wanted, self._looked, self._at_rest = wanted, now, False
        try:
            # What is remembered tells that all is well, and is nothing to make or delete pods by.
            self._at_rest = (at_rest and _are_running(self._there(cached=True), wanted)) or self._have(wanted, now)
        except Refused as refused:
            self._pauses.fail(now)
            self._tell(f"The cluster refuses a worker: {refused}")
        except (OSError, HTTPException, Unreadable) as problem:
            self._pauses.fail(now)
            self._tell(f"The cluster's API server can't be asked for workers: {problem}")

    def ask_to_end(self) -> None:
        """Delete all; what can't be deleted ends with the session's pod."""
        try:
            for pod in self._there(cached=False):
                self._delete(pod)
        except (Refused, OSError, HTTPException, Unreadable) as problem:
            print(f"Workers could not be deleted, and end with the session's pod: {problem}", flush=True)

    def end(self) -> None:
        """Do no more: the cluster ends what was deleted, and nobody waits for it."""

    def _have(self, wanted: int, now: float) -> bool:
        """Do it; return whether there was nothing to do, and nothing is to be waited for."""
        there = self._there(cached=False)
        living = []
        for pod in there:
            if pod.get("status", {}).get("phase") in _OVER:
                self._replace(pod, now)
            else:
                living.append(pod)
        for pod in living[wanted:]:
            self._delete(pod)
        if self._pauses.are_over(now):
            for _ in range(wanted - len(living)):
                self._create()
        if self._pauses.are_over(now) or len(living) >= wanted:
            self._tell(next(filter(None, map(_why_it_waits, living[:wanted])), ""))
        return _are_running(there, wanted)

    def _there(self, *, cached: bool) -> list[dict[str, Any]]:
        """Return the pods that nobody has deleted yet, the oldest first."""
        found = [pod for pod in self._pods.labelled(self._template["metadata"]["labels"], cached=cached) if _number(pod)]
        self._made = max([self._made, *map(_number, found)])
        return sorted((pod for pod in found if not pod["metadata"].get("deletionTimestamp")), key=_number)

    def _create(self) -> None:
        self._uid = self._uid or self._pods.uid(self._owner["name"])
        number = self._made + 1
        own = {"name": f"{self._owner['name']}-{_MARK}{number}", "ownerReferences": [{**self._owner, "uid": self._uid}]}
        self._pods.create({**self._template, "metadata": {**self._template["metadata"], **own}})
        self._made = number  # one that is refused is told of once, by the number that it keeps

    def _replace(self, pod: dict[str, Any], now: float) -> None:
        """Delete one that is over, after a pause another is made."""
        self._pauses.fail(now)
        self._tell(f"Spark's worker {_number(pod)} ended by itself ({_why_it_ended(pod)}); another is made.")
        self._delete(pod)

    def _delete(self, pod: dict[str, Any]) -> None:
        self._pods.delete(pod["metadata"]["name"], grace=_GRACE)

    def _tell(self, problem: str) -> None:
        if problem and problem != self.problem:
            print(problem, flush=True)
        self.problem = problem


def _are_running(pods: Sequence[Mapping[str, Any]], wanted: int) -> bool:
    """Return whether these are as many as are wanted, and all run."""
    return len(pods) == wanted and all(pod.get("status", {}).get("phase") == "Running" for pod in pods)


def _number(pod: Mapping[str, Any]) -> int:
    """Return the number in a worker's name; 0 for what is no worker."""
    _, _, number = str(pod["metadata"]["name"]).rpartition(_MARK)
    return int(number) if number.isdecimal() else 0


def _why_it_ended(pod: Mapping[str, Any]) -> str:
    """Return in a few words why a pod is over."""
    status = pod["status"]
    for container in status.get("containerStatuses") or []:
        if ended := container.get("state", {}).get("terminated"):
            return f"{ended.get('reason', 'Error')}, with the code {ended.get('exitCode')}"
    return str(status.get("reason") or status["phase"])


def _why_it_waits(pod: Mapping[str, Any]) -> str:
    """Return in a sentence why a pod does not start; nothing where it does, or where nobody has said."""
    status = pod.get("status", {})
    for condition in status.get("conditions") or []:
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
            return f"Spark's worker {_number(pod)} has no place on the cluster: {condition.get('message', 'no node has room')}"
    for container in status.get("containerStatuses") or []:
        waiting = container.get("state", {}).get("waiting") or {}
        if waiting.get("reason") not in {None, "ContainerCreating", "PodInitializing"}:
            return f"Spark's worker {_number(pod)} does not start: {waiting.get('message') or waiting['reason']}"
    return ""
