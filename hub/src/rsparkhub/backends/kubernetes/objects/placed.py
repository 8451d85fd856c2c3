"""Where on the cluster an ensemble runs, and as what: worked out once, and all of its objects are made of it."""

from dataclasses import dataclass
from typing import Self

from rsparkhub.backends.base import EnsembleRef
from rsparkhub.backends.kubernetes.objects.executors import asks_for_executors, asks_for_workers
from rsparkhub.backends.kubernetes.objects.names import (
    LONGEST_NAME,
    account_name,
    labels_of,
    labels_of_uses,
    name_of,
    plain,
)
from rsparkhub.domain.ensemble import EnsembleSpec
from rsparkhub.domain.errors import CannotStart
from rsparkhub.settings.kubernetes import KubernetesSettings
from rsparkhub.settings.placement import Placement


@dataclass(frozen=True, kw_only=True)
class Placed:
    """An ensemble on a cluster.

    `name` is that of all objects of the generation, `claim` that of its volume, `account` that with which Spark asks for pods;
    `has_executors` says whether it does, and `has_workers` whether those are workers of a master.
    """

    spec: EnsembleSpec
    settings: KubernetesSettings
    ref: EnsembleRef
    name: str
    namespace: str
    image: str
    placement: Placement
    claim: str
    account: str
    has_executors: bool
    has_workers: bool

    @classmethod
    def of(cls, spec: EnsembleSpec, settings: KubernetesSettings) -> Self:
        """Work it out.

        Raises
        ------
        CannotStart
            When nothing names an image, or the driver's account can't say where the session runs.
        """
        ref = EnsembleRef(spec.id, spec.generation)
        own = spec.backends.get("kubernetes", Placement())
        where = settings.placement.model_copy(update={name: getattr(own, name) for name in own.model_fields_set})
        has_executors = asks_for_executors(spec)
        return cls(
            spec=spec,
            settings=settings,
            ref=ref,
            name=name_of(ref),
            namespace=namespace_of(spec.user, settings),
            image=_image_of(spec, settings),
            placement=where,
            claim=claim_of(spec.user) if spec.user is not None else f"service-{spec.id}",
            account=_account_of(spec, where) if has_executors else "",
            has_executors=has_executors,
            has_workers=asks_for_workers(spec),
        )

    def labels(self, component: str) -> dict[str, str]:
        """Return the labels of an object of the generation: of a `session`, a `service`, or an `executor`."""
        return labels_of(self.ref, user=self.spec.user, component=component)

    def labels_of_pods(self, component: str) -> dict[str, str]:
        """Return the labels of a pod: also those by which policies know which shared services it may reach."""
        return self.labels(component) | labels_of_uses(self.spec.uses)


def namespace_of(user: str | None, settings: KubernetesSettings) -> str:
    """Return the name of the namespace: that of all, or of the person. Shared services, of no person, are in that of all."""
    if settings.namespaces == "person" and user is not None:
        return f"{settings.namespace}-{plain(user)}"
    return settings.namespace


def claim_of(user: str) -> str:
    """Return the name of the claim of a person's home."""
    return f"home-{plain(user)}"


def _account_of(spec: EnsembleSpec, where: Placement) -> str:
    """Return the name of the account with which the ensemble's Spark asks for pods."""
    account = account_name(EnsembleRef(spec.id, spec.generation), spec.user, spec.uses, where)
    if len(account) > LONGEST_NAME:
        raise CannotStart(
            "The environment names too many nodes and taints for Spark in pods. Ask your administrator to name fewer.",
            detail="The name of the account of a session's Spark says the session's node_selector, tolerations, runtime_class "
            f"and priority_class: it would have {len(account)} letters, and Kubernetes takes {LONGEST_NAME}.",
        )
    return account


def _image_of(spec: EnsembleSpec, settings: KubernetesSettings) -> str:
    """Return the image: the one that the settings put in the place of all, else its environment's."""
    ours = settings.service_image if spec.is_service else ""
    image = ours or settings.session_image or spec.image
    if not image:
        setting = "service_image" if spec.is_service else "session_image"
        raise CannotStart(
            "The environment names no image to run. Ask your administrator to name one.",
            detail=f"Neither the environment nor the setting kubernetes.{setting} names an image.",
        )
    return image
