"""Where on a Kubernetes cluster sessions run, and what they may reach there: set for all, or for those of one environment."""

from ipaddress import IPv4Network, IPv6Network
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from rsparkhub.domain.environment import Options


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Toleration(_Strict):
    """A taint of nodes that sessions may run on in spite of it."""

    key: str | None = Field(default=None, description="The taint's key; without it, every taint.")
    operator: Literal["Exists", "Equal"] = Field(default="Exists", description="Whether `value` counts.")
    value: str | None = Field(default=None, description="The taint's value.")
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = Field(default=None, description="The taint's effect.")

    def as_in_a_pod(self) -> dict[str, str]:
        """Return it as a pod's `tolerations` have it."""
        return self.model_dump(exclude_none=True)


class Volume(_Strict):
    """A volume that an administrator offers: course material, a shared drive."""

    name: str = Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,48}[a-z0-9])?$", description="Its name in the pod.")
    mount: str = Field(pattern=r"^/[^:]*$", description="Where it is seen in the session.")
    read_only: bool = Field(default=True, description="Whether sessions may only read it.")
    source: dict[str, Any] = Field(
        min_length=1,
        max_length=1,
        description="The source as in a pod's `volumes`: `{nfs: …}`, `{csi: …}`, `{persistentVolumeClaim: …}`.",
    )


class Placement(Options):
    """Where sessions of an environment run."""

    node_selector: dict[str, str] = Field(default={}, description="Labels that a node must have.")
    tolerations: tuple[Toleration, ...] = Field(default=(), description="Taints that don't keep sessions away.")
    extended_resources: dict[str, int] = Field(default={}, description="Devices by name and count, such as `nvidia.com/gpu: 1`.")
    volumes: tuple[Volume, ...] = Field(default=(), description="Volumes that every session of it sees.")
    priority_class: str | None = Field(default=None, description="The PriorityClass of its pods.")
    runtime_class: str | None = Field(default=None, description="The RuntimeClass of its pods, such as gVisor's.")
    egress: tuple[IPv4Network | IPv6Network, ...] | None = Field(
        default=None,
        description="Addresses outside of the cluster that sessions may reach; all public ones by default, none for `[]`.",
    )
