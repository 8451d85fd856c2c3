"""All objects of one generation, in the order in which they are made: what `apply` does and what `render` prints."""

from rsparkhub.backends.base import EnsembleRef
from rsparkhub.backends.kubernetes.objects import persistent as outliving
from rsparkhub.backends.kubernetes.objects import spark
from rsparkhub.backends.kubernetes.objects.names import GENERATION, SESSION, Object, metadata, name_of
from rsparkhub.backends.kubernetes.objects.network import Networks, ours, outside, policy
from rsparkhub.backends.kubernetes.objects.placed import Placed
from rsparkhub.backends.kubernetes.objects.pod import pod
from rsparkhub.backends.kubernetes.objects.secret import secret


def persistent(placed: Placed) -> list[Object]:
    """Return what outlives the generation: the volume first, then the address of a shared service and who may reach it."""
    return [outliving.claim(placed), *(outliving.address_of_service(placed) if placed.spec.is_service else [])]


def root(placed: Placed, *, forget: tuple[str, ...] = ()) -> Object:
    """Return the object that all of the generation hangs on; `forget` is for its agent, see `EnsembleDocument.forget`."""
    return secret(placed, forget=forget, config=spark.config(placed), words=spark.words(placed))


def dependents(placed: Placed, *, root: Object, api_server: Networks) -> list[Object]:
    """Return what hangs on the root; `root` is the object as the API server knows it. The pod is the last."""
    namespace, labels, egress = placed.namespace, placed.labels("session"), placed.placement.egress
    found = []
    if placed.has_executors:
        found += [
            spark.service_account(placed.account, namespace, labels, root=root),
            spark.headless_service(placed.ref, namespace, labels, root=root),
        ]
    if placed.has_executors or egress is not None:
        executors = spark.rules_of_executors(own_pods(placed.ref), api_server) if placed.has_executors else {}
        found.append(own_policy(placed.ref, namespace, labels, root=root, egress=egress, executors=executors))
    return [*found, pod(placed, root=root)]


def own_pods(ref: EnsembleRef) -> Object:
    """Select the pods of one generation: its own, and its executors."""
    return ours(**{SESSION: ref.id, GENERATION: str(ref.generation)})


def own_policy(
    ref: EnsembleRef,
    namespace: str,
    labels: dict[str, str],
    *,
    root: Object,
    egress: Networks | None,
    executors: dict[str, list[Object]],
) -> Object:
    """Build the policy of one generation: what its environment lets it reach outside, and the rules for executors."""
    rules = {**executors, "egress": [*executors.get("egress", []), *outside(egress)]}
    return policy(metadata(name_of(ref), namespace, labels, owner=root), own_pods(ref), **rules)
