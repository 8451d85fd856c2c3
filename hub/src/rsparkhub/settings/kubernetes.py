"""The settings of the Kubernetes backend: `kubernetes:` in `settings.yaml`, or `RSPARKHUB_KUBERNETES__…` variables."""

from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from rsparkhub.domain.quantity import ByteSize, Duration
from rsparkhub.settings.placement import Placement


class Quota(BaseModel):
    """What one namespace of sessions may use; a limit that is not given is none."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    cpu: float | None = Field(default=None, gt=0, description="Cores of all its pods.")
    memory: ByteSize | None = Field(default=None, description="Memory of all its pods.")
    storage: ByteSize | None = Field(default=None, description="Size of all its volumes.")
    pods: int | None = Field(default=None, ge=1, description="Its pods.")


class KubernetesSettings(BaseModel):
    """How sessions become pods."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kubeconfig: Path | None = Field(
        default=None, description="How to reach the API server from outside; the pod's own account, or KUBECONFIG, by default."
    )
    context: str | None = Field(default=None, description="A context of the kubeconfig other than its current one.")
    namespace: str = Field(
        default="rspark-sessions",
        pattern=r"^[a-z0-9]([a-z0-9-]{0,40}[a-z0-9])?$",
        description="The namespace of sessions, or how those of persons begin.",
    )
    namespaces: Literal["one", "person"] = Field(
        default="one", description="`one` for all sessions, or one a `person`, made by the controller: NAMESPACE-PERSON."
    )
    hub_namespace: str = Field(
        default="rsparkhub", description="The namespace of hub, edge and controller, which may reach sessions."
    )
    session_image: str = Field(default="", description="The image of all sessions, in the place of those that environments name.")
    service_image: str = Field(default="", description="The image of shared services; `session_image` by default.")
    spark_image: str = Field(default="", description="The image of Spark's executors and workers; the session's own by default.")
    image_pull_policy: Literal["IfNotPresent", "Always", "Never"] = Field(
        default="IfNotPresent", description="When a node fetches an image."
    )
    image_pull_secrets: tuple[str, ...] = Field(default=(), description="Secrets of the sessions' namespace for the registry.")
    storage_class: str | None = Field(
        default=None, description="The StorageClass of homes; the cluster's default one if not given."
    )
    access_mode: Literal["ReadWriteOnce", "ReadWriteMany", "ReadWriteOncePod"] = Field(
        default="ReadWriteOnce",
        description="How a home may be mounted; with ReadWriteMany a person's sessions run on several nodes.",
    )
    home_on_executors: bool | None = Field(
        default=None,
        description="Whether Spark's executors see the home of their session's person; by default with ReadWriteMany, since only "
        "then they may run on any node.",
    )
    cpu_requests: float = Field(
        default=0.5, gt=0, le=1, description="The part of a session's cores that is set aside for it on its node."
    )
    memory_requests: float = Field(default=1.0, gt=0, le=1, description="The part of its memory that is set aside for it.")
    lost_node: Duration = Field(
        default=timedelta(seconds=60), description="After this time without a word from its node a session moves to another one."
    )
    api_server: tuple[IPv4Network | IPv6Network, ...] = Field(
        default=(), description="Addresses of the API server, for drivers of Spark; asked from the cluster by default."
    )
    quota: Quota = Field(
        default=Quota(), description="The ResourceQuota of each namespace of sessions that the controller makes."
    )
    placement: Placement = Field(default=Placement(), description="Where sessions run unless their environment says otherwise.")
