"""What the controller may do, and what drivers of Spark may, as data: the chart is made of it, and `doctor` asks for it.

A test compares these with the calls that the API server's audit log has seen.
"""

from dataclasses import dataclass

from rsparkhub.backends.kubernetes.objects.names import Object


@dataclass(frozen=True, kw_only=True)
class Right:
    """Some verbs on one resource."""

    group: str = ""
    resource: str
    verbs: tuple[str, ...]
    why: str

    def rule(self) -> Object:
        """Return it as a rule of a Role."""
        return {"apiGroups": [self.group], "resources": [self.resource], "verbs": list(self.verbs)}


#: In each namespace of sessions. An object that is there already is mended by an apply, which takes `patch`.
CONTROLLER = (
    Right(
        resource="secrets",
        verbs=("get", "list", "watch", "create", "patch", "delete"),
        why="what an agent reads, and the root of all else",
    ),
    Right(resource="pods", verbs=("get", "list", "watch", "create", "patch", "delete"), why="sessions and shared services"),
    Right(resource="pods/log", verbs=("get",), why="the logs that a person sees"),
    Right(resource="services", verbs=("get", "list", "create", "patch"), why="the addresses of shared services and of drivers"),
    Right(resource="serviceaccounts", verbs=("list", "create", "patch"), why="drivers of Spark"),
    Right(
        resource="persistentvolumeclaims",
        verbs=("get", "list", "watch", "create", "patch", "delete"),
        why="homes, which end with a person who is removed with their data",
    ),
    Right(resource="events", verbs=("list",), why="why a pod does not start"),
    Right(
        group="networking.k8s.io", resource="networkpolicies", verbs=("list", "create", "patch"), why="what a session may reach"
    ),
)

#: In the whole cluster, where each person has a namespace.
NAMESPACES = (
    Right(resource="namespaces", verbs=("get", "create", "patch"), why="one for each person"),
    Right(resource="limitranges", verbs=("create", "patch"), why="their limits"),
    Right(resource="resourcequotas", verbs=("create", "patch"), why="their quotas"),
    Right(group="rbac.authorization.k8s.io", resource="roles", verbs=("create", "patch"), why="their drivers of Spark"),
    Right(group="rbac.authorization.k8s.io", resource="rolebindings", verbs=("create", "patch"), why="their drivers of Spark"),
    Right(resource="pods", verbs=("deletecollection",), why="who gives drivers their rights must have them"),
)

#: Of the accounts of sessions, and `admission` narrows it to each one's own executors.
DRIVER = (Right(resource="pods", verbs=("get", "list", "watch", "create", "delete", "deletecollection"), why="executors"),)
